/*
 * A ring of whole lines that wait for a console. Each has a stamp, by which the lines of several
 * rings find their order. Pure functions; who shares a ring takes its lock, which only the one that
 * drops lines may do without when it reads the text of the first one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/lock.h"

#define LINE_RING_SIZE	   16384u
#define LINE_RING_LINE	   1024u /* the longest line */
#define LINE_RING_OVERHEAD 10u	 /* bytes that a line takes beside its own */

/* All zeros is an empty ring. */
struct line_ring {
	struct spinlock lock;
	uint32_t first; /* offset of the first line's header */
	uint32_t used;	/* bytes, headers included */
	uint8_t bytes[LINE_RING_SIZE];
};

/* Appends a line; false, and nothing is changed, where there is no room for it. */
bool line_ring_put(struct line_ring *ring, uint64_t stamp, const char *text, size_t length);

/* Bytes that are free. A line takes its length and LINE_RING_OVERHEAD. */
static inline uint32_t line_ring_room(const struct line_ring *ring)
{
	return LINE_RING_SIZE - ring->used;
}

static inline bool line_ring_empty(const struct line_ring *ring)
{
	return !ring->used;
}

/* Of the first line of a ring that is not empty: */
uint64_t line_ring_stamp(const struct line_ring *ring);
size_t line_ring_length(const struct line_ring *ring);

/* Its bytes from `offset` to `length`, as many as stand in one piece (*size, not 0 before that). */
const char *line_ring_text(const struct line_ring *ring, size_t offset, size_t length,
			   size_t *size);

void line_ring_drop(struct line_ring *ring);
