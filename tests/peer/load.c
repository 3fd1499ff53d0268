/* What a boot loader does: a multiboot 1 kernel and its modules, from files into RAM. */
#include <elf.h>
#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/guest/support/multiboot.h"
#include "tests/peer/launcher.h"

#define LOW_END	    0xa0000 /* of RAM below the hole of a PC */
#define HIGH_START  0x100000
#define PAGE	    4096
#define MODULES_MAX 8

/* Multiboot Specification 0.6.96, 3.3: `flags` */
#define INFO_MEMORY  0x01
#define INFO_MODULES 0x08
#define INFO_MMAP    0x40

struct boot_info {
	struct multiboot_info info;
	struct multiboot_mmap map[2];
	struct multiboot_module module[MODULES_MAX];
	char lines[4096];
};

static uint8_t *ram;
static uint64_t loaded_end; /* of what lies above HIGH_START */

/* A file in memory. */
static const uint8_t *map_file(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		err(TROUBLE, "%s", path);
	*size = (size_t)status.st_size;

	const uint8_t *file = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);

	if (file == MAP_FAILED)
		err(TROUBLE, "%s", path);
	close(fd);
	return file;
}

static void check_range(uint64_t start, uint64_t length, uint64_t size, const char *what)
{
	if (start > size || length > size - start)
		errx(TROUBLE, "%s: 0x%lx bytes at 0x%lx do not fit into 0x%lx", what, length, start,
		     size);
}

static void load_segment(const uint8_t *file, size_t size, uint64_t offset, uint64_t address,
			 uint64_t length, uint64_t in_memory)
{
	check_range(offset, length, size, "a segment of the kernel file");
	check_range(address, length, RAM, "a segment in RAM");
	check_range(address, in_memory, RAM, "a segment in RAM");
	memcpy(ram + address, file + offset, length);
	if (address + in_memory > loaded_end)
		loaded_end = address + in_memory;
}

/* Loads the segments, the rest of which is zero as all RAM is, and returns the entry point. */
#define DEFINE_LOAD(bits)                                                                          \
	static uint64_t load##bits(const uint8_t *file, size_t size)                               \
	{                                                                                          \
		const Elf##bits##_Ehdr *elf = (const void *)file;                                  \
		const Elf##bits##_Phdr *segment;                                                   \
                                                                                                   \
		check_range(0, sizeof(*elf), size, "the ELF header");                              \
		check_range(elf->e_phoff, elf->e_phnum * sizeof(*segment), size,                   \
			    "the program headers");                                                \
		segment = (const void *)(file + elf->e_phoff);                                     \
		for (unsigned i = 0; i < elf->e_phnum; i++, segment++)                             \
			if (segment->p_type == PT_LOAD)                                            \
				load_segment(file, size, segment->p_offset, segment->p_paddr,      \
					     segment->p_filesz, segment->p_memsz);                 \
		return elf->e_entry;                                                               \
	}

DEFINE_LOAD(32)
DEFINE_LOAD(64)

static uint64_t load_kernel(const char *path)
{
	size_t size;
	const uint8_t *file = map_file(path, &size);

	check_range(0, EI_NIDENT, size, path);
	if (memcmp(file, ELFMAG, SELFMAG))
		errx(TROUBLE, "%s is no ELF file", path);
	return file[EI_CLASS] == ELFCLASS64 ? load64(file, size) : load32(file, size);
}

static bool ends_line(const char *word)
{
	return !word || !strcmp(word, ";");
}

/* Puts the words up to ";" or the end, with a space between them, where `*at` is, behind which it
 * is then; returns the line's physical address. */
static uint32_t add_line(struct boot_info *boot, size_t *at, char ***words)
{
	size_t start = *at;

	for (; !ends_line(**words); (*words)++) {
		size_t left = sizeof(boot->lines) - *at;
		int more =
			snprintf(boot->lines + *at, left, "%s%s", *at > start ? " " : "", **words);

		if ((size_t)more + 1 >= left)
			errx(TROUBLE, "the lines are too long");
		*at += (size_t)more;
	}
	(*at)++; /* the zero byte */
	return (uint32_t)(BOOT_INFO + offsetof(struct boot_info, lines) + start);
}

static struct multiboot_module load_module(const char *path)
{
	uint64_t start = (loaded_end + PAGE - 1) & -(uint64_t)PAGE;
	size_t size;
	const uint8_t *file = map_file(path, &size);

	check_range(start, size, RAM, path);
	memcpy(ram + start, file, size);
	loaded_end = start + size;
	return (struct multiboot_module){.start = (uint32_t)start, .end = (uint32_t)loaded_end};
}

uint64_t load_machine(uint8_t *machine_ram, char **words)
{
	struct boot_info *boot = (void *)(machine_ram + BOOT_INFO);
	uint32_t count = 0;
	size_t at = 0;

	ram = machine_ram;

	uint64_t entry = load_kernel(*words++);

	boot->map[0] = (struct multiboot_mmap){20, 0, LOW_END, 1};
	boot->map[1] = (struct multiboot_mmap){20, HIGH_START, RAM - HIGH_START, 1};
	boot->info = (struct multiboot_info){
		.flags = INFO_MEMORY | MULTIBOOT_INFO_CMDLINE | INFO_MMAP,
		.mem_lower = LOW_END >> 10,
		.mem_upper = (RAM - HIGH_START) >> 10,
		.cmdline = add_line(boot, &at, &words),
		.mods_addr = BOOT_INFO + offsetof(struct boot_info, module),
		.mmap_length = sizeof(boot->map),
		.mmap_addr = BOOT_INFO + offsetof(struct boot_info, map),
	};
	while (*words) {
		words++; /* the ";" */
		if (ends_line(*words) || count == MODULES_MAX)
			errx(TROUBLE, "at most %u modules, each with the name of a file",
			     MODULES_MAX);
		boot->module[count] = load_module(*words);
		boot->module[count++].line = add_line(boot, &at, &words);
	}
	boot->info.mods_count = count;
	if (count)
		boot->info.flags |= INFO_MODULES;
	return entry;
}
