/*
 * A guest's linear memory as somebody sees it who must not be noticed: through its own page
 * tables, whatever their permissions, with no fault raised and no accessed or dirty flag set. What
 * is not mapped, or not its memory, cannot be read. No hardware in it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm/exit/page_walk.h"

struct guest_view {
	const struct guest_ram *ram;
	bool paging;
	struct paging_state state; /* pdpte, cpl and what decides about permissions are not used */
	uint64_t pdpte[4];	   /* PAE paging */
};

/* The guest-physical address. Returns 0, or -EFAULT: it is not mapped. */
int guest_view_gpa(const struct guest_view *view, uint64_t linear, uint64_t *gpa);

/* Returns 0, or -EFAULT: some bytes cannot be read. */
int guest_view_read(const struct guest_view *view, uint64_t linear, void *to, uint32_t length);
