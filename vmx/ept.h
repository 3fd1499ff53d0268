/*
 * Extended page tables: a guest's physical addresses to the machine's. Memory type write-back,
 * whatever the guest's PAT says: it has no device, and uncacheable RAM would lock the bus.
 * SDM Vol. 3C 28.3.
 */
#pragma once

#include <stdint.h>

struct ept {
	uint64_t *root;	  /* the PML4 page */
	uint64_t pointer; /* VMCS EPT_POINTER */
	uint64_t pages_4k, pages_2m, pages_1g;
};

/* An empty hierarchy. Returns 0 or -ENOMEM. */
int ept_create(struct ept *ept);

/*
 * Maps guest-physical [gpa, gpa + size) to host-physical from hpa, readable, writable and
 * executable, by the largest pages that alignment and CPU allow. Multiples of 4 KiB. Returns 0,
 * -ENOMEM, -EINVAL (alignment, 48 bits exceeded) or -EEXIST (mapped already).
 */
int ept_map(struct ept *ept, uint64_t gpa, uint64_t hpa, uint64_t size);

/* Gives all tables back and forgets cached translations. No vCPU may use it any more. */
void ept_destroy(struct ept *ept);
