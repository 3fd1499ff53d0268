#include "vmm/load/multiboot.h"

#include "boot/memmap.h"
#include "boot/multiboot1.h"
#include "lib/errno.h"
#include "lib/refusal.h"
#include "lib/string.h"
#include "vmm/guest_ram.h"
#include "vmm/load/acpi_tables.h"
#include "vmm/load/firmware.h"
#include "vmm/load/mp_tables.h"

/*
 * Where "GRUB 2" is in it, Xen knows that the kernel's name is not before the command line. It must
 * not begin so: nothing here has GRUB's escapes.
 */
#define LOADER_NAME	       "Resident"
#define LOADER_NAME_LIKE_GRUB2 "Resident, as GRUB 2"

#define TABLES_OF_BOTH 2 /* specifications are to be written */
#define PAGE	       0x1000ull
#define FOUR_GIB       0x100000000ull
#define HIGH_START     0x100000ull
#define INFO_START     0x10000ull /* below it small kernels like to have their own things */
#define INFO_ALIGN     16

#define MMAP_ENTRIES_MAX (GUEST_EXTENTS_MAX + 3)

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

struct range {
	uint64_t start;
	uint64_t end;
};

struct loader {
	struct guest_load *load;
	const struct guest_ram *ram;
	const struct guest_image *kernel;
	const struct guest_start *start;
	struct refusal *refusal;
	uint64_t low_ram_end; /* of the RAM that begins at 0 */
	uint32_t taken_count;
	struct range taken[GUEST_SEGMENTS_MAX + GUEST_MODULES_MAX + 1];
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
	struct mmap_entry map[MMAP_ENTRIES_MAX];
	struct module_entry module[GUEST_MODULES_MAX];
};

static void take(struct loader *l, uint64_t start, uint64_t size)
{
	l->taken[l->taken_count++] = (struct range){start, start + size};
}

static void copy_later(struct loader *l, uint64_t gpa, const uint8_t *from, uint64_t size)
{
	if (size)
		l->load->copy[l->load->count++] = (struct guest_copy){gpa, size, from};
}

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
		copy_later(l, s->phys, l->kernel->file + s->offset, s->file_size);
		copy_later(l, s->phys + s->file_size, NULL, s->memory_size - s->file_size);
		take(l, s->phys, s->memory_size);
	}
	return 0;
}

/* The end of a taken range that overlaps [at, at + size); 0 if none does. */
static uint64_t obstacle_end(const struct loader *l, uint64_t at, uint64_t size)
{
	for (uint32_t i = 0; i < l->taken_count; i++)
		if (at < l->taken[i].end && l->taken[i].start < at + size)
			return l->taken[i].end;
	return 0;
}

/* Finds and takes the lowest free place in [from, to); 0 if there is none. */
static uint64_t place(struct loader *l, uint64_t size, uint64_t align, uint64_t from, uint64_t to)
{
	uint64_t at = from;

	for (;;) {
		uint64_t obstacle;

		at = (at + align - 1) & ~(align - 1);
		if (at > to || size > to - at)
			return 0;
		obstacle = obstacle_end(l, at, size);
		if (!obstacle)
			break;
		at = obstacle;
	}
	take(l, at, size);
	return at;
}

/* Where the kernel ends in low RAM, at least 1 MiB. */
static uint64_t kernel_end(const struct loader *l)
{
	uint64_t end = HIGH_START;

	for (uint32_t i = 0; i < l->kernel->count; i++) {
		uint64_t segment_end =
			l->kernel->segment[i].phys + l->kernel->segment[i].memory_size;

		if (segment_end > end && segment_end <= l->low_ram_end)
			end = segment_end;
	}
	return end;
}

static int load_modules(struct loader *l, struct info_block *info)
{
	const struct guest_module *modules = l->start->module;
	uint64_t from = kernel_end(l);

	for (uint32_t i = 0; i < l->start->module_count; i++) {
		uint64_t at = place(l, modules[i].size, PAGE, from, l->low_ram_end);

		/* A kernel at the end of memory leaves its room before it. */
		if (!at)
			at = place(l, modules[i].size, PAGE, HIGH_START, l->low_ram_end);
		if (!at)
			return refuse(l->refusal, -ENOMEM,
				      "module %u of %lu bytes does not fit into the guest's memory "
				      "(%lu MiB): raise mem=",
				      i + 1, modules[i].size, (l->ram->size >> 20));
		copy_later(l, at, modules[i].bytes, modules[i].size);
		info->module[i].start = (uint32_t)at;
		info->module[i].end = (uint32_t)(at + modules[i].size);
		from = at + modules[i].size;
	}
	return 0;
}

static void map_add(struct info_block *info, uint64_t start, uint64_t end, enum memory_type type)
{
	struct mmap_entry *last = info->mmap_count ? &info->map[info->mmap_count - 1] : NULL;

	if (start >= end)
		return;
	if (last && last->type == type && last->base + last->length == start) {
		last->length += end - start;
		return;
	}
	info->map[info->mmap_count++] = (struct mmap_entry){
		.size = MULTIBOOT1_MMAP_ENTRY_SIZE,
		.base = start,
		.length = end - start,
		.type = type,
	};
}

