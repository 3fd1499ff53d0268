/*
 * Where in a guest's memory there is room for what a loader puts there, below 4 GiB. Guest-physical
 * addresses and bytes; a range is [start, end). Any context.
 */
#pragma once

#include <stdint.h>

#include "vmm/guest_ram.h"
#include "vmm/load/parts.h"

struct places {
	uint64_t low_ram_end; /* of the RAM that begins at 0; at most 4 GiB */
	uint32_t count;
	struct {
		uint64_t start, end;
	} taken[GUEST_SEGMENTS_MAX + GUEST_MODULES_MAX + 1];
};

void places_init(struct places *places, const struct guest_ram *ram);
void places_take(struct places *places, uint64_t start, uint64_t size);

/* Finds and takes the lowest free place in [from, to); `align` is a power of two. 0: there is none.
 */
uint64_t places_lowest(struct places *places, uint64_t size, uint64_t align, uint64_t from,
		       uint64_t to);

/* The same, but the highest one. */
uint64_t places_highest(struct places *places, uint64_t size, uint64_t align, uint64_t from,
			uint64_t to);

/* A place in conventional memory, above where small kernels like to have their own things; else at
 * `otherwise` or above it. 0: there is none. */
uint64_t places_conventional(struct places *places, uint64_t size, uint64_t align,
			     uint64_t otherwise);

/*
 * The guest's memory map, as that of a PC: what firmware needs is reserved, and of the video memory
 * between, where nothing may be put either, nothing is said. `type` is an enum memory_type.
 */
struct guest_map_entry {
	uint64_t base, length;
	uint32_t type;
};

#define GUEST_MAP_MAX (GUEST_EXTENTS_MAX + 3)

/* Returns how many entries it has. */
uint32_t guest_map_build(struct guest_map_entry map[GUEST_MAP_MAX], const struct guest_ram *ram);
