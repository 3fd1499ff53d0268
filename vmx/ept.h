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
	uint64_t splits;   /* large pages that are 512 smaller ones now */
	uint64_t *spare;   /* tables kept for ept_split(), or NULL */
	uint64_t owed;	   /* tables that mapping has yet to set aside as spare */
	uint64_t given_up; /* guest-physical: tables below are given back already */
	uint64_t *device;  /* the leaf of ept_reserve_device() */
	uint64_t outdated; /* CPUs that may have translations from before a change, a bit each */
};

/* What is to be mapped: guest-physical [gpa, gpa + size) to host-physical from hpa. */
struct ept_range {
	uint64_t gpa, hpa, size;
};

/* An empty hierarchy. Returns 0 or -ENOMEM. */
int ept_create(struct ept *ept);

/*
 * Makes the tables for one page of a device, where no RAM is; it is not there yet. Before anything
 * is mapped. Returns 0 or -ENOMEM.
 */
int ept_reserve_device(struct ept *ept, uint64_t gpa);

/*
 * That page is there, readable and writable, at a host-physical address; 0: it is not. On this CPU
 * from now on, on others when they refresh.
 */
void ept_set_device(struct ept *ept, uint32_t cpu, uint64_t hpa);

/*
 * Maps a piece of a range, readable, writable and executable, by the largest pages that alignment
 * and CPU allow: some leaves, or one new table. `left` becomes what is left of it. With ept_split a
 * 4-KiB table is set aside for each 2 MiB mapped by large pages. Multiples of 4 KiB. Returns 1 if
 * there is more to do, 0 if not, -ENOMEM, -EINVAL (alignment, 48 bits exceeded) or -EEXIST (mapped
 * already).
 */
int ept_map_step(struct ept *ept, struct ept_range *left);

/*
 * After an instruction fetch that the tables did not allow: makes the 2 MiB around it executable
 * 4-KiB pages and forgets cached translations, on this CPU now and on others when they refresh.
 * False, with nothing done, unless a large page that is not executable is mapped there.
 */
bool ept_split(struct ept *ept, uint32_t cpu, uint64_t gpa);

/*
 * Whether the tables let an instruction be fetched there: a CPU that does not, though they do, has
 * met the page before another one split it, and knows better after the EPT violation.
 */
bool ept_executes(const struct ept *ept, uint64_t gpa);

/* Forgets this CPU's translations if others have changed the tables. Before it enters a guest. */
void ept_refresh(struct ept *ept, uint32_t cpu);

/* Forgets this CPU's translations: the tables are given back. Every CPU, before that begins. */
void ept_forget(const struct ept *ept);

/* At most two pages whose tables are not shared, and two more that share them. */
#define EPT_LOAN_TABLES	 6
#define EPT_LOAN_ENTRIES (EPT_LOAN_TABLES + 4)

struct ept_loan {
	uint64_t *table[EPT_LOAN_TABLES]; /* pages of zeros, of the caller, while nothing is lent */
	uint64_t *entry[EPT_LOAN_ENTRIES]; /* that have been written */
	unsigned int tables, entries;
};

/*
 * Maps a page that nothing is mapped at, readable and writable, until ept_take_back(), which comes
 * before anything else here but ept_lend() and ept_refresh(). False, with nothing done: something
 * is there, or the loan's tables do not suffice.
 */
bool ept_lend(struct ept *ept, struct ept_loan *loan, uint64_t gpa, uint64_t hpa);

/* All that the loan has. Translations are forgotten as by ept_split(). */
void ept_take_back(struct ept *ept, struct ept_loan *loan, uint32_t cpu);

/*
 * Gives the tables back, at most one a call. False when all is
 * done. No vCPU may use it any more, and nothing else here may be called from the first step on,
 * but ept_create().
 */
bool ept_destroy_step(struct ept *ept);
