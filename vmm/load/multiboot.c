#include "vmm/load/multiboot.h"

#include "boot/multiboot1.h"
#include "lib/errno.h"
#include "lib/refusal.h"
#include "lib/string.h"
#include "vmm/guest_ram.h"
#include "vmm/load/firmware.h"
#include "vmm/load/loader.h"

/*
 * Where "GRUB 2" is in it, Xen knows that the kernel's name is not before the command line. It must
 * not begin so: nothing here has GRUB's escapes.
 */
#define LOADER_NAME	       "Resident"
#define LOADER_NAME_LIKE_GRUB2 "Resident, as GRUB 2"

#define PAGE	   0x1000ull
#define FOUR_GIB   0x100000000ull
#define HIGH_START 0x100000ull
#define INFO_ALIGN 16

#define INITIAL_CODE 0x08
#define INITIAL_DATA 0x10

struct mmap_entry {
	uint32_t size; /* of what follows */
	uint64_t base;
	uint64_t length;
	uint32_t type;
} __attribute__((packed));

struct module_entry {
	uint32_t start;
	uint32_t end;
	uint32_t string;
	uint32_t reserved;
};

/* The block of the information structure: offsets in it, and where it is. */
struct info_block {
	uint64_t gpa;
	uint64_t size;
	uint64_t mmap;
	uint64_t modules;
	uint64_t cmdline;
	uint64_t loader_name;
	uint64_t strings; /* of the modules, one after the other */
	uint32_t mmap_count;
	struct mmap_entry map[GUEST_MAP_MAX];
	struct module_entry module[GUEST_MODULES_MAX];
};

static int load_segments(struct loader *l)
{
	if (l->kernel->entry >= FOUR_GIB)
		return refuse(l->refusal, -ENOEXEC, "entry point 0x%lx is beyond 4 GiB",
			      l->kernel->entry);
	for (uint32_t i = 0; i < l->kernel->count; i++) {
		const struct guest_segment *s = &l->kernel->segment[i];

		if (!guest_ram_contains(l->ram, s->phys, s->memory_size))
			return refuse(l->refusal, -ENOMEM,
				      "kernel segment 0x%lx-0x%lx is outside the guest's memory "
				      "(%lu MiB): raise mem=",
				      s->phys, (s->phys + s->memory_size), (l->ram->size >> 20));
		guest_load_later(l->load, s->phys, l->kernel->file + s->offset, s->file_size);
		guest_load_later(l->load, s->phys + s->file_size, NULL,
				 s->memory_size - s->file_size);
		places_take(&l->places, s->phys, s->memory_size);
	}
	return 0;
}

/* Where the kernel ends in low RAM, at least 1 MiB. */
static uint64_t kernel_end(const struct loader *l)
{
	uint64_t end = HIGH_START;

	for (uint32_t i = 0; i < l->kernel->count; i++) {
		uint64_t segment_end =
			l->kernel->segment[i].phys + l->kernel->segment[i].memory_size;

		if (segment_end > end && segment_end <= l->places.low_ram_end)
			end = segment_end;
	}
	return end;
}

static int load_modules(struct loader *l, struct info_block *info)
{
	const struct guest_module *modules = l->start->module;
	uint64_t from = kernel_end(l);

	for (uint32_t i = 0; i < l->start->module_count; i++) {
		uint64_t at = places_lowest(&l->places, modules[i].size, PAGE, from,
					    l->places.low_ram_end);

		/* A kernel at the end of memory leaves its room before it. */
		if (!at)
			at = places_lowest(&l->places, modules[i].size, PAGE, HIGH_START,
					   l->places.low_ram_end);
		if (!at)
			return refuse(l->refusal, -ENOMEM,
				      "module %u of %lu bytes does not fit into the guest's memory "
				      "(%lu MiB): raise mem=",
				      i + 1, modules[i].size, (l->ram->size >> 20));
		guest_load_later(l->load, at, modules[i].bytes, modules[i].size);
		info->module[i].start = (uint32_t)at;
		info->module[i].end = (uint32_t)(at + modules[i].size);
		from = at + modules[i].size;
	}
	return 0;
}

