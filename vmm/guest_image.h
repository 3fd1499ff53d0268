/*
 * A kernel file as something to load: segments and an entry point, whatever its format. The file
 * is not trusted: everything that comes out has been checked against its size. Pure functions, any
 * context.
 */
#pragma once

#include <stdint.h>

#include "lib/refusal.h"

#define GUEST_SEGMENTS_MAX 32

/*
 * file_size bytes at offset of the file go to phys; zeros follow up to memory_size. Both ends of
 * the bytes are in the file; without bytes the offset is 0.
 */
struct guest_segment {
	uint64_t offset;
	uint64_t file_size;
	uint64_t phys;
	uint64_t memory_size; /* at least 1 and file_size; phys + memory_size does not overflow */
};

/* Segments do not overlap in memory. */
struct guest_image {
	uint64_t entry; /* physical, in the part of a segment that comes from the file */
	uint32_t count;
	struct guest_segment segment[GUEST_SEGMENTS_MAX];
};

/*
 * Reads a multiboot 1 kernel: finds its header (Specification 0.6.96, section 3.1), refuses what
 * it requires and we lack, and takes the segments from the header's address fields if it has them,
 * else from the ELF program headers. Returns 0, or -ENOEXEC with a refusal.
 */
int guest_image_parse(struct guest_image *image, const void *file, uint64_t size,
		      struct refusal *refusal);

/*
 * For the readers of formats: checks a segment against a file of this size and adds it, unless it
 * is empty in memory: such a one may have any offset and address. So may one without file bytes
 * have any offset, as in GRUB. Returns as guest_image_parse.
 */
int guest_image_add(struct guest_image *image, const struct guest_segment *segment, uint64_t size,
		    struct refusal *refusal);
