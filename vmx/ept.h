/*
 * Extended page tables: a guest's physical addresses to the machine's. Memory type write-back,
 * whatever the guest's PAT says: it has no device, and uncacheable RAM would lock the bus.
 * SDM Vol. 3C 28.3.
 *
 * Where vmx_capabilities()->ept_split is set a guest executes from 4-KiB pages only
 * (vmx/multihit.h): larger ones are not executable, and those it fetches from are split.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct ept {
	uint64_t *root;	  /* the PML4 page */
	uint64_t pointer; /* VMCS EPT_POINTER */
	uint64_t pages_4k, pages_2m, pages_1g;
	uint64_t splits; /* large pages that are 512 smaller ones now */
	uint64_t *spare; /* tables kept for ept_split(), or NULL */
};

/* An empty hierarchy. Returns 0 or -ENOMEM. */
int ept_create(struct ept *ept);

/*
 * Maps guest-physical [gpa, gpa + size) to host-physical from hpa, readable, writable and
 * executable, by the largest pages that alignment and CPU allow. With ept_split a 4-KiB table is
 * set aside for each 2 MiB mapped by large pages. Multiples of 4 KiB. Returns 0, -ENOMEM, -EINVAL
 * (alignment, 48 bits exceeded) or -EEXIST (mapped already).
 */
int ept_map(struct ept *ept, uint64_t gpa, uint64_t hpa, uint64_t size);

/*
 * After an instruction fetch that the tables did not allow: makes the 2 MiB around it executable
 * 4-KiB pages and forgets cached translations. False, with nothing done, unless a large page that
 * is not executable is mapped there.
 */
bool ept_split(struct ept *ept, uint64_t gpa);

/* Gives all tables back and forgets cached translations. No vCPU may use it any more. */
void ept_destroy(struct ept *ept);
