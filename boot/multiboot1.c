#include "boot/multiboot1.h"

#include "boot/bootinfo.h"
#include "lib/errno.h"
#include "lib/string.h"

struct parser {
	struct boot_info *boot;
	const struct boot_memory *memory;
	const uint8_t *info;
	uint32_t flags;
};

static uint32_t field(const struct parser *p, uint32_t offset)
{
	return boot_read32(p->info + offset);
}

/* How far the information structure has to reach for the fields that flags says are valid. */
static uint64_t info_size(uint32_t flags)
{
	if (flags & MULTIBOOT1_INFO_FRAMEBUFFER)
		return MULTIBOOT1_INFO_SIZE;
	if (flags & MULTIBOOT1_INFO_LOADER_NAME)
		return MULTIBOOT1_BOOT_LOADER_NAME + 4;
	if (flags & MULTIBOOT1_INFO_MMAP)
		return MULTIBOOT1_MMAP_ADDR + 4;
	if (flags & MULTIBOOT1_INFO_MODULES)
		return MULTIBOOT1_MODS_ADDR + 4;
	if (flags & MULTIBOOT1_INFO_CMDLINE)
		return MULTIBOOT1_CMDLINE + 4;
	return MULTIBOOT1_MEM_UPPER + 4;
}

static void copy_text(struct parser *p, const char *what, char *to, uint32_t size, uint32_t phys)
{
	const uint8_t *from = boot_memory_at(p->memory, phys, 1);

	if (!from) {
		boot_warn(p->boot, "boot loader: the %s is outside memory (0x%x)", what, phys);
		return;
	}
	boot_copy_string(p->boot, what, to, size, from,
			 p->memory->size - (phys - p->memory->start));
}

static void parse_modules(struct parser *p)
{
	uint32_t count = field(p, MULTIBOOT1_MODS_COUNT);
	uint32_t phys = field(p, MULTIBOOT1_MODS_ADDR);
	const uint8_t *table;

	if (!count)
		return;
	table = boot_memory_at(p->memory, phys, (uint64_t)count * MULTIBOOT1_MODULE_SIZE);
	if (!table) {
		boot_warn(p->boot, "boot loader: the list of %u modules is outside memory (0x%x)",
			  count, phys);
		p->boot->modules_refused = count;
		return;
	}
	/* The first that is too many is warned of, the others are only counted. */
	for (uint32_t i = 0; i < count && i <= BOOT_MODULES_MAX; i++) {
		const uint8_t *entry = table + i * MULTIBOOT1_MODULE_SIZE;
		uint32_t string = boot_read32(entry + 8);
		struct boot_module *module = boot_add_module(p->boot, p->memory, boot_read32(entry),
							     boot_read32(entry + 4));

		if (module && string)
			copy_text(p, "module's command line", module->cmdline,
				  sizeof(module->cmdline), string);
	}
	p->boot->modules_refused = count - p->boot->module_count;
}

static void parse_mmap(struct parser *p)
{
	uint64_t left = field(p, MULTIBOOT1_MMAP_LENGTH);
	uint32_t phys = field(p, MULTIBOOT1_MMAP_ADDR);
	const uint8_t *entry = boot_memory_at(p->memory, phys, left);

	if (!entry) {
		boot_warn(p->boot, "memory map: outside memory (0x%x)", phys);
		return;
	}
	while (left) {
		uint64_t size = left < 4 ? 0 : boot_read32(entry);

		if (size < MULTIBOOT1_MMAP_ENTRY_SIZE || size > left - 4) {
			boot_warn(p->boot, "memory map: an entry of %lu bytes where %lu are left",
				  size, left);
			return;
		}
		boot_add_memory(p->boot, boot_read64(entry + 4), boot_read64(entry + 12),
				boot_read32(entry + 20));
		entry += 4 + size;
		left -= 4 + size;
	}
}

static void parse_framebuffer(struct parser *p)
{
	struct boot_framebuffer framebuffer = {
		.addr = boot_read64(p->info + MULTIBOOT1_FRAMEBUFFER_ADDR),
		.pitch = field(p, MULTIBOOT1_FRAMEBUFFER_PITCH),
		.width = field(p, MULTIBOOT1_FRAMEBUFFER_WIDTH),
		.height = field(p, MULTIBOOT1_FRAMEBUFFER_HEIGHT),
		.bpp = p->info[MULTIBOOT1_FRAMEBUFFER_BPP],
		.type = p->info[MULTIBOOT1_FRAMEBUFFER_TYPE],
	};

	boot_set_framebuffer(p->boot, &framebuffer, p->info + MULTIBOOT1_FRAMEBUFFER_FIELDS);
}

int multiboot1_parse(struct boot_info *boot, const struct boot_memory *memory, uint64_t info)
{
	struct parser p = {.boot = boot, .memory = memory};

	memset(boot, 0, sizeof(*boot));
	boot->protocol = 1;
	/* This protocol is a BIOS's unless the framebuffer field says otherwise. */
	boot->ega_text = true;

	p.info = boot_memory_at(memory, info, 4);
	if (!p.info)
		return -EFAULT;
	p.flags = field(&p, MULTIBOOT1_FLAGS);
	if (!boot_memory_at(memory, info, info_size(p.flags)))
		return -EFAULT;

	if (p.flags & MULTIBOOT1_INFO_LOADER_NAME)
		copy_text(&p, "loader's name", boot->loader_name, sizeof(boot->loader_name),
			  field(&p, MULTIBOOT1_BOOT_LOADER_NAME));
	if (p.flags & MULTIBOOT1_INFO_CMDLINE)
		copy_text(&p, "command line", boot->cmdline, sizeof(boot->cmdline),
			  field(&p, MULTIBOOT1_CMDLINE));
	if (p.flags & MULTIBOOT1_INFO_MODULES)
		parse_modules(&p);
	if (p.flags & MULTIBOOT1_INFO_FRAMEBUFFER)
		parse_framebuffer(&p);
	if (p.flags & MULTIBOOT1_INFO_MMAP)
		parse_mmap(&p);
	if (!boot->map.count && p.flags & MULTIBOOT1_INFO_MEMORY) {
		boot_warn(boot, "memory map: none, only the size of the memory is known");
		boot_add_basic_memory(boot, field(&p, MULTIBOOT1_MEM_LOWER),
				      field(&p, MULTIBOOT1_MEM_UPPER));
	}
	return 0;
}
