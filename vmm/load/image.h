/*
 * A kernel file as something to load: segments and an entry point, whatever its format. The file
 * is not trusted: everything that comes out has been checked against its size. Pure functions, any
 * context.
 */
#pragma once

#include <stdint.h>

#define GUEST_SEGMENTS_MAX 32

struct refusal;

/* How a kernel is started. */
enum guest_protocol {
	GUEST_MULTIBOOT,
	GUEST_LINUX, /* a bzImage, by the 32-bit boot protocol */
};

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
	enum guest_protocol protocol;
	const uint8_t *file; /* not copied */
	uint64_t size;
	uint64_t entry; /* physical, in the part of a segment that comes from the file */
	uint32_t count;
	struct guest_segment segment[GUEST_SEGMENTS_MAX];
};

/*
 * For the readers of formats: checks a segment against the file and adds it, unless it is empty in
 * memory: such a one may have any offset and address. So may one without file bytes have any
 * offset, as in GRUB. Returns 0, or -ENOEXEC with a refusal.
 */
int guest_image_add(struct guest_image *image, const struct guest_segment *segment,
		    struct refusal *refusal);
