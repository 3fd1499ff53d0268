#include "boot/multiboot2.h"

#include "boot/bootinfo.h"
#include "lib/errno.h"
#include "lib/string.h"

/* Sizes include the tag's type and size, which are the first 8 bytes of each. */
#define TAG_HEADER_SIZE	  8
#define MODULE_STRING	  16
#define BASIC_MEMORY_SIZE 16
#define MMAP_ENTRIES	  16
#define MMAP_ENTRY_SIZE	  24
#define FRAMEBUFFER_SIZE  31
/* GRUB has two reserved bytes before them, where the text of the specification has one */
#define FRAMEBUFFER_FIELDS   32
#define FRAMEBUFFER_RGB_SIZE 38
#define RSDP_OLD_SIZE	     20
#define RSDP_NEW_SIZE	     36
#define INFO_HEADER_SIZE     8

struct parser {
	struct boot_info *boot;
	const struct boot_memory *memory;
	const uint8_t *basic_memory; /* the tag, kept for want of a map */
	bool framebuffer;
};

static void parse_module(struct parser *p, const uint8_t *tag, uint32_t size)
{
	struct boot_module *module =
		boot_add_module(p->boot, p->memory, boot_read32(tag + 8), boot_read32(tag + 12));

	if (module)
		boot_copy_string(p->boot, "module's command line", module->cmdline,
				 sizeof(module->cmdline), tag + MODULE_STRING,
				 size - MODULE_STRING);
}

static void parse_mmap(struct parser *p, const uint8_t *tag, uint32_t size)
{
	uint32_t entry_size = boot_read32(tag + 8);
	uint32_t left = size - MMAP_ENTRIES;

	/* The specification allows longer entries, in multiples of 8. */
	if (entry_size < MMAP_ENTRY_SIZE || entry_size % 8) {
		boot_warn(p->boot, "memory map: entries of %u bytes", entry_size);
		return;
	}
	for (const uint8_t *entry = tag + MMAP_ENTRIES; left >= entry_size; entry += entry_size) {
		boot_add_memory(p->boot, boot_read64(entry), boot_read64(entry + 8),
				boot_read32(entry + 16));
		left -= entry_size;
	}
	if (left)
		boot_warn(p->boot, "memory map: %u bytes are left over", left);
}

static void parse_framebuffer(struct parser *p, const uint8_t *tag, uint32_t size)
{
	struct boot_framebuffer framebuffer = {
		.addr = boot_read64(tag + 8),
		.pitch = boot_read32(tag + 16),
		.width = boot_read32(tag + 20),
		.height = boot_read32(tag + 24),
		.bpp = tag[28],
		.type = tag[29],
	};

	p->framebuffer = true;
	boot_set_framebuffer(p->boot, &framebuffer,
			     size >= FRAMEBUFFER_RGB_SIZE ? tag + FRAMEBUFFER_FIELDS : NULL);
}

/* The newer table has all that the older one has, and is preferred in whatever order they come. */
static void parse_rsdp(struct parser *p, const uint8_t *tag, uint32_t rsdp_size)
{
	if (rsdp_size <= p->boot->rsdp.size)
		return;
	p->boot->rsdp.size = rsdp_size;
	memcpy(p->boot->rsdp.bytes, tag + TAG_HEADER_SIZE, rsdp_size);
}

static uint32_t smallest_size(uint32_t type)
{
	switch (type) {
	case MULTIBOOT2_TAG_MODULE:
		return MODULE_STRING;
	case MULTIBOOT2_TAG_BASIC_MEMORY:
		return BASIC_MEMORY_SIZE;
	case MULTIBOOT2_TAG_MMAP:
		return MMAP_ENTRIES;
	case MULTIBOOT2_TAG_FRAMEBUFFER:
		return FRAMEBUFFER_SIZE;
	case MULTIBOOT2_TAG_ACPI_OLD:
		return TAG_HEADER_SIZE + RSDP_OLD_SIZE;
	case MULTIBOOT2_TAG_ACPI_NEW:
		return TAG_HEADER_SIZE + RSDP_NEW_SIZE;
	default:
		return TAG_HEADER_SIZE;
	}
}

