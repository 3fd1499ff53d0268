#include "vmm/guest_ram.h"

#include <stddef.h>

#include "lib/errno.h"
#include "lib/string.h"

/* The host memory at gpa, and in *available how much of it the extent has from there on. */
static uint8_t *reach(const struct guest_ram *ram, uint64_t gpa, uint64_t *available)
{
	for (uint32_t i = 0; i < ram->count; i++) {
		const struct guest_extent *extent = &ram->extent[i];

		if (gpa >= extent->gpa && gpa - extent->gpa < extent->size) {
			*available = extent->size - (gpa - extent->gpa);
			return extent->host + (gpa - extent->gpa);
		}
	}
	return NULL;
}

void *guest_ram_at(const struct guest_ram *ram, uint64_t gpa, uint64_t length)
{
	uint64_t available;
	uint8_t *host = reach(ram, gpa, &available);

	return host && length <= available ? host : NULL;
}

bool guest_ram_gpa(const struct guest_ram *ram, const void *host, uint64_t length, uint64_t *gpa)
{
	for (uint32_t i = 0; i < ram->count; i++) {
		const struct guest_extent *extent = &ram->extent[i];
		uint64_t offset = (uint64_t)host - (uint64_t)extent->host;

		if (offset >= extent->size || length > extent->size - offset)
			continue;
		*gpa = extent->gpa + offset;
		return true;
	}
	return false;
}

bool guest_ram_contains(const struct guest_ram *ram, uint64_t gpa, uint64_t length)
{
	if (length && gpa + (length - 1) < gpa)
		return false;
	while (length) {
		uint64_t available;

		if (!reach(ram, gpa, &available))
			return false;
		if (available >= length)
			return true;
		gpa += available;
		length -= available;
	}
	return true;
}

/* The next piece of a range that guest_ram_contains has found to be RAM. */
static uint8_t *next_piece(const struct guest_ram *ram, uint64_t gpa, uint64_t length,
			   uint64_t *piece)
{
	uint64_t available = 0;
	uint8_t *host = reach(ram, gpa, &available);

	*piece = available < length ? available : length;
	return host;
}

int guest_ram_read(const struct guest_ram *ram, uint64_t gpa, void *to, uint64_t length)
{
	uint8_t *out = to;

	if (!guest_ram_contains(ram, gpa, length))
		return -EFAULT;
	while (length) {
		uint64_t piece;
		const uint8_t *host = next_piece(ram, gpa, length, &piece);

		memcpy(out, host, piece);
		gpa += piece;
		out += piece;
		length -= piece;
	}
	return 0;
}

int guest_ram_write(const struct guest_ram *ram, uint64_t gpa, const void *from, uint64_t length)
{
	const uint8_t *in = from;

	if (!guest_ram_contains(ram, gpa, length))
		return -EFAULT;
	while (length) {
		uint64_t piece;
		uint8_t *host = next_piece(ram, gpa, length, &piece);

		memcpy(host, in, piece);
		gpa += piece;
		in += piece;
		length -= piece;
	}
	return 0;
}

int guest_ram_clear(const struct guest_ram *ram, uint64_t gpa, uint64_t length)
{
	if (!guest_ram_contains(ram, gpa, length))
		return -EFAULT;
	while (length) {
		uint64_t piece;
		uint8_t *host = next_piece(ram, gpa, length, &piece);

		memset(host, 0, piece);
		gpa += piece;
		length -= piece;
	}
	return 0;
}
