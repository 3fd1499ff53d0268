/*
 * Loads a kernel into a new guest's memory, with what it is started with: multiboot.h and bzimage.h
 * say where things go. Before all of it comes what firmware leaves (firmware.h, mp_tables.h,
 * acpi_tables.h). 0xA0000 to 0xFFFFF is RAM too, and may be loaded into; the maps show none of it
 * as usable.
 */
#pragma once

#include <stdbool.h>

#include "vmm/load/parts.h"

struct guest_ram;
struct refusal;

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
