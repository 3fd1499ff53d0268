#include "vmm/load/bzimage_header.h"

#include <asm/bootparam.h>
#include <stddef.h>

#include "lib/errno.h"
#include "lib/refusal.h"
#include "lib/string.h"
#include "vmm/load/image.h"

#define SECTOR		   512
#define PARAGRAPH	   16
#define SETUP_SECTS_OF_OLD 4 /* what 0 stands for */
#define BOOT_FLAG	   0xAA55
#define MAGIC		   0x53726448 /* "HdrS" */
#define VERSION_MIN	   0x202      /* the first with cmd_line_ptr */
#define LOADED_AT	   0x100000   /* code32_start is told for it */
#define HEADER_START	   offsetof(struct boot_params, hdr)
#define HEADER_SIZE	   sizeof(struct setup_header)

/* The header ends where its jump leads: two bytes behind it and as many as it says. */
#define JUMP_OFFSET (HEADER_START + offsetof(struct setup_header, jump))

static uint64_t header_end(const uint8_t *file)
{
	return JUMP_OFFSET + 2 + file[JUMP_OFFSET + 1];
}

bool bzimage_there(const void *file, uint64_t size)
{
	struct setup_header h;

	if (size < HEADER_START + HEADER_SIZE)
		return false;
	memcpy(&h, (const uint8_t *)file + HEADER_START, sizeof(h));
	return h.boot_flag == BOOT_FLAG && h.header == MAGIC;
}

void bzimage_header(const struct guest_image *image, struct setup_header *header)
{
	uint64_t size = header_end(image->file) - HEADER_START;

	memset(header, 0, sizeof(*header));
	memcpy(header, image->file + HEADER_START, size < HEADER_SIZE ? size : HEADER_SIZE);
}

/* Where the header of a version has to end: behind the last field that is read of it. */
static uint64_t least_end(uint16_t version)
{
	if (version >= BZIMAGE_2_10)
		return HEADER_START + offsetof(struct setup_header, handover_offset);
	if (version >= BZIMAGE_2_06)
		return HEADER_START + offsetof(struct setup_header, hardware_subarch);
	if (version >= BZIMAGE_2_05)
		return HEADER_START + offsetof(struct setup_header, min_alignment);
	return HEADER_START + offsetof(struct setup_header, initrd_addr_max);
}

static int check_version(const struct guest_image *image, struct refusal *refusal)
{
	struct setup_header h;

	memcpy(&h, image->file + HEADER_START, sizeof(h));
	if (h.version < VERSION_MIN || h.version >> 8 != 2)
		return refuse(refusal, -ENOEXEC,
			      "Linux header: boot protocol %u.%02u, and 2.02 and later are known",
			      h.version >> 8, h.version & 0xff);
	if (header_end(image->file) < least_end(h.version))
		return refuse(refusal, -ENOEXEC,
			      "Linux header: it ends at 0x%lx, before what protocol 2.%02u has",
			      header_end(image->file), h.version & 0xff);
	return 0;
}

static int check_start(const struct setup_header *h, struct refusal *refusal)
{
	if (!(h->loadflags & LOADED_HIGH))
		return refuse(
			refusal, -ENOEXEC,
			"Linux header: loadflags 0x%x is without LOADED_HIGH: a zImage, which "
			"is loaded low, and is not known",
			h->loadflags);
	if (h->code32_start < LOADED_AT)
		return refuse(
			refusal, -ENOEXEC,
			"Linux header: code32_start 0x%x is below 0x%x: without an entry point "
			"of 32 bits it needs a BIOS, which is not there",
			h->code32_start, LOADED_AT);
	if (h->version >= BZIMAGE_2_05 &&
	    (!h->kernel_alignment || h->kernel_alignment & (h->kernel_alignment - 1)))
		return refuse(refusal, -ENOEXEC,
			      "Linux header: kernel_alignment 0x%x is no power of two",
			      h->kernel_alignment);
	return 0;
}

/* What runs in protected mode, from where it is in the file. */
static int take_segment(struct guest_image *image, const struct setup_header *h,
			struct refusal *refusal)
{
	uint32_t sectors = h->setup_sects ? h->setup_sects : SETUP_SECTS_OF_OLD;
	struct guest_segment segment = {.offset = (sectors + 1) * SECTOR, .phys = LOADED_AT};
	uint64_t told = (uint64_t)h->syssize * PARAGRAPH;
	int error;

	if (image->size <= segment.offset)
		return refuse(refusal, -ENOEXEC,
			      "Linux header: setup_sects %u, and the file ends in them", sectors);
	segment.file_size = image->size - segment.offset;
	/* it counts in paragraphs: the last one need not be whole */
	if (h->version >= BZIMAGE_2_04 && told >= segment.file_size + PARAGRAPH)
		return refuse(
			refusal, -ENOEXEC,
			"Linux header: syssize is %lu bytes, and the file has %lu: it is cut off",
			told, segment.file_size);
	segment.memory_size = segment.file_size;
	if (h->version >= BZIMAGE_2_10) {
		segment.phys = h->pref_address;
		if (h->init_size > segment.memory_size)
			segment.memory_size = h->init_size;
	}
	if (segment.phys < LOADED_AT)
		return refuse(refusal, -ENOEXEC, "Linux header: pref_address 0x%lx is below 0x%x",
			      segment.phys, LOADED_AT);
	error = guest_image_add(image, &segment, refusal);
	if (error)
		return error;
	image->entry = segment.phys + (h->code32_start - LOADED_AT);
	if (h->code32_start - LOADED_AT >= segment.file_size)
		return refuse(refusal, -ENOEXEC,
			      "Linux header: code32_start 0x%x is not in the kernel",
			      h->code32_start);
	return 0;
}

int bzimage_parse(struct guest_image *image, const void *file, uint64_t size,
		  struct refusal *refusal)
{
	struct setup_header h;
	int error;

	*image = (struct guest_image){.file = file, .size = size, .protocol = GUEST_LINUX};
	error = check_version(image, refusal);
	if (error)
		return error;
	bzimage_header(image, &h);
	error = check_start(&h, refusal);
	return error ? error : take_segment(image, &h, refusal);
}
