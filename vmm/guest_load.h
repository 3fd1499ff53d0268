/*
 * Loads a multiboot 1 kernel (Specification 0.6.96) into a new guest's memory, and builds the
 * information structure that it is started with.
 *
 * Where things go: the kernel where its headers say; the information structure and all it points
 * to as one block in conventional memory, from 0x10000 up if the kernel leaves room there; modules
 * on page boundaries after the kernel. Before all of it, what firmware leaves (firmware.h). 0xA0000
 * to 0xFFFFF is RAM too, and may be loaded into; the map shows none of it as usable.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "vmm/guest_ram.h"

#define GUEST_MODULES_MAX 32

struct guest_module {
	const void *bytes;
	uint64_t size;
	const char *cmdline;
};

/* The registers that the specification gives a meaning (section 3.2). Paging is off. */
struct guest_entry {
	uint32_t eip;
	uint32_t eax; /* 0x2BADB002 */
	uint32_t ebx; /* guest-physical address of the information structure */
};

/*
 * The guest does not run yet; its memory is the caller's. image and the modules are host memory
 * and not trusted. Returns 0; or with one human line in error[error_size] -ENOEXEC (no kernel that
 * can be loaded), -ENOMEM (does not fit into the guest's memory) or -E2BIG (too many modules).
 * After an error the guest's memory may be partly written.
 */
int guest_load(const struct guest_ram *ram, const void *image, uint64_t size, const char *cmdline,
	       const struct guest_module *modules, uint32_t module_count, struct guest_entry *entry,
	       char *error, size_t error_size);
