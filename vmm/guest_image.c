#include "vmm/guest_image.h"

#include "boot/multiboot1.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "vmm/elf.h"

/* Header flags whose wish is granted, or that want nothing of us. */
#define FLAGS_UNDERSTOOD (MULTIBOOT1_PAGE_ALIGN | MULTIBOOT1_MEMORY_INFO | MULTIBOOT1_VIDEO_MODE)
#define FLAGS_REQUIRED	 0x0000FFFF

struct aout_header {
	uint32_t header_addr;
	uint32_t load_addr;
	uint32_t load_end_addr;
	uint32_t bss_end_addr;
	uint32_t entry_addr;
};

struct reader {
	const uint8_t *file;
	uint64_t size;
	struct guest_image *image;
	struct refusal *refusal;
};

int guest_image_add(struct guest_image *image, const struct guest_segment *segment, uint64_t size,
		    struct refusal *refusal)
{
	const struct guest_segment *s = segment;
	uint64_t end;

	if (s->file_size > s->memory_size)
		return refuse(refusal, -ENOEXEC,
			      "segment at 0x%lx: longer in the file than in memory", s->phys);
	if (!s->memory_size)
		return 0;
	if (s->file_size && (s->offset > size || s->file_size > size - s->offset))
		return refuse(refusal, -ENOEXEC,
			      "segment at 0x%lx: its %lu bytes lie outside the file", s->phys,
			      s->file_size);
	if (__builtin_add_overflow(s->phys, s->memory_size, &end))
		return refuse(refusal, -ENOEXEC, "segment at 0x%lx: it runs past 2^64", s->phys);
	for (uint32_t i = 0; i < image->count; i++) {
		const struct guest_segment *other = &image->segment[i];

		if (s->phys < other->phys + other->memory_size && other->phys < end)
			return refuse(refusal, -ENOEXEC, "segments at 0x%lx and 0x%lx overlap",
				      other->phys, s->phys);
	}
	if (image->count == GUEST_SEGMENTS_MAX)
		return refuse(refusal, -ENOEXEC, "more than %d segments", GUEST_SEGMENTS_MAX);
	image->segment[image->count] = *s;
	if (!s->file_size) /* linkers leave any offset there */
		image->segment[image->count].offset = 0;
	image->count++;
	return 0;
}

static uint32_t word(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

/* Section 3.1: magic, flags and checksum add up. Returns the offset, or -ENOEXEC. */
static int64_t find_header(const struct reader *r)
{
	uint64_t end = r->size < MULTIBOOT1_SEARCH ? r->size : MULTIBOOT1_SEARCH;

	for (uint64_t at = 0; at + 12 <= end; at += MULTIBOOT1_HEADER_ALIGN) {
		const uint8_t *header = r->file + at;

		if (word(header) == MULTIBOOT1_HEADER_MAGIC &&
		    word(header) + word(header + 4) + word(header + 8) == 0)
			return (int64_t)at;
	}
	return -ENOEXEC;
}

/* The address fields of the header at offset replace the executable's own (section 3.1.3). */
static int parse_aout(struct reader *r, uint64_t offset)
{
	struct guest_segment segment;
	struct aout_header h;
	int error;

	if (r->size < offset + 12 + sizeof(h) || offset + 12 + sizeof(h) > MULTIBOOT1_SEARCH)
		return refuse(r->refusal, -ENOEXEC, "multiboot header: its addresses are cut off");
	memcpy(&h, r->file + offset + 12, sizeof(h));
	if (h.header_addr < h.load_addr || h.header_addr - h.load_addr > offset)
		return refuse(r->refusal, -ENOEXEC,
			      "multiboot header: loading at 0x%x would begin before the file",
			      h.load_addr);
	segment.offset = offset - (h.header_addr - h.load_addr);
	segment.phys = h.load_addr;
	segment.file_size = r->size - segment.offset;
	if (h.load_end_addr) {
		if (h.load_end_addr < h.load_addr)
			return refuse(r->refusal, -ENOEXEC,
				      "multiboot header: ends at 0x%x, before its start",
				      h.load_end_addr);
		segment.file_size = h.load_end_addr - h.load_addr;
	}
	segment.memory_size = segment.file_size;
	if (h.bss_end_addr) {
		if (h.bss_end_addr < h.load_addr ||
		    h.bss_end_addr - h.load_addr < segment.file_size)
			return refuse(r->refusal, -ENOEXEC,
				      "multiboot header: bss ends at 0x%x, in the data",
				      h.bss_end_addr);
		segment.memory_size = h.bss_end_addr - h.load_addr;
	}
	error = guest_image_add(r->image, &segment, r->size, r->refusal);
	if (error)
		return error;
	if (h.entry_addr < h.load_addr || h.entry_addr - h.load_addr >= segment.file_size)
		return refuse(r->refusal, -ENOEXEC,
			      "multiboot header: entry point 0x%x is not in the kernel",
			      h.entry_addr);
	r->image->entry = h.entry_addr;
	return 0;
}

int guest_image_parse(struct guest_image *image, const void *file, uint64_t size,
		      struct refusal *refusal)
{
	struct reader r = {file, size, image, refusal};
	int64_t offset = find_header(&r);
	uint32_t flags, unknown;

	image->count = 0;
	if (offset < 0)
		return refuse(refusal, -ENOEXEC,
			      "no multiboot 1 header in the first %d bytes: not a multiboot kernel",
			      MULTIBOOT1_SEARCH);
	flags = word(r.file + offset + 4);
	unknown = flags & FLAGS_REQUIRED & ~FLAGS_UNDERSTOOD;
	if (unknown)
		return refuse(refusal, -ENOEXEC,
			      "multiboot header: it requires flags 0x%x, which are not known",
			      unknown);
	if (flags & MULTIBOOT1_AOUT_KLUDGE)
		return parse_aout(&r, (uint64_t)offset);
	return elf_parse(image, file, size, refusal);
}
