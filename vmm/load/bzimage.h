/*
 * Loads a Linux kernel by the 32-bit boot protocol (the kernel's documentation, arch/x86/boot.rst),
 * as GRUB would, and builds the boot parameters ("zero page") that it is started with.
 *
 * Where things go: the kernel at its preferred address; boot parameters, command line and GDT as
 * one block in conventional memory; all modules, one after the other, as one initrd, as high as the
 * kernel can reach.
 */
#pragma once

struct loader;

/* For guest_load(): places everything, writes the boot parameters, and sets the entry. */
int bzimage_load(struct loader *loader);
