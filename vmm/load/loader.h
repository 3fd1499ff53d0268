/*
 * What the loaders of each protocol share.
 */
#pragma once

#include "vmm/load/parts.h"
#include "vmm/load/places.h"

struct loader {
	struct guest_load *load;
	const struct guest_ram *ram;
	const struct guest_image *kernel;
	const struct guest_start *start;
	struct refusal *refusal;
	struct places places;
};

/* One more of the copies that guest_load_step() makes; a size of 0 is none. */
void guest_load_later(struct guest_load *load, uint64_t gpa, const uint8_t *from, uint64_t size);
