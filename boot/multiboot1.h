/*
 * Multiboot 1 (Specification 0.6.96): numbers for the header, for the guest loader, and the parser
 * of the boot information. Usable from assembly.
 */
#pragma once

#define MULTIBOOT1_HEADER_MAGIC 0x1BADB002
#define MULTIBOOT1_LOADER_MAGIC 0x2BADB002

/* A header is 4-aligned and lies wholly in the first bytes of the image (section 3.1). */
#define MULTIBOOT1_SEARCH	8192
#define MULTIBOOT1_HEADER_ALIGN 4

/* Header flags (3.1.2). */
#define MULTIBOOT1_PAGE_ALIGN  0x00000001
#define MULTIBOOT1_MEMORY_INFO 0x00000002
#define MULTIBOOT1_VIDEO_MODE  0x00000004
#define MULTIBOOT1_AOUT_KLUDGE 0x00010000

/* Flags of the information structure: which of its fields are valid (3.3). */
#define MULTIBOOT1_INFO_MEMORY	    0x00000001
#define MULTIBOOT1_INFO_CMDLINE	    0x00000004
#define MULTIBOOT1_INFO_MODULES	    0x00000008
#define MULTIBOOT1_INFO_MMAP	    0x00000040
#define MULTIBOOT1_INFO_LOADER_NAME 0x00000200
#define MULTIBOOT1_INFO_FRAMEBUFFER 0x00001000

/* Offsets in the information structure (3.3). */
#define MULTIBOOT1_FLAGS	      0
#define MULTIBOOT1_MEM_LOWER	      4
#define MULTIBOOT1_MEM_UPPER	      8
#define MULTIBOOT1_CMDLINE	      16
#define MULTIBOOT1_MODS_COUNT	      20
#define MULTIBOOT1_MODS_ADDR	      24
#define MULTIBOOT1_MMAP_LENGTH	      44
#define MULTIBOOT1_MMAP_ADDR	      48
#define MULTIBOOT1_BOOT_LOADER_NAME   64
#define MULTIBOOT1_FRAMEBUFFER_ADDR   88
#define MULTIBOOT1_FRAMEBUFFER_PITCH  96
#define MULTIBOOT1_FRAMEBUFFER_WIDTH  100
#define MULTIBOOT1_FRAMEBUFFER_HEIGHT 104
#define MULTIBOOT1_FRAMEBUFFER_BPP    108
#define MULTIBOOT1_FRAMEBUFFER_TYPE   109
#define MULTIBOOT1_FRAMEBUFFER_FIELDS 110
#define MULTIBOOT1_INFO_SIZE	      116

/* A module: start, end, string, reserved; 32 bits each. */
#define MULTIBOOT1_MODULE_SIZE 16

/* A map entry: size (of what follows it), base, length (64 bits), type. */
#define MULTIBOOT1_MMAP_ENTRY_SIZE 20

#ifndef __ASSEMBLER__
#include <stdint.h>

struct boot_info;
struct boot_memory;

/* For multiboot_parse() (boot/multiboot.h), whose contract it has; the map is left as it was told.
 */
int multiboot1_parse(struct boot_info *boot, const struct boot_memory *memory, uint64_t info);
#endif
