/* What a multiboot 1 loader hands over. Multiboot Specification 0.6.96, 3.1 and 3.3. */
#pragma once

#define MULTIBOOT_HEADER_MAGIC 0x1badb002
#define MULTIBOOT_BOOT_MAGIC   0x2badb002
#define MULTIBOOT_HEADER_FLAGS 0x00000003 /* modules page-aligned, memory information wanted */

#define MULTIBOOT_INFO_CMDLINE 0x4

#ifndef __ASSEMBLER__
#include <stdint.h>

struct multiboot_info {
	uint32_t flags;
	uint32_t mem_lower; /* KiB from 0 */
	uint32_t mem_upper; /* KiB from 1 MiB */
	uint32_t boot_device;
	uint32_t cmdline;
	uint32_t mods_count;
	uint32_t mods_addr;
	uint32_t syms[4];
	uint32_t mmap_length;
	uint32_t mmap_addr;
};

struct multiboot_mmap {
	uint32_t size; /* of what follows */
	uint64_t base;
	uint64_t length;
	uint32_t type;
} __attribute__((packed));

struct multiboot_module {
	uint32_t start; /* physical, of the file's bytes */
	uint32_t end;	/* behind them */
	uint32_t line;
	uint32_t reserved;
};
#endif
