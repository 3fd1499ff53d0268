/*
 * The page-frame allocator: ranges of free physical memory, kept sorted and merged.
 *
 * Addresses and sizes are bytes; all ranges are [start, end) and whole pages. Nothing here locks:
 * the caller holds the frames lock, or is the only CPU that runs. Not for NMI context.
 */
#pragma once

#include <stdint.h>

#define FRAME_SIZE	  4096ull
#define FRAMES_RANGES_MAX 2048
#define FRAMES_NO_LIMIT	  UINT64_MAX

struct frames_range {
	uint64_t start;
	uint64_t end;
};

/* Sorted by start; no two ranges touch or overlap; frame 0 is in none of them. */
struct frames {
	uint32_t count;
	struct frames_range range[FRAMES_RANGES_MAX];
};

void frames_init(struct frames *frames);

/*
 * Gives the pages that lie wholly in [start, end) to the allocator; none, or only frame 0, is no
 * error. -EINVAL if start > end, -EEXIST if any page is free already, -ENOSPC if the array is full.
 */
int frames_add(struct frames *frames, uint64_t start, uint64_t end);

/*
 * Takes size bytes, rounded up to pages, at a multiple of align (a power of two, at least
 * FRAME_SIZE) and wholly below limit. Takes the highest place that fits, so that low memory stays
 * for those who need it. Returns the address, or 0 if there is none or the arguments make no
 * sense. The memory is not cleared.
 */
uint64_t frames_alloc(struct frames *frames, uint64_t size, uint64_t align, uint64_t limit);

/*
 * Gives back size bytes, rounded up to pages, at start. -EINVAL if start is no page or 0, if size
 * is 0 or too large, or if any page of it is free already; -ENOSPC if the array is full (then the
 * memory stays taken).
 */
int frames_free(struct frames *frames, uint64_t start, uint64_t size);

/* All free bytes. */
uint64_t frames_free_bytes(const struct frames *frames);
