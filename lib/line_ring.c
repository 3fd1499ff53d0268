#include "lib/line_ring.h"

#include "lib/string.h"

struct header {
	uint64_t stamp;
	uint16_t length;
} __attribute__((packed));

_Static_assert(sizeof(struct header) == LINE_RING_OVERHEAD, "lib/line_ring.h");
_Static_assert(LINE_RING_LINE <= UINT16_MAX, "struct header");

static uint32_t wrap(uint32_t offset)
{
	return offset % LINE_RING_SIZE;
}

/* How much of [offset, offset + length) stands before the end of the bytes. */
static uint32_t before_end(uint32_t offset, uint32_t length)
{
	return length < LINE_RING_SIZE - offset ? length : LINE_RING_SIZE - offset;
}

static void append(struct line_ring *ring, const void *from, uint32_t length)
{
	uint32_t offset = wrap(ring->first + ring->used);
	uint32_t piece = before_end(offset, length);

	memcpy(&ring->bytes[offset], from, piece);
	memcpy(ring->bytes, (const uint8_t *)from + piece, length - piece);
	ring->used += length;
}

static struct header first_header(const struct line_ring *ring)
{
	uint32_t piece = before_end(ring->first, sizeof(struct header));
	struct header header;

	memcpy(&header, &ring->bytes[ring->first], piece);
	memcpy((uint8_t *)&header + piece, ring->bytes, sizeof(header) - piece);
	return header;
}

bool line_ring_put(struct line_ring *ring, uint64_t stamp, const char *text, size_t length)
{
	struct header header = {stamp, (uint16_t)length};

	if (length > LINE_RING_LINE || sizeof(header) + length > line_ring_room(ring))
		return false;
	append(ring, &header, sizeof(header));
	append(ring, text, (uint32_t)length);
	return true;
}

uint64_t line_ring_stamp(const struct line_ring *ring)
{
	return first_header(ring).stamp;
}

size_t line_ring_length(const struct line_ring *ring)
{
	return first_header(ring).length;
}

const char *line_ring_text(const struct line_ring *ring, size_t offset, size_t length, size_t *size)
{
	uint32_t start = wrap(ring->first + sizeof(struct header) + (uint32_t)offset);

	*size = before_end(start, (uint32_t)(length - offset));
	return (const char *)&ring->bytes[start];
}

void line_ring_drop(struct line_ring *ring)
{
	uint32_t size = sizeof(struct header) + first_header(ring).length;

	ring->first = wrap(ring->first + size);
	ring->used -= size;
}
