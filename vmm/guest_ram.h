/*
 * A guest's physical memory as the hypervisor reaches it: extents of host memory at guest-physical
 * addresses (gpa, bytes). Extents are sorted, do not overlap, and do not run past 2^64; who fills
 * the structure sees to that. Nothing is locked: the memory may change under the reader, as the
 * guest runs, so copy what is checked.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define GUEST_EXTENTS_MAX 64
#define GUEST_LOW_RAM_END (3ull << 30) /* RAM beyond it continues at 4 GiB, as on a PC */

struct guest_extent {
	uint64_t gpa;
	uint64_t size;
	uint8_t *host;
};

struct guest_ram {
	uint32_t count;
	uint64_t size; /* of all extents */
	struct guest_extent extent[GUEST_EXTENTS_MAX];
};

/* Where the range is in host memory; NULL unless it is wholly in one extent. */
void *guest_ram_at(const struct guest_ram *ram, uint64_t gpa, uint64_t length);

/* Whether every byte of the range is RAM; adjacent extents may share it. True for length 0. */
bool guest_ram_contains(const struct guest_ram *ram, uint64_t gpa, uint64_t length);

/* The other way about: the guest-physical address of host memory that is wholly in one extent. */
bool guest_ram_gpa(const struct guest_ram *ram, const void *host, uint64_t length, uint64_t *gpa);

/* Copy out of or into the guest, across extents. -EFAULT, with nothing copied, if any byte is not
 * RAM. */
int guest_ram_read(const struct guest_ram *ram, uint64_t gpa, void *to, uint64_t length);
int guest_ram_write(const struct guest_ram *ram, uint64_t gpa, const void *from, uint64_t length);

/* Clears a range; as guest_ram_write. */
int guest_ram_clear(const struct guest_ram *ram, uint64_t gpa, uint64_t length);
