#include <stddef.h>

#include "boot/bootinfo.h"
#include "boot/layout.h"
#include "boot/memory.h"
#include "lib/assert.h"
#include "lib/console.h"
#include "lib/errno.h"
#include "lib/frames.h"
#include "lib/lock.h"
#include "lib/string.h"

#define BASE_MEMORY_END	  0xa0000
#define BOOT_TABLES_LIMIT (1ull << 32) /* boot/start.S maps as much */

static struct frames frames; /* under frames_lock */
static struct spinlock frames_lock;
static uint64_t limit = BOOT_TABLES_LIMIT; /* what page tables reach; written at boot */
static uint64_t real_mode_page;		   /* written at boot */

static void reserve(struct memory_map *map, uint64_t start, uint64_t end)
{
	int error = memory_map_reserve(map, start, end);

	assert(error == 0);
}

static void leave_out_what_cannot_be_mapped(struct memory_map *map, uint64_t end)
{
	uint64_t before = memory_map_usable_bytes(map), beyond;

	reserve(map, end, UINT64_MAX);
	beyond = before - memory_map_usable_bytes(map);
	if (beyond)
		log_warning("%lu MiB of memory at or above 0x%lx are not used", beyond >> 20, end);
}

/* The highest: firmware and boot loaders are fond of the lowest. */
static uint64_t find_real_mode_page(const struct memory_map *map)
{
	uint64_t found = 0;

	for (uint32_t i = 0; i < map->count; i++) {
		uint64_t start = map->range[i].start, end = map->range[i].end;

		if (map->range[i].type != MEMORY_USABLE)
			continue;
		end = end < BASE_MEMORY_END ? end : BASE_MEMORY_END;
		if (end > start && end - start >= PAGE_SIZE && end - PAGE_SIZE > found)
			found = end - PAGE_SIZE;
	}
	return found;
}

void memory_init(struct boot_info *info, uint64_t end)
{
	struct memory_map *map = &info->map;
	uint64_t given_up = map->given_up;

	real_mode_page = find_real_mode_page(map);
	reserve(map, 0, LOW_MEMORY_END);
	reserve(map, (uint64_t)image_start, (uint64_t)image_end);
	for (uint32_t i = 0; i < info->module_count; i++)
		reserve(map, info->module[i].start, info->module[i].end);
	for (uint32_t i = 0; i < info->kept_count; i++)
		reserve(map, info->kept[i].start, info->kept[i].end);
	if (info->framebuffer.width) /* whatever the map says of it */
		reserve(map, info->framebuffer.addr,
			info->framebuffer.addr +
				(uint64_t)info->framebuffer.pitch * info->framebuffer.height);
	leave_out_what_cannot_be_mapped(map, end);
	if (map->given_up > given_up)
		log_warning("the memory map is too fragmented: %lu KiB more are not used",
			    (map->given_up - given_up) / 1024);

	frames_init(&frames);
	for (uint32_t i = 0; i < map->count; i++) {
		const struct memory_range *range = &map->range[i];

		if (range->type == MEMORY_USABLE &&
		    frames_add(&frames, range->start, range->end) < 0)
			log_warning("memory map range 0x%lx-0x%lx is not used", range->start,
				    range->end);
	}
}

void memory_set_limit(uint64_t end)
{
	limit = end;
}

static uint64_t allocate_below(uint64_t size, uint64_t align, uint64_t end)
{
	uint64_t address;

	spin_lock(&frames_lock);
	address = frames_alloc(&frames, size, align, end);
	spin_unlock(&frames_lock);
	return address;
}

uint64_t memory_alloc(uint64_t size, uint64_t align)
{
	return allocate_below(size, align, limit);
}

uint64_t memory_alloc_low(uint64_t size, uint64_t align)
{
	return allocate_below(size, align, BOOT_TABLES_LIMIT);
}

void memory_free(uint64_t address, uint64_t size)
{
	int error;

	spin_lock(&frames_lock);
	error = frames_free(&frames, address, size);
	spin_unlock(&frames_lock);
	if (error == -ENOSPC)
		log_warning("free memory is too fragmented: %lu bytes at 0x%lx are lost", size,
			    address);
	else
		assert(error == 0);
}

void *memory_alloc_page(void)
{
	void *page = (void *)memory_alloc(PAGE_SIZE, PAGE_SIZE);

	if (page)
		memset(page, 0, PAGE_SIZE);
	return page;
}

void memory_free_page(void *page)
{
	memory_free((uint64_t)page, PAGE_SIZE);
}

uint64_t memory_free_bytes(void)
{
	uint64_t bytes;

	spin_lock(&frames_lock);
	bytes = frames_free_bytes(&frames);
	spin_unlock(&frames_lock);
	return bytes;
}

uint64_t memory_real_mode_page(void)
{
	return real_mode_page;
}
