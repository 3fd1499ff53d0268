/*
 * Loads a multiboot 1 kernel (Specification 0.6.96) into a new guest's memory, and builds the
 * information structure that it is started with.
 *
 * Where things go: the kernel where its headers say; the information structure and all it points
 * to as one block in conventional memory, from 0x10000 up if the kernel leaves room there; modules
 * on page boundaries after the kernel. Before all of it, what firmware leaves (firmware.h,
 * mp_tables.h, acpi_tables.h). 0xA0000 to 0xFFFFF is RAM too, and may be loaded into; the map shows
 * none of it as usable.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm/load/image.h"
#include "vmm/load/tables.h"

#define GUEST_MODULES_MAX 32

struct guest_ram;
struct refusal;

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

/* The registers that the specification gives a meaning (section 3.2). Paging is off. */
struct guest_entry {
	uint32_t eip;
	uint32_t eax; /* 0x2BADB002 */
	uint32_t ebx; /* guest-physical address of the information structure */
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

/*
 * Begins: finds a place for everything, and writes the information structure. The kernel's file and
 * the modules are host memory, are not trusted and have to stay until the last step. The guest does
 * not run; its memory is the caller's. Returns 0; or with a refusal -ENOEXEC (no kernel that can be
 * loaded), -ENOMEM (does not fit into the guest's memory) or -E2BIG (too many modules). After an
 * error the guest's memory may be partly written.
 */
int guest_load(struct guest_load *load, const struct guest_ram *ram,
	       const struct guest_image *kernel, const struct guest_start *start,
	       struct refusal *refusal);

/* Writes tables, or copies up to a page of the segments and modules; true when all is there and the
 * guest can start.
 */
bool guest_load_step(struct guest_load *load, const struct guest_ram *ram);