static uint64_t lower(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t higher(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/*
 * As a PC's: what the firmware needs is reserved, and of the video memory between, where nothing
 * may be put either, nothing is said.
 */
static void build_map(const struct guest_ram *ram, struct info_block *info)
{
	for (uint32_t i = 0; i < ram->count; i++)
		map_add(info, ram->extent[i].gpa,
			lower(ram->extent[i].gpa + ram->extent[i].size, FIRMWARE_EBDA),
			MEMORY_USABLE);
	map_add(info, FIRMWARE_EBDA, FIRMWARE_EBDA + FIRMWARE_EBDA_SIZE, MEMORY_RESERVED);
	map_add(info, FIRMWARE_ROM_START, HIGH_START, MEMORY_RESERVED);
	for (uint32_t i = 0; i < ram->count; i++)
		map_add(info, higher(ram->extent[i].gpa, HIGH_START),
			ram->extent[i].gpa + ram->extent[i].size, MEMORY_USABLE);
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
	uint64_t low_end = lower(FIRMWARE_EBDA, l->low_ram_end);

	info->mmap = MULTIBOOT1_INFO_SIZE;
	info->modules = info->mmap + info->mmap_count * sizeof(info->map[0]);
	info->cmdline = info->modules + count * sizeof(info->module[0]);
	info->loader_name = info->cmdline + first_word_length(l) + strlen(l->start->cmdline) + 1;
	info->strings = info->loader_name + strlen(loader_name(l)) + 1;
	info->size = info->strings;
	for (uint32_t i = 0; i < count; i++)
		info->size += strlen(l->start->module[i].cmdline) + 1;

	info->gpa = place(l, info->size, INFO_ALIGN, INFO_START, low_end);
	if (!info->gpa)
		info->gpa = place(l, info->size, INFO_ALIGN, PAGE, low_end);
	if (!info->gpa)
		info->gpa = place(l, info->size, INFO_ALIGN, kernel_end(l), l->low_ram_end);
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
	put(structure, MULTIBOOT1_MEM_LOWER, lower(l->low_ram_end, FIRMWARE_EBDA) >> 10);
	put(structure, MULTIBOOT1_MEM_UPPER,
	    (higher(l->low_ram_end, HIGH_START) - HIGH_START) >> 10);
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

static uint64_t end_of_low_ram(const struct guest_ram *ram)
{
	uint64_t end = 0;

	for (uint32_t i = 0; i < ram->count && ram->extent[i].gpa == end; i++)
		end += ram->extent[i].size;
	return lower(end, FOUR_GIB);
}

int guest_load(struct guest_load *load, const struct guest_ram *ram,
	       const struct guest_image *kernel, const struct guest_start *start,
	       struct refusal *refusal)
{
	struct loader loader = {
		.load = load,
		.ram = ram,
		.kernel = kernel,
		.start = start,
		.refusal = refusal,
		.low_ram_end = end_of_low_ram(ram),
	};
	struct info_block info = {0};
	int result;

	load->count = load->next = 0;
	load->done = 0;
	load->machine = start->machine;
	load->tables = TABLES_OF_BOTH;
	if (start->module_count > GUEST_MODULES_MAX)
		return refuse(refusal, -E2BIG, "%u modules: at most %d can be handed over",
			      start->module_count, GUEST_MODULES_MAX);
	firmware_install(ram);
	result = load_segments(&loader);
	if (result)
		return result;
	build_map(ram, &info);
	result = place_info(&loader, &info);
	if (result)
		return result;
	result = load_modules(&loader, &info);
	if (result)
		return result;
	write_info(&loader, &info);
	load->entry = (struct guest_entry){
		.eip = (uint32_t)kernel->entry,
		.eax = MULTIBOOT1_LOADER_MAGIC,
		.ebx = (uint32_t)info.gpa,
	};
	return 0;
}

/* Before the first copy: a kernel that lies where they are wins. */
static void write_tables(struct guest_load *load, const struct guest_ram *ram)
{
	if (load->tables == TABLES_OF_BOTH)
		mp_tables_install(ram, &load->machine);
	else
		acpi_tables_install(ram, &load->machine);
	load->tables--;
}

bool guest_load_step(struct guest_load *load, const struct guest_ram *ram)
{
	const struct guest_copy *copy = &load->copy[load->next];
	uint64_t size;

	if (load->tables) {
		write_tables(load, ram);
		return false;
	}
	if (load->next == load->count)
		return true;
	size = lower(copy->size - load->done, PAGE);
	if (copy->from)
		guest_ram_write(ram, copy->gpa + load->done, copy->from + load->done, size);
	else
		guest_ram_clear(ram, copy->gpa + load->done, size);
	load->done += size;
	if (load->done == copy->size) {
		load->done = 0;
		load->next++;
	}
	return load->next == load->count;
}
