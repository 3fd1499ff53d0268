/*
 * The machine's memory map: what the boot loader reports, put in order.
 *
 * Addresses and lengths are bytes, ranges are [start, end). Fill with memory_map_add, then call
 * memory_map_normalise once; the other functions want a normalised map. Used by the first CPU at
 * boot, without locks.
 *
 * A map may be longer than there is room. What is not usable is never lost then: ranges that touch
 * are merged; then the smallest usable ranges are given up, and where a gap between two that are
 * not usable is smaller still, it counts as reserved.
 */
#pragma once

#include <stdint.h>

#define MEMORY_RANGES_MAX 1024

/* The numbers of both multiboot protocols, which are ACPI's (ACPI 6.4, table 15.4). */
enum memory_type {
	MEMORY_USABLE = 1,
	MEMORY_RESERVED = 2,
	MEMORY_ACPI_RECLAIMABLE = 3,
	MEMORY_ACPI_NVS = 4,
	MEMORY_BAD = 5,
};

struct memory_range {
	uint64_t start;
	uint64_t end;
	enum memory_type type;
};

struct memory_map {
	uint32_t count;
	uint64_t given_up; /* usable bytes, for want of room */
	struct memory_range range[MEMORY_RANGES_MAX];
};

/*
 * Adds a range as firmware told it; a length of 0 is ignored, a type that is not known counts as
 * reserved. A range that runs past 2^64 is refused with -EINVAL if usable and else cut there, so
 * that an error never makes memory usable.
 */
int memory_map_add(struct memory_map *map, uint64_t start, uint64_t length, uint32_t type);

/*
 * Sorts and merges. Where ranges overlap the more restrictive type wins: bad, reserved, ACPI NVS,
 * ACPI reclaimable, usable, in this order. Usable ranges shrink to whole pages.
 */
void memory_map_normalise(struct memory_map *map);

/*
 * Takes the pages that [start, end) touches out of the usable ranges. -EINVAL if start > end. Where
 * a range would have to be split and the map is full, the smaller part of it is given up.
 */
int memory_map_reserve(struct memory_map *map, uint64_t start, uint64_t end);

uint64_t memory_map_usable_bytes(const struct memory_map *map);
