/*
 * What the boot loader told, from either multiboot protocol, in one structure of our own, and how
 * its parsers (boot/multiboot.h) fill it.
 *
 * The loader's structures lie in memory that nothing protects yet and may be wrong or made to
 * mislead: every address and length is checked against the window, and strings and tables are
 * copied. Used by the first CPU at boot, without locks. Reached is only memory in the window.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "boot/memmap.h"

#define BOOT_MODULES_MAX  128
#define BOOT_WARNINGS_MAX 16

/*
 * Physical memory that may be read: [start, start + size) is found at bytes. In the hypervisor,
 * which maps it one to one, bytes is NULL and start 0; in a test, a buffer. What is in the window
 * is there, or, where reach is not NULL, once reach has said so.
 */
struct boot_memory {
	const uint8_t *bytes;
	uint64_t start;
	uint64_t size;
	bool (*reach)(uint64_t phys, uint64_t length);
};

/* Where a physical range can be read; NULL unless all of it is in the window, and reached. */
const void *boot_memory_at(const struct boot_memory *memory, uint64_t phys, uint64_t length);

/* [start, end) is in the window, start <= end, and no two modules overlap. */
struct boot_module {
	uint64_t start;
	uint64_t end;
	char cmdline[512];
};

enum boot_framebuffer_type {
	BOOT_FRAMEBUFFER_INDEXED = 0,
	BOOT_FRAMEBUFFER_RGB = 1,
	BOOT_FRAMEBUFFER_EGA_TEXT = 2,
};

/* Where a colour is in a pixel, in bits; 0 and 0 if it is not RGB. */
struct boot_framebuffer_field {
	uint8_t position;
	uint8_t size;
};

/* width is 0 if the loader told of none; pitch is bytes a line. */
struct boot_framebuffer {
	uint64_t addr;
	uint32_t pitch;
	uint32_t width;
	uint32_t height;
	uint8_t bpp;
	uint8_t type; /* enum boot_framebuffer_type */
	struct boot_framebuffer_field red, green, blue;
};

#define BOOT_KEPT_MAX 2

struct boot_info {
	uint32_t protocol; /* 1 or 2 */
	bool efi;	   /* started by UEFI firmware; multiboot 1 cannot tell */
	bool ega_text;	   /* the VGA text screen at 0xB8000 is there */
	char loader_name[64];
	char cmdline[1024];
	struct memory_map map; /* normalised; nothing is reserved in it yet */
	uint32_t module_count;
	uint32_t modules_refused; /* modules that were told of and are not in the list */
	struct boot_module module[BOOT_MODULES_MAX];
	struct boot_framebuffer framebuffer;
	/* memory that is set aside: boot/last_log.h */
	uint32_t kept_count;
	struct {
		uint64_t start, end;
	} kept[BOOT_KEPT_MAX];
	struct {
		uint32_t size; /* 20 (ACPI 1.0), 36, or 0: none; its checksum is not checked */
		uint8_t bytes[36];
	} rsdp;
	uint32_t warning_count; /* may exceed BOOT_WARNINGS_MAX: the rest is not kept */
	char warning[BOOT_WARNINGS_MAX][112];
};

/* For the two parsers. */

void boot_warn(struct boot_info *boot, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Little-endian numbers at any alignment. */
uint32_t boot_read32(const uint8_t *at);
uint64_t boot_read64(const uint8_t *at);

/* The checksum of most of firmware's structures: their bytes add up to 0 (modulo 256). */
bool boot_sum_is_zero(const uint8_t *bytes, uint32_t length);

/*
 * Copies the string that has to end within limit bytes at from, warning (what names it) if it does
 * not or if it had to be cut to fit to[size].
 */
void boot_copy_string(struct boot_info *boot, const char *what, char *to, uint32_t size,
		      const uint8_t *from, uint64_t limit);

/* Adds a range to the map, warning if it cannot be. */
void boot_add_memory(struct boot_info *boot, uint64_t start, uint64_t length, uint32_t type);

/* The old pair of numbers, KiB from 0 and KiB from 1 MiB, for want of a map. */
void boot_add_basic_memory(struct boot_info *boot, uint32_t lower, uint32_t upper);

/* The module's slot, its command line empty; NULL, with a warning, if it is refused. */
struct boot_module *boot_add_module(struct boot_info *boot, const struct boot_memory *memory,
				    uint64_t start, uint64_t end);

/*
 * fields: of an RGB framebuffer, position and size of red, green and blue, a byte each; NULL: there
 * are none.
 */
void boot_set_framebuffer(struct boot_info *boot, const struct boot_framebuffer *framebuffer,
			  const uint8_t *fields);
