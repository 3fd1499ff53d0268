/*
 * Multiboot 1 kernel files, by their header (Specification 0.6.96, section 3.1).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct guest_image;
struct refusal;

/* Whether a file has such a header. */
bool multiboot_header_there(const void *file, uint64_t size);

/*
 * Reads a multiboot 1 kernel: finds its header, refuses what it requires and we lack, and takes the
 * segments from the header's address fields if it has them, else from the ELF program headers.
 * Returns 0, or -ENOEXEC with a refusal. Any context.
 */
int multiboot_header_parse(struct guest_image *image, const void *file, uint64_t size,
			   struct refusal *refusal);