static void parse_tag(struct parser *p, const uint8_t *tag, uint32_t type, uint32_t size)
{
	struct boot_info *boot = p->boot;

	if (size < smallest_size(type)) {
		boot_warn(boot, "boot loader: tag %u is too short (%u bytes)", type, size);
		if (type == MULTIBOOT2_TAG_MODULE)
			boot->modules_refused++;
		return;
	}
	switch (type) {
	case MULTIBOOT2_TAG_CMDLINE:
		boot_copy_string(boot, "command line", boot->cmdline, sizeof(boot->cmdline),
				 tag + TAG_HEADER_SIZE, size - TAG_HEADER_SIZE);
		break;
	case MULTIBOOT2_TAG_LOADER_NAME:
		boot_copy_string(boot, "loader's name", boot->loader_name,
				 sizeof(boot->loader_name), tag + TAG_HEADER_SIZE,
				 size - TAG_HEADER_SIZE);
		break;
	case MULTIBOOT2_TAG_MODULE:
		parse_module(p, tag, size);
		break;
	case MULTIBOOT2_TAG_BASIC_MEMORY:
		p->basic_memory = tag;
		break;
	case MULTIBOOT2_TAG_MMAP:
		parse_mmap(p, tag, size);
		break;
	case MULTIBOOT2_TAG_FRAMEBUFFER:
		parse_framebuffer(p, tag, size);
		break;
	case MULTIBOOT2_TAG_ACPI_OLD:
		parse_rsdp(p, tag, RSDP_OLD_SIZE);
		break;
	case MULTIBOOT2_TAG_ACPI_NEW:
		parse_rsdp(p, tag, RSDP_NEW_SIZE);
		break;
	case MULTIBOOT2_TAG_EFI32:
	case MULTIBOOT2_TAG_EFI64:
	case MULTIBOOT2_TAG_EFI_MMAP:
	case MULTIBOOT2_TAG_EFI32_HANDLE:
	case MULTIBOOT2_TAG_EFI64_HANDLE:
		boot->efi = true;
		break;
	}
}

/* tag is the first of [tag, tag + left). */
static int parse_tags(struct parser *p, const uint8_t *tag, uint32_t left)
{
	while (left >= TAG_HEADER_SIZE) {
		uint32_t type = boot_read32(tag), size = boot_read32(tag + 4);
		uint32_t padding = -size & (MULTIBOOT2_TAG_ALIGN - 1);

		if (size < TAG_HEADER_SIZE || size > left) {
			boot_warn(p->boot, "boot loader: tag %u has %u bytes where %u are left",
				  type, size, left);
			return -EINVAL;
		}
		if (type == MULTIBOOT2_TAG_END)
			return 0;
		parse_tag(p, tag, type, size);
		if (padding > left - size)
			break;
		tag += size + padding;
		left -= size + padding;
	}
	boot_warn(p->boot, "boot loader: the tags have no end tag");
	return 0;
}

int multiboot2_parse(struct boot_info *boot, const struct boot_memory *memory, uint64_t info)
{
	struct parser p = {.boot = boot, .memory = memory};
	const uint8_t *at = boot_memory_at(memory, info, INFO_HEADER_SIZE);
	uint32_t total_size;
	int error;

	memset(boot, 0, sizeof(*boot));
	boot->protocol = 2;
	if (!at)
		return -EFAULT;
	total_size = boot_read32(at);
	if (info % MULTIBOOT2_TAG_ALIGN || total_size < INFO_HEADER_SIZE + TAG_HEADER_SIZE) {
		boot_warn(boot, "boot loader: information of %u bytes at 0x%lx", total_size, info);
		return -EINVAL;
	}
	if (!boot_memory_at(memory, info, total_size))
		return -EFAULT;

	error = parse_tags(&p, at + INFO_HEADER_SIZE, total_size - INFO_HEADER_SIZE);
	if (error)
		return error;
	if (!p.framebuffer)
		boot->ega_text = !boot->efi;
	if (!boot->map.count && p.basic_memory) {
		boot_warn(boot, "memory map: none, only the size of the memory is known");
		boot_add_basic_memory(boot, boot_read32(p.basic_memory + 8),
				      boot_read32(p.basic_memory + 12));
	}
	return 0;
}
