#include "boot/bootinfo.h"

#include "lib/format.h"
#include "lib/string.h"

const void *boot_memory_at(const struct boot_memory *memory, uint64_t phys, uint64_t length)
{
	if (phys < memory->start || phys - memory->start > memory->size ||
	    length > memory->size - (phys - memory->start) ||
	    (memory->reach && !memory->reach(phys, length)))
		return NULL;
	/* Not pointer arithmetic: bytes is NULL where physical memory is mapped one to one. */
	return (const void *)((uintptr_t)memory->bytes + (uintptr_t)(phys - memory->start));
}

void boot_warn(struct boot_info *boot, const char *fmt, ...)
{
	uint32_t index = boot->warning_count++;
	va_list args;

	if (index >= BOOT_WARNINGS_MAX)
		return;
	va_start(args, fmt);
	format_v(boot->warning[index], sizeof(boot->warning[index]), fmt, args);
	va_end(args);
}

uint32_t boot_read32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

uint64_t boot_read64(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

bool boot_sum_is_zero(const uint8_t *bytes, uint32_t length)
{
	uint8_t sum = 0;

	for (uint32_t i = 0; i < length; i++)
		sum += bytes[i];
	return sum == 0;
}

void boot_copy_string(struct boot_info *boot, const char *what, char *to, uint32_t size,
		      const uint8_t *from, uint64_t limit)
{
	uint32_t length = 0;

	while (length < size - 1 && length < limit && from[length]) {
		to[length] = (char)from[length];
		length++;
	}
	to[length] = '\0';
	if (length == limit)
		boot_warn(boot, "boot loader: the %s does not end within its space", what);
	else if (from[length])
		boot_warn(boot, "boot loader: the %s was cut to %u characters", what, length);
}

void boot_add_memory(struct boot_info *boot, uint64_t start, uint64_t length, uint32_t type)
{
	if (memory_map_add(&boot->map, start, length, type))
		boot_warn(boot, "memory map: 0x%lx+0x%lx runs past 2^64, it is left out", start,
			  length);
}

void boot_add_basic_memory(struct boot_info *boot, uint32_t lower, uint32_t upper)
{
	/* Below 640 KiB whatever is told: what follows is the legacy video memory. */
	boot_add_memory(boot, 0, (uint64_t)(lower < 640 ? lower : 640) << 10, MEMORY_USABLE);
	boot_add_memory(boot, 0x100000, (uint64_t)upper << 10, MEMORY_USABLE);
}

static const char *module_fault(const struct boot_info *boot, const struct boot_memory *memory,
				uint64_t start, uint64_t end)
{
	if (boot->module_count == BOOT_MODULES_MAX)
		return "there are too many";
	if (start > end)
		return "it ends before it starts";
	if (start == end)
		return "its file is empty";
	if (!boot_memory_at(memory, start, end - start))
		return "it is outside memory";
	for (uint32_t i = 0; i < boot->module_count; i++)
		if (start < boot->module[i].end && boot->module[i].start < end)
			return "it overlaps another";
	return NULL;
}

struct boot_module *boot_add_module(struct boot_info *boot, const struct boot_memory *memory,
				    uint64_t start, uint64_t end)
{
	const char *fault = module_fault(boot, memory, start, end);
	struct boot_module *module;

	if (fault) {
		boot_warn(boot, "boot loader: the module at 0x%lx-0x%lx is left out: %s", start,
			  end, fault);
		boot->modules_refused++;
		return NULL;
	}
	module = &boot->module[boot->module_count++];
	module->start = start;
	module->end = end;
	module->cmdline[0] = '\0';
	return module;
}

void boot_set_framebuffer(struct boot_info *boot, const struct boot_framebuffer *framebuffer,
			  const uint8_t *fields)
{
	const struct boot_framebuffer *fb = framebuffer;
	uint64_t bits = (uint64_t)fb->width * fb->bpp, bytes, end;

	boot->ega_text = fb->type == BOOT_FRAMEBUFFER_EGA_TEXT;
	if (boot->ega_text) {
		boot->framebuffer = *fb;
		return;
	}
	if (!fb->width || !fb->height || !fb->bpp || fb->pitch < (bits + 7) / 8 ||
	    __builtin_mul_overflow((uint64_t)fb->pitch, fb->height, &bytes) ||
	    __builtin_add_overflow(fb->addr, bytes, &end)) {
		boot_warn(boot, "boot loader: framebuffer %ux%ux%u, %u bytes a line: impossible",
			  fb->width, fb->height, fb->bpp, fb->pitch);
		return;
	}
	boot->framebuffer = *fb;
	if (fb->type != BOOT_FRAMEBUFFER_RGB || !fields)
		return;
	boot->framebuffer.red = (struct boot_framebuffer_field){fields[0], fields[1]};
	boot->framebuffer.green = (struct boot_framebuffer_field){fields[2], fields[3]};
	boot->framebuffer.blue = (struct boot_framebuffer_field){fields[4], fields[5]};
}
