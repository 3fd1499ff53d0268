#include "vmm/load/bzimage.h"

#include <asm/bootparam.h>
#include <stddef.h>

#include "lib/errno.h"
#include "lib/refusal.h"
#include "lib/string.h"
#include "vmm/guest_ram.h"
#include "vmm/load/bzimage_header.h"
#include "vmm/load/loader.h"

#define PAGE		   0x1000ull
#define HIGH_START	   0x100000ull
#define INITRD_ALIGN	   4	       /* of each module in it, as GRUB puts them together */
#define INITRD_MAX_OF_OLD  0x37FFFFFFu /* before protocol 2.03 */
#define CMDLINE_MAX_OF_OLD 255u	       /* before 2.06 */
#define LOADER_UNDEFINED   0xFF	       /* one without a number of its own */

/* The text screen as a PC's firmware leaves it: mode 3. */
#define VIDEO_MODE    3
#define VIDEO_COLUMNS 80
#define VIDEO_LINES   25
#define VIDEO_POINTS  16
#define VIDEO_VGA     1

/* The GDT that the protocol wants, with flat segments of 4 GiB at these selectors. */
#define BOOT_CODE 0x10
#define BOOT_DATA 0x18
#define FLAT_CODE 0x00CF9B000000FFFFull
#define FLAT_DATA 0x00CF93000000FFFFull

static const uint64_t boot_gdt[] = {0, 0, FLAT_CODE, FLAT_DATA};

/* What is in the block in conventional memory, behind the boot parameters. */
#define BLOCK_GDT     sizeof(struct boot_params)
#define BLOCK_CMDLINE (BLOCK_GDT + sizeof(boot_gdt))

struct initrd {
	uint64_t gpa, size;
};

/*
 * Nowhere else: what runs below pref_address moves itself there, also where relocatable_kernel is
 * set (boot.rst), and before 2.10 there is no place below that one.
 */
static int place_kernel(struct loader *l)
{
	const struct guest_segment *s = &l->kernel->segment[0];

	if (s->memory_size > l->places.low_ram_end ||
	    s->phys > l->places.low_ram_end - s->memory_size)
		return refuse(l->refusal, -ENOMEM,
			      "Linux needs %lu MiB from 0x%lx on, and the guest has %lu MiB: raise "
			      "mem=",
			      (s->memory_size + 0xFFFFF) >> 20, s->phys, l->ram->size >> 20);
	places_take(&l->places, s->phys, s->memory_size);
	guest_load_later(l->load, s->phys, l->kernel->file + s->offset, s->file_size);
	return 0;
}

static int place_initrd(struct loader *l, const struct setup_header *h, struct initrd *initrd)
{
	const struct guest_module *module = l->start->module;
	uint64_t end = (h->initrd_addr_max ? h->initrd_addr_max : INITRD_MAX_OF_OLD) + 1ull;
	uint64_t at;

	*initrd = (struct initrd){0, 0};
	for (uint32_t i = 0; i < l->start->module_count; i++)
		initrd->size = ((initrd->size + INITRD_ALIGN - 1) & ~(INITRD_ALIGN - 1ull)) +
			       module[i].size;
	if (!initrd->size)
		return 0;
	end = end < l->places.low_ram_end ? end : l->places.low_ram_end;
	initrd->gpa = places_highest(&l->places, initrd->size, PAGE, HIGH_START, end);
	if (!initrd->gpa)
		return refuse(
			l->refusal, -ENOMEM,
			"no room below 0x%lx for an initrd of %lu bytes beside the kernel: raise "
			"mem=",
			end, initrd->size);
	at = initrd->gpa;
	for (uint32_t i = 0; i < l->start->module_count; i++) {
		uint64_t gap = -at % INITRD_ALIGN;

		guest_load_later(l->load, at, NULL, gap);
		guest_load_later(l->load, at + gap, module[i].bytes, module[i].size);
		at += gap + module[i].size;
	}
	return 0;
}

/* With the VM's name before it where that was asked for. */
static uint64_t cmdline_length(const struct guest_start *start)
{
	return (start->name ? strlen(start->name) + 1 : 0) + strlen(start->cmdline);
}

static int check_cmdline(const struct loader *l, const struct setup_header *h)
{
	uint64_t most = h->version >= BZIMAGE_2_06 ? h->cmdline_size : CMDLINE_MAX_OF_OLD;

	if (cmdline_length(l->start) <= most)
		return 0;
	return refuse(l->refusal, -ENOEXEC,
		      "its command line has %lu characters, and this Linux takes %lu: shorten it",
		      cmdline_length(l->start), most);
}

