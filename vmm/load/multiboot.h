/*
 * Loads a multiboot 1 kernel (Specification 0.6.96), and builds the information structure that it
 * is started with.
 *
 * Where things go: the kernel where its headers say; the information structure and all it points
 * to as one block in conventional memory, from 0x10000 up if the kernel leaves room there; modules
 * on page boundaries after the kernel.
 */
#pragma once

struct loader;

/* For guest_load(): places everything, writes the information structure, and sets the entry. */
int multiboot_load(struct loader *loader);
