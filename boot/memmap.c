#include "boot/memmap.h"

#include <stdbool.h>

#include "boot/layout.h"
#include "lib/errno.h"
#include "lib/string.h"

#define PAGE_MASK ((uint64_t)PAGE_SIZE - 1)

int memory_map_add(struct memory_map *map, uint64_t start, uint64_t length, uint32_t type)
{
	uint64_t end;

	if (!length)
		return 0;
	if (type < MEMORY_USABLE || type > MEMORY_BAD)
		type = MEMORY_RESERVED;
	if (__builtin_add_overflow(start, length, &end)) {
		if (type == MEMORY_USABLE)
			return -EINVAL;
		end = UINT64_MAX;
	}
	if (map->count == MEMORY_RANGES_MAX)
		return -ENOSPC;
	map->range[map->count++] = (struct memory_range){start, end, type};
	return 0;
}

static int restriction(enum memory_type type)
{
	switch (type) {
	case MEMORY_USABLE:
		return 1;
	case MEMORY_ACPI_RECLAIMABLE:
		return 2;
	case MEMORY_ACPI_NVS:
		return 3;
	case MEMORY_RESERVED:
		return 4;
	case MEMORY_BAD:
		return 5;
	}
	return 4;
}

/*
 * The piece of address space that begins at or after from, with one type all over, and that at
 * least one range covers. False if there is none.
 */
static bool next_piece(const struct memory_map *map, uint64_t from, struct memory_range *piece)
{
	uint64_t start = UINT64_MAX, end = UINT64_MAX;
	const struct memory_range *strongest = NULL;

	for (uint32_t i = 0; i < map->count; i++) {
		const struct memory_range *range = &map->range[i];
		uint64_t begin = range->start > from ? range->start : from;

		if (begin < range->end && begin < start)
			start = begin;
	}
	if (start == UINT64_MAX)
		return false;
	for (uint32_t i = 0; i < map->count; i++) {
		const struct memory_range *range = &map->range[i];

		if (range->start > start) {
			end = range->start < end ? range->start : end;
		} else if (range->end > start) {
			end = range->end < end ? range->end : end;
			if (!strongest || restriction(range->type) > restriction(strongest->type))
				strongest = range;
		}
	}
	*piece = (struct memory_range){start, end, strongest->type};
	return true;
}

/* Shrinks usable ranges to whole pages and drops those that vanish. */
static void trim(struct memory_map *map)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < map->count; i++) {
		struct memory_range range = map->range[i];

		if (range.type == MEMORY_USABLE) {
			range.end &= ~PAGE_MASK;
			if (range.start >= range.end)
				continue;
			range.start = (range.start + PAGE_MASK) & ~PAGE_MASK;
			if (range.start == range.end)
				continue;
		}
		map->range[kept++] = range;
	}
	map->count = kept;
}

int memory_map_normalise(struct memory_map *map)
{
	struct memory_map sorted = {.count = 0};
	struct memory_range piece = {.end = 0};

	while (next_piece(map, piece.end, &piece)) {
		struct memory_range *last = sorted.count ? &sorted.range[sorted.count - 1] : NULL;

		if (last && last->end == piece.start && last->type == piece.type)
			last->end = piece.end;
		else if (sorted.count == MEMORY_RANGES_MAX)
			return -ENOSPC;
		else
			sorted.range[sorted.count++] = piece;
	}
	trim(&sorted);
	memcpy(map->range, sorted.range, sorted.count * sizeof(sorted.range[0]));
	map->count = sorted.count;
	return 0;
}

static void remove_at(struct memory_map *map, uint32_t index)
{
	map->count--;
	memmove(&map->range[index], &map->range[index + 1],
		(map->count - index) * sizeof(map->range[0]));
}

static int split_at(struct memory_map *map, uint32_t index, uint64_t start, uint64_t end)
{
	struct memory_range *range = &map->range[index];

	if (map->count == MEMORY_RANGES_MAX)
		return -ENOSPC;
	memmove(range + 1, range, (map->count - index) * sizeof(*range));
	map->count++;
	range[0].end = start;
	range[1].start = end;
	return 0;
}

int memory_map_reserve(struct memory_map *map, uint64_t start, uint64_t end)
{
	if (start > end)
		return -EINVAL;
	if (start == end)
		return 0;
	start &= ~PAGE_MASK;
	end = end > UINT64_MAX - PAGE_MASK ? UINT64_MAX : (end + PAGE_MASK) & ~PAGE_MASK;
	for (uint32_t i = 0; i < map->count;) {
		struct memory_range *range = &map->range[i];

		if (range->type != MEMORY_USABLE || range->end <= start || end <= range->start) {
			i++;
		} else if (start <= range->start && range->end <= end) {
			remove_at(map, i);
		} else if (start <= range->start) {
			range->start = end;
			i++;
		} else if (range->end <= end) {
			range->end = start;
			i++;
		} else {
			/* Inside one range, so no other is touched. */
			return split_at(map, i, start, end);
		}
	}
	return 0;
}

uint64_t memory_map_usable_bytes(const struct memory_map *map)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < map->count; i++)
		if (map->range[i].type == MEMORY_USABLE)
			total += map->range[i].end - map->range[i].start;
	return total;
}
