#include "boot/multiboot.h"

#include "boot/bootinfo.h"
#include "boot/multiboot1.h"
#include "boot/multiboot2.h"
#include "lib/errno.h"
#include "lib/string.h"

/*
 * GRUB puts a backslash before each quote and backslash of the words that it hands on
 * (grub-core/lib/cmdline.c): taken away, a line is what its author wrote.
 */
static void undo_escapes(char *line)
{
	char *to = line;

	for (const char *from = line; *from; from++) {
		if (from[0] == '\\' && (from[1] == '\\' || from[1] == '"' || from[1] == '\''))
			from++;
		*to++ = *from;
	}
	*to = '\0';
}

static void undo_loader(struct boot_info *boot)
{
	if (strncmp(boot->loader_name, "GRUB", 4))
		return;
	undo_escapes(boot->cmdline);
	for (uint32_t i = 0; i < boot->module_count; i++)
		undo_escapes(boot->module[i].cmdline);
}

static int finish(struct boot_info *boot)
{
	undo_loader(boot);
	memory_map_normalise(&boot->map);
	if (boot->map.given_up)
		boot_warn(boot, "memory map: more than %u ranges, %lu KiB of memory are not used",
			  MEMORY_RANGES_MAX, boot->map.given_up / 1024);
	return memory_map_usable_bytes(&boot->map) ? 0 : -ENOENT;
}

int multiboot_parse(struct boot_info *boot, const struct boot_memory *memory, uint32_t magic,
		    uint64_t info)
{
	int error;

	switch (magic) {
	case MULTIBOOT1_LOADER_MAGIC:
		error = multiboot1_parse(boot, memory, info);
		break;
	case MULTIBOOT2_LOADER_MAGIC:
		error = multiboot2_parse(boot, memory, info);
		break;
	default:
		memset(boot, 0, sizeof(*boot));
		boot_warn(boot, "magic 0x%x: not started by a multiboot loader", magic);
		return -EINVAL;
	}
	return error ? error : finish(boot);
}
