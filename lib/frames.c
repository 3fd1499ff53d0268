#include "lib/frames.h"

#include <stdbool.h>

#include "lib/errno.h"
#include "lib/string.h"

static bool align_valid(uint64_t align)
{
	return align >= FRAME_SIZE && !(align & (align - 1));
}

static void insert_at(struct frames *frames, uint32_t index, uint64_t start, uint64_t end)
{
	memmove(&frames->range[index + 1], &frames->range[index],
		(frames->count - index) * sizeof(frames->range[0]));
	frames->range[index] = (struct frames_range){start, end};
	frames->count++;
}

static void remove_at(struct frames *frames, uint32_t index)
{
	frames->count--;
	memmove(&frames->range[index], &frames->range[index + 1],
		(frames->count - index) * sizeof(frames->range[0]));
}

/* Puts the non-empty range of whole pages in its place. -EEXIST, -ENOSPC. */
static int insert(struct frames *frames, uint64_t start, uint64_t end)
{
	struct frames_range *range = frames->range;
	uint32_t i = 0;

	while (i < frames->count && range[i].end < start)
		i++;

	/* range[i] is the first that ends at or after start. */
	bool joins_left = i < frames->count && range[i].end == start;
	uint32_t next = joins_left ? i + 1 : i;

	if (next < frames->count && range[next].start < end)
		return -EEXIST;

	bool joins_right = next < frames->count && range[next].start == end;

	if (joins_left && joins_right) {
		range[i].end = range[next].end;
		remove_at(frames, next);
	} else if (joins_left) {
		range[i].end = end;
	} else if (joins_right) {
		range[next].start = start;
	} else if (frames->count == FRAMES_RANGES_MAX) {
		return -ENOSPC;
	} else {
		insert_at(frames, i, start, end);
	}
	return 0;
}

/* Takes [start, end) out of range[index], in which it lies. False if the array is full. */
static bool carve(struct frames *frames, uint32_t index, uint64_t start, uint64_t end)
{
	struct frames_range *range = &frames->range[index];

	if (range->start == start && range->end == end) {
		remove_at(frames, index);
	} else if (range->start == start) {
		range->start = end;
	} else if (range->end == end) {
		range->end = start;
	} else if (frames->count == FRAMES_RANGES_MAX) {
		return false;
	} else {
		insert_at(frames, index + 1, end, range->end);
		range->end = start;
	}
	return true;
}

void frames_init(struct frames *frames)
{
	frames->count = 0;
}

int frames_add(struct frames *frames, uint64_t start, uint64_t end)
{
	if (start > end)
		return -EINVAL;
	end &= ~(FRAME_SIZE - 1);
	if (start >= end)
		return 0;
	start = (start + FRAME_SIZE - 1) & ~(FRAME_SIZE - 1);
	if (!start)
		start = FRAME_SIZE;
	return start < end ? insert(frames, start, end) : 0;
}

uint64_t frames_alloc(struct frames *frames, uint64_t size, uint64_t align, uint64_t limit)
{
	if (!size || size > UINT64_MAX - (FRAME_SIZE - 1) || !align_valid(align))
		return 0;
	size = (size + FRAME_SIZE - 1) & ~(FRAME_SIZE - 1);
	limit &= ~(FRAME_SIZE - 1);
	for (uint32_t i = frames->count; i-- > 0;) {
		const struct frames_range *range = &frames->range[i];
		uint64_t end = range->end < limit ? range->end : limit;
		uint64_t start;

		if (end < size)
			continue;
		start = (end - size) & ~(align - 1);
		if (start >= range->start && carve(frames, i, start, start + size))
			return start;
	}
	return 0;
}

int frames_free(struct frames *frames, uint64_t start, uint64_t size)
{
	uint64_t end;

	if (!start || start & (FRAME_SIZE - 1) || !size || size > UINT64_MAX - (FRAME_SIZE - 1))
		return -EINVAL;
	size = (size + FRAME_SIZE - 1) & ~(FRAME_SIZE - 1);
	if (__builtin_add_overflow(start, size, &end))
		return -EINVAL;

	int error = insert(frames, start, end);

	return error == -EEXIST ? -EINVAL : error;
}

uint64_t frames_free_bytes(const struct frames *frames)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < frames->count; i++)
		total += frames->range[i].end - frames->range[i].start;
	return total;
}
