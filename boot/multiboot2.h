/*
 * Multiboot 2 (Specification 2.0): numbers for the header and the parser of the boot information.
 * Usable from assembly.
 */
#pragma once

#define MULTIBOOT2_HEADER_MAGIC 0xE85250D6
#define MULTIBOOT2_LOADER_MAGIC 0x36D76289

/* Tags of the boot information (section 3.6). */
#define MULTIBOOT2_TAG_END	    0
#define MULTIBOOT2_TAG_CMDLINE	    1
#define MULTIBOOT2_TAG_LOADER_NAME  2
#define MULTIBOOT2_TAG_MODULE	    3
#define MULTIBOOT2_TAG_BASIC_MEMORY 4
#define MULTIBOOT2_TAG_MMAP	    6
#define MULTIBOOT2_TAG_FRAMEBUFFER  8
#define MULTIBOOT2_TAG_EFI32	    11
#define MULTIBOOT2_TAG_EFI64	    12
#define MULTIBOOT2_TAG_ACPI_OLD	    14
#define MULTIBOOT2_TAG_ACPI_NEW	    15
#define MULTIBOOT2_TAG_EFI_MMAP	    17
#define MULTIBOOT2_TAG_EFI32_HANDLE 19
#define MULTIBOOT2_TAG_EFI64_HANDLE 20

#define MULTIBOOT2_TAG_ALIGN 8

#ifndef __ASSEMBLER__
#include <stdint.h>

struct boot_info;
struct boot_memory;

/* For multiboot_parse() (boot/multiboot.h), whose contract it has; the map is left as it was told.
 */
int multiboot2_parse(struct boot_info *boot, const struct boot_memory *memory, uint64_t info);
#endif
