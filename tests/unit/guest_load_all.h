/*
 * A kernel loaded from its file to the last byte, as vmm/vms.c and vmm/vm_settle.c do it in pieces.
 */
#pragma once

#include "lib/refusal.h"
#include "vmm/guest_ram.h"
#include "vmm/load/load.h"
#include "vmm/load/kernel.h"

static inline int guest_load_all(const struct guest_ram *ram, const void *file, uint64_t size,
				 const struct guest_start *start, struct guest_entry *entry,
				 struct refusal *refusal)
{
	static struct guest_image kernel;
	static struct guest_load load;
	int result = kernel_parse(&kernel, file, size, refusal);

	if (!result)
		result = guest_load(&load, ram, &kernel, start, refusal);
	if (result)
		return result;
	while (!guest_load_step(&load, ram))
		;
	*entry = load.entry;
	return 0;
}
