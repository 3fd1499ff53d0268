#include "boot/memmap.h"

#include <stdbool.h>
#include <stddef.h>

#include "boot/layout.h"
#include "lib/errno.h"
#include "lib/string.h"

#define PAGE_MASK ((uint64_t)PAGE_SIZE - 1)

/* To what a full map is reduced, so that it is not full again at the next range. */
#define COMPACT_TO (MEMORY_RANGES_MAX - MEMORY_RANGES_MAX / 8)

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

/* Shrinks a usable range to whole pages. False if nothing is left of it. */
static bool trim(struct memory_range *range)
{
	if (range->type != MEMORY_USABLE)
		return true;
	range->end &= ~PAGE_MASK;
	if (range->start >= range->end)
		return false;
	range->start = (range->start + PAGE_MASK) & ~PAGE_MASK;
	return range->start < range->end;
}

/* Makes [index] and [index + 1] and what lies between them one range that nobody may use. */
static void join(struct memory_range *range, uint32_t index)
{
	if (restriction(range[index + 1].type) > restriction(range[index].type))
		range[index].type = range[index + 1].type;
	if (restriction(range[index].type) < restriction(MEMORY_RESERVED))
		range[index].type = MEMORY_RESERVED;
	range[index].end = range[index + 1].end;
}

/*
 * Makes one range fewer of at least two, which are sorted, at the least cost: gives up a usable
 * range, or joins two that are not. Returns the usable bytes given up.
 */
static uint64_t reduce(struct memory_range *range, uint32_t count)
{
	uint64_t least = UINT64_MAX;
	uint32_t drop = 0;
	bool usable = false;

	for (uint32_t i = 0; i < count; i++) {
		bool is_usable = range[i].type == MEMORY_USABLE;
		bool has_gap = i && !is_usable && range[i - 1].type != MEMORY_USABLE;
		uint64_t cost = is_usable ? range[i].end - range[i].start
				: has_gap ? range[i].start - range[i - 1].end
					  : UINT64_MAX;

		if (cost < least) {
			least = cost;
			drop = i;
			usable = is_usable;
		}
	}
	if (!usable)
		join(range, drop - 1);
	memmove(&range[drop], &range[drop + 1], (count - drop - 1) * sizeof(*range));
	return usable ? least : 0;
}

/* Sorts and merges, and reduces to at most `most` ranges. */
static void compact(struct memory_map *map, uint32_t most)
{
	/* n ranges have 2n borders, so at most 2n - 1 pieces lie between them */
	static struct memory_range sorted[2 * MEMORY_RANGES_MAX];
	struct memory_range piece = {.end = 0};
	uint32_t count = 0;

	while (next_piece(map, piece.end, &piece)) {
		struct memory_range *last = count ? &sorted[count - 1] : NULL;

		if (last && last->end == piece.start && last->type == piece.type)
			last->end = piece.end;
		else
			sorted[count++] = piece;
	}
	for (; count > most; count--)
		map->given_up += reduce(sorted, count);
	memcpy(map->range, sorted, count * sizeof(sorted[0]));
	map->count = count;
}

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
		compact(map, COMPACT_TO);
	map->range[map->count++] = (struct memory_range){start, end, type};
	return 0;
}

void memory_map_normalise(struct memory_map *map)
{
	uint32_t kept = 0;

	compact(map, MEMORY_RANGES_MAX);
	for (uint32_t i = 0; i < map->count; i++)
		if (trim(&map->range[i]))
			map->range[kept++] = map->range[i];
	map->count = kept;
}

static void remove_at(struct memory_map *map, uint32_t index)
{
	map->count--;
	memmove(&map->range[index], &map->range[index + 1],
		(map->count - index) * sizeof(map->range[0]));
}

/* Takes [start, end) out of the middle of a range. */
static void split_at(struct memory_map *map, uint32_t index, uint64_t start, uint64_t end)
{
	struct memory_range *range = &map->range[index];
	uint64_t before = start - range->start, after = range->end - end;

	if (map->count == MEMORY_RANGES_MAX) {
		if (before < after)
			range->start = end;
		else
			range->end = start;
		map->given_up += before < after ? before : after;
		return;
	}
	memmove(range + 1, range, (map->count - index) * sizeof(*range));
	map->count++;
	range[0].end = start;
	range[1].start = end;
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
			split_at(map, i, start, end);
			return 0;
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