static void write_cmdline(const struct loader *l, uint64_t gpa)
{
	const char *name = l->start->name, *cmdline = l->start->cmdline;

	if (name) {
		guest_ram_write(l->ram, gpa, name, strlen(name));
		guest_ram_write(l->ram, gpa + strlen(name), " ", 1);
		gpa += strlen(name) + 1;
	}
	guest_ram_write(l->ram, gpa, cmdline, strlen(cmdline) + 1);
}

/* A field of the boot parameters. */
static void put(const struct loader *l, uint64_t params, uint64_t offset, const void *value,
		uint64_t size)
{
	guest_ram_write(l->ram, params + offset, value, size);
}

static void write_map(const struct loader *l, uint64_t params)
{
	struct boot_e820_entry e820[GUEST_MAP_MAX];
	struct guest_map_entry map[GUEST_MAP_MAX];
	uint8_t count = (uint8_t)guest_map_build(map, l->ram);

	_Static_assert(GUEST_MAP_MAX <= E820_MAX_ENTRIES_ZEROPAGE, "the map fits into the page");
	for (uint32_t i = 0; i < count; i++)
		e820[i] = (struct boot_e820_entry){map[i].base, map[i].length, map[i].type};
	put(l, params, offsetof(struct boot_params, e820_entries), &count, sizeof(count));
	put(l, params, offsetof(struct boot_params, e820_table), e820, count * sizeof(e820[0]));
}

static void write_screen(const struct loader *l, uint64_t params)
{
	const struct screen_info screen = {
		.orig_video_mode = VIDEO_MODE,
		.orig_video_cols = VIDEO_COLUMNS,
		.orig_video_lines = VIDEO_LINES,
		.orig_video_points = VIDEO_POINTS,
		.orig_video_isVGA = VIDEO_VGA,
	};

	put(l, params, offsetof(struct boot_params, screen_info), &screen, sizeof(screen));
}

static void write_firmware(const struct loader *l, uint64_t params)
{
	uint64_t end = l->places.low_ram_end, rsdp = TABLES_ACPI;
	uint32_t kib = end > HIGH_START ? (uint32_t)((end - HIGH_START) >> 10) : 0;

	put(l, params, offsetof(struct boot_params, acpi_rsdp_addr), &rsdp, sizeof(rsdp));
	put(l, params, offsetof(struct boot_params, alt_mem_k), &kib, sizeof(kib));
}

static void write_block(const struct loader *l, struct setup_header *h, uint64_t block)
{
	guest_ram_clear(l->ram, block, sizeof(struct boot_params));
	write_screen(l, block);
	write_firmware(l, block);
	write_map(l, block);
	put(l, block, offsetof(struct boot_params, hdr), h, sizeof(*h));
	guest_ram_write(l->ram, block + BLOCK_GDT, boot_gdt, sizeof(boot_gdt));
	write_cmdline(l, block + BLOCK_CMDLINE);
}

int bzimage_load(struct loader *l)
{
	struct setup_header h;
	struct initrd initrd;
	uint64_t block;
	int error;

	bzimage_header(l->kernel, &h);
	error = check_cmdline(l, &h);
	if (!error)
		error = place_kernel(l);
	if (error)
		return error;
	block = places_conventional(&l->places, BLOCK_CMDLINE + cmdline_length(l->start) + 1, PAGE,
				    HIGH_START);
	if (!block)
		return refuse(l->refusal, -ENOMEM, "no room for the boot parameters: raise mem=");
	error = place_initrd(l, &h, &initrd);
	if (error)
		return error;
	h.type_of_loader = LOADER_UNDEFINED;
	h.code32_start = (uint32_t)l->kernel->entry;
	h.cmd_line_ptr = (uint32_t)(block + BLOCK_CMDLINE);
	h.ramdisk_image = (uint32_t)initrd.gpa;
	h.ramdisk_size = (uint32_t)initrd.size;
	write_block(l, &h, block);
	l->load->entry = (struct guest_entry){
		.eip = h.code32_start,
		.esi = (uint32_t)block,
		.code = BOOT_CODE,
		.data = BOOT_DATA,
		.gdt = (uint32_t)(block + BLOCK_GDT),
		.gdt_limit = sizeof(boot_gdt) - 1,
	};
	return 0;
}
