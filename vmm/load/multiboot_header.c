#include "vmm/load/multiboot_header.h"

#include "boot/multiboot1.h"
#include "lib/errno.h"
#include "lib/refusal.h"
#include "lib/string.h"
#include "vmm/load/elf.h"
#include "vmm/load/image.h"

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

static uint32_t word(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

/* Section 3.1: magic, flags and checksum add up. Returns the offset, or -ENOEXEC. */
static int64_t find_header(const struct guest_image *image)
{
	uint64_t end = image->size < MULTIBOOT1_SEARCH ? image->size : MULTIBOOT1_SEARCH;

	for (uint64_t at = 0; at + 12 <= end; at += MULTIBOOT1_HEADER_ALIGN) {
		const uint8_t *header = image->file + at;

		if (word(header) == MULTIBOOT1_HEADER_MAGIC &&
		    word(header) + word(header + 4) + word(header + 8) == 0)
			return (int64_t)at;
	}
	return -ENOEXEC;
}

/* The address fields of the header at offset replace the executable's own (section 3.1.3). */
static int parse_aout(struct guest_image *image, uint64_t offset, struct refusal *refusal)
{
	struct guest_segment segment;
	struct aout_header h;
	int error;

	if (image->size < offset + 12 + sizeof(h) || offset + 12 + sizeof(h) > MULTIBOOT1_SEARCH)
		return refuse(refusal, -ENOEXEC, "multiboot header: its addresses are cut off");
	memcpy(&h, image->file + offset + 12, sizeof(h));
	if (h.header_addr < h.load_addr || h.header_addr - h.load_addr > offset)
		return refuse(refusal, -ENOEXEC,
			      "multiboot header: loading at 0x%x would begin before the file",
			      h.load_addr);
	segment.offset = offset - (h.header_addr - h.load_addr);
	segment.phys = h.load_addr;
	segment.file_size = image->size - segment.offset;
	if (h.load_end_addr) {
		if (h.load_end_addr < h.load_addr)
			return refuse(refusal, -ENOEXEC,
				      "multiboot header: ends at 0x%x, before its start",
				      h.load_end_addr);
		segment.file_size = h.load_end_addr - h.load_addr;
	}
	segment.memory_size = segment.file_size;
	if (h.bss_end_addr) {
		if (h.bss_end_addr < h.load_addr ||
		    h.bss_end_addr - h.load_addr < segment.file_size)
			return refuse(refusal, -ENOEXEC,
				      "multiboot header: bss ends at 0x%x, in the data",
				      h.bss_end_addr);
		segment.memory_size = h.bss_end_addr - h.load_addr;
	}
	error = guest_image_add(image, &segment, refusal);
	if (error)
		return error;
	if (h.entry_addr < h.load_addr || h.entry_addr - h.load_addr >= segment.file_size)
		return refuse(refusal, -ENOEXEC,
			      "multiboot header: entry point 0x%x is not in the kernel",
			      h.entry_addr);
	image->entry = h.entry_addr;
	return 0;
}

bool multiboot_header_there(const void *file, uint64_t size)
{
	const struct guest_image image = {.file = file, .size = size};

	return find_header(&image) >= 0;
}

int multiboot_header_parse(struct guest_image *image, const void *file, uint64_t size,
			   struct refusal *refusal)
{
	uint32_t flags, unknown;
	int64_t offset;

	*image = (struct guest_image){.file = file, .size = size};
	offset = find_header(image);
	if (offset < 0)
		return refuse(refusal, -ENOEXEC,
			      "no multiboot 1 header in the first %d bytes: neither a multiboot "
			      "kernel nor a Linux bzImage",
			      MULTIBOOT1_SEARCH);
	flags = word(image->file + offset + 4);
	unknown = flags & FLAGS_REQUIRED & ~FLAGS_UNDERSTOOD;
	if (unknown)
		return refuse(refusal, -ENOEXEC,
			      "multiboot header: it requires flags 0x%x, which are not known",
			      unknown);
	if (flags & MULTIBOOT1_AOUT_KLUDGE)
		return parse_aout(image, (uint64_t)offset, refusal);
	return elf_parse(image, refusal);
}