static uint64_t lower(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t higher(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void build_map(const struct loader *l, struct info_block *info)
{
	struct guest_map_entry map[GUEST_MAP_MAX];

	info->mmap_count = guest_map_build(map, l->ram);
	for (uint32_t i = 0; i < info->mmap_count; i++)
		info->map[i] = (struct mmap_entry){
			.size = MULTIBOOT1_MMAP_ENTRY_SIZE,
			.base = map[i].base,
			.length = map[i].length,
			.type = map[i].type,
		};
}

static const char *loader_name(const struct loader *l)
{
	return l->start->name ? LOADER_NAME : LOADER_NAME_LIKE_GRUB2;
}

/* With the space behind it. */
static uint64_t first_word_length(const struct loader *l)
{
	return l->start->name ? strlen(l->start->name) + 1 : 0;
}

static int place_info(struct loader *l, struct info_block *info)
{
	uint32_t count = l->start->module_count;

	info->mmap = MULTIBOOT1_INFO_SIZE;
	info->modules = info->mmap + info->mmap_count * sizeof(info->map[0]);
	info->cmdline = info->modules + count * sizeof(info->module[0]);
	info->loader_name = info->cmdline + first_word_length(l) + strlen(l->start->cmdline) + 1;
	info->strings = info->loader_name + strlen(loader_name(l)) + 1;
	info->size = info->strings;
	for (uint32_t i = 0; i < count; i++)
		info->size += strlen(l->start->module[i].cmdline) + 1;

	info->gpa = places_conventional(&l->places, info->size, INFO_ALIGN, kernel_end(l));
	if (!info->gpa)
		return refuse(l->refusal, -ENOMEM,
			      "no room for %lu bytes of boot information: raise mem=", info->size);
	return 0;
}

static void put(uint8_t *structure, uint32_t offset, uint64_t value)
{
	uint32_t narrow = (uint32_t)value;

	memcpy(structure + offset, &narrow, sizeof(narrow));
}

static void write_text(const struct loader *l, uint64_t gpa, const char *text)
{
	guest_ram_write(l->ram, gpa, text, strlen(text) + 1);
}

static void write_cmdline(const struct loader *l, uint64_t gpa)
{
	if (l->start->name) {
		write_text(l, gpa, l->start->name);
		guest_ram_write(l->ram, gpa + strlen(l->start->name), " ", 1);
	}
	write_text(l, gpa + first_word_length(l), l->start->cmdline);
}

static void write_info(const struct loader *l, struct info_block *info)
{
	uint32_t count = l->start->module_count;
	uint8_t structure[MULTIBOOT1_INFO_SIZE] = {0};
	uint64_t string = info->gpa + info->strings;

	put(structure, MULTIBOOT1_FLAGS,
	    MULTIBOOT1_INFO_MEMORY | MULTIBOOT1_INFO_CMDLINE | MULTIBOOT1_INFO_MODULES |
		    MULTIBOOT1_INFO_MMAP | MULTIBOOT1_INFO_LOADER_NAME);
	put(structure, MULTIBOOT1_MEM_LOWER, lower(l->places.low_ram_end, FIRMWARE_EBDA) >> 10);
	put(structure, MULTIBOOT1_MEM_UPPER,
	    (higher(l->places.low_ram_end, HIGH_START) - HIGH_START) >> 10);
	put(structure, MULTIBOOT1_CMDLINE, info->gpa + info->cmdline);
	put(structure, MULTIBOOT1_MODS_COUNT, count);
	put(structure, MULTIBOOT1_MODS_ADDR, info->gpa + info->modules);
	put(structure, MULTIBOOT1_MMAP_LENGTH, info->mmap_count * sizeof(info->map[0]));
	put(structure, MULTIBOOT1_MMAP_ADDR, info->gpa + info->mmap);
	put(structure, MULTIBOOT1_BOOT_LOADER_NAME, info->gpa + info->loader_name);

	for (uint32_t i = 0; i < count; i++) {
		const char *text = l->start->module[i].cmdline;

		info->module[i].string = (uint32_t)string;
		write_text(l, string, text);
		string += strlen(text) + 1;
	}
	guest_ram_write(l->ram, info->gpa, structure, sizeof(structure));
	guest_ram_write(l->ram, info->gpa + info->mmap, info->map,
			info->mmap_count * sizeof(info->map[0]));
	guest_ram_write(l->ram, info->gpa + info->modules, info->module,
			count * sizeof(info->module[0]));
	write_cmdline(l, info->gpa + info->cmdline);
	write_text(l, info->gpa + info->loader_name, loader_name(l));
}

int multiboot_load(struct loader *l)
{
	struct info_block info = {0};
	int result = load_segments(l);

	if (result)
		return result;
	build_map(l, &info);
	result = place_info(l, &info);
	if (result)
		return result;
	result = load_modules(l, &info);
	if (result)
		return result;
	write_info(l, &info);
	l->load->entry = (struct guest_entry){
		.eip = (uint32_t)l->kernel->entry,
		.eax = MULTIBOOT1_LOADER_MAGIC,
		.ebx = (uint32_t)info.gpa,
		.code = INITIAL_CODE,
		.data = INITIAL_DATA,
	};
	return 0;
}
