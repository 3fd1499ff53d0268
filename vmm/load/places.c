#include "vmm/load/places.h"

#include <stddef.h>

#include "boot/memmap.h"
#include "vmm/guest_ram.h"
#include "vmm/load/firmware.h"

#define PAGE	   0x1000ull
#define FOUR_GIB   0x100000000ull
#define HIGH_START 0x100000ull
#define LOW_START  0x10000ull /* below it small kernels like to have their own things */

static uint64_t lower(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t higher(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void places_init(struct places *places, const struct guest_ram *ram)
{
	uint64_t end = 0;

	for (uint32_t i = 0; i < ram->count && ram->extent[i].gpa == end; i++)
		end += ram->extent[i].size;
	places->low_ram_end = lower(end, FOUR_GIB);
	places->count = 0;
}

void places_take(struct places *places, uint64_t start, uint64_t size)
{
	places->taken[places->count].start = start;
	places->taken[places->count].end = start + size;
	places->count++;
}

/* One of the taken ranges that overlaps [at, at + size), or -1. */
static int32_t obstacle(const struct places *places, uint64_t at, uint64_t size)
{
	for (uint32_t i = 0; i < places->count; i++)
		if (at < places->taken[i].end && places->taken[i].start < at + size)
			return (int32_t)i;
	return -1;
}

uint64_t places_lowest(struct places *places, uint64_t size, uint64_t align, uint64_t from,
		       uint64_t to)
{
	uint64_t at = from;

	for (;;) {
		int32_t in_the_way;

		at = (at + align - 1) & ~(align - 1);
		if (at > to || size > to - at)
			return 0;
		in_the_way = obstacle(places, at, size);
		if (in_the_way < 0)
			break;
		at = places->taken[in_the_way].end;
	}
	places_take(places, at, size);
	return at;
}

uint64_t places_highest(struct places *places, uint64_t size, uint64_t align, uint64_t from,
			uint64_t to)
{
	uint64_t end = to;

	for (;;) {
		int32_t in_the_way;
		uint64_t at;

		if (end < size)
			return 0;
		at = (end - size) & ~(align - 1);
		if (at < from)
			return 0;
		in_the_way = obstacle(places, at, size);
		if (in_the_way < 0) {
			places_take(places, at, size);
			return at;
		}
		end = places->taken[in_the_way].start;
	}
}

uint64_t places_conventional(struct places *places, uint64_t size, uint64_t align,
			     uint64_t otherwise)
{
	uint64_t low_end = lower(FIRMWARE_EBDA, places->low_ram_end);
	uint64_t at = places_lowest(places, size, align, LOW_START, low_end);

	if (!at)
		at = places_lowest(places, size, align, PAGE, low_end);
	if (!at)
		at = places_lowest(places, size, align, otherwise, places->low_ram_end);
	return at;
}

static void add(struct guest_map_entry *map, uint32_t *count, uint64_t start, uint64_t end,
		enum memory_type type)
{
	struct guest_map_entry *last = *count ? &map[*count - 1] : NULL;

	if (start >= end)
		return;
	if (last && last->type == type && last->base + last->length == start) {
		last->length += end - start;
		return;
	}
	map[(*count)++] = (struct guest_map_entry){start, end - start, type};
}

uint32_t guest_map_build(struct guest_map_entry map[GUEST_MAP_MAX], const struct guest_ram *ram)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < ram->count; i++)
		add(map, &count, ram->extent[i].gpa,
		    lower(ram->extent[i].gpa + ram->extent[i].size, FIRMWARE_EBDA), MEMORY_USABLE);
	add(map, &count, FIRMWARE_EBDA, FIRMWARE_EBDA + FIRMWARE_EBDA_SIZE, MEMORY_RESERVED);
	add(map, &count, FIRMWARE_ROM_START, HIGH_START, MEMORY_RESERVED);
	for (uint32_t i = 0; i < ram->count; i++)
		add(map, &count, higher(ram->extent[i].gpa, HIGH_START),
		    ram->extent[i].gpa + ram->extent[i].size, MEMORY_USABLE);
	return count;
}
