#include <stddef.h>

#include "boot/bootinfo.h"
#include "boot/fault.h"
#include "boot/layout.h"
#include "boot/memory.h"
#include "boot/paging.h"
#include "lib/console.h"
#include "lib/errno.h"
#include "lib/frames.h"
#include "lib/lock.h"
#include "lib/string.h"

#define LOW_MEMORY_END 0x100000

static struct frames frames; /* under frames_lock */
static struct spinlock frames_lock;
static uint64_t top;

static void reserve(struct memory_map *map, uint64_t start, uint64_t end)
{
	if (memory_map_reserve(map, start, end))
		panic("the memory map has too many ranges to keep 0x%llx-0x%llx apart in",
		      (unsigned long long)start, (unsigned long long)end);
}

void memory_init(struct boot_info *info)
{
	struct memory_map *map = &info->map;

	reserve(map, 0, LOW_MEMORY_END);
	reserve(map, (uint64_t)image_start, (uint64_t)image_end);
	for (uint32_t i = 0; i < info->module_count; i++)
		reserve(map, info->module[i].start, info->module[i].end);

	frames_init(&frames);
	for (uint32_t i = 0; i < map->count; i++) {
		const struct memory_range *range = &map->range[i];
		uint64_t end = range->end < PAGING_LIMIT ? range->end : PAGING_LIMIT;

		if (range->type != MEMORY_USABLE || range->start >= end)
			continue;
		if (frames_add(&frames, range->start, end) < 0)
			log_warning("memory map range 0x%llx-0x%llx is not used",
				    (unsigned long long)range->start, (unsigned long long)end);
		if (end > top)
			top = end;
	}
}

uint64_t memory_alloc(uint64_t size, uint64_t align)
{
	uint64_t address;

	spin_lock(&frames_lock);
	address = frames_alloc(&frames, size, align, paging_limit());
	spin_unlock(&frames_lock);
	return address;
}

void memory_free(uint64_t address, uint64_t size)
{
	int error;

	spin_lock(&frames_lock);
	error = frames_free(&frames, address, size);
	spin_unlock(&frames_lock);
	if (error == -ENOSPC)
		log_warning("free memory is too fragmented: %llu bytes at 0x%llx are lost",
			    (unsigned long long)size, (unsigned long long)address);
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
	return frames_free_bytes(&frames);
}

uint64_t memory_top(void)
{
	return top;
}
