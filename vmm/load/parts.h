/*
 * What a kernel is started with, and what is left to be copied of one that is being loaded.
 */
#pragma once

#include <stdint.h>

#include "vmm/load/image.h"
#include "vmm/load/tables.h"

#define GUEST_MODULES_MAX 32

struct guest_module {
	const void *bytes;
	uint64_t size;
	const char *cmdline;
};

/* What a kernel is started with. */
struct guest_start {
	const char *cmdline;
	const char *name; /* goes before it as its first word; NULL: nothing does, as in GRUB 2 */
	uint32_t module_count;
	const struct guest_module *module;
	struct guest_machine machine;
};

/*
 * The registers that the kernel's protocol gives a meaning; all others are 0. Segments are flat and
 * of 32 bits, paging and interrupts are off.
 */
struct guest_entry {
	uint32_t eip;
	uint32_t eax, ebx, esi;
	uint16_t code, data; /* selectors of CS, and of all others */
	uint16_t gdt_limit;
	uint32_t gdt; /* guest-physical; 0, with a limit of 0: the kernel has to load its own */
};

/* `size` bytes of a file, or zeros where `from` is NULL, that go to guest-physical `gpa`. */
struct guest_copy {
	uint64_t gpa;
	uint64_t size;
	const uint8_t *from;
};

#define GUEST_COPIES_MAX (2 * GUEST_SEGMENTS_MAX + GUEST_MODULES_MAX)

/* A kernel that is being loaded: what is left to be copied. */
struct guest_load {
	struct guest_entry entry;
	struct guest_machine machine;
	uint32_t tables; /* of so many specifications, which are written first */
	uint32_t count, next;
	uint64_t done; /* bytes of the next copy */
	struct guest_copy copy[GUEST_COPIES_MAX];
};
