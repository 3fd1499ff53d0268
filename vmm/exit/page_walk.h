/*
 * A walk of a guest's page tables for a data access: SDM Vol. 3A 4.3 to 4.8. No hardware in it. The
 * tables may change while they are read, by the guest's other CPUs or by others that share its
 * memory: a walk only reads, and page_walk_mark() writes what was read and is still there.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct guest_ram;

/* What decides about a walk beside the tables; paging is on. */
struct paging_state {
	uint64_t cr0, cr3, cr4, efer, rflags;
	uint64_t pdpte; /* PAE paging: the register that the linear address selects */
	uint32_t pkru;	/* looked at with CR4.PKE in IA-32e mode */
	unsigned int cpl;
	unsigned int physical_bits; /* MAXPHYADDR */
	bool pages_1g;
};

enum page_walk_result {
	PAGE_WALK_DONE,
	PAGE_WALK_FAULT,    /* #PF, with error_code */
	PAGE_WALK_NO_TABLE, /* the entry at gpa is not in the guest's memory */
};

struct page_walk {
	uint64_t gpa;
	uint32_t error_code;
	unsigned int entry_size;
	unsigned int levels; /* entries in memory that a finished walk has read */
	struct {
		uint64_t gpa, value;
	} path[4];
	unsigned int count; /* entries to be marked accessed or dirty */
	struct {
		uint64_t gpa, seen, marked;
	} entry[4];
};

enum page_walk_result page_walk(const struct guest_ram *ram, const struct paging_state *state,
				uint64_t linear, bool write, struct page_walk *walk);

/*
 * Sets the accessed and dirty flags that a finished walk asks for, each by compare-and-exchange.
 * False if an entry is not what the walk saw: nothing is known then, and it has to be made again.
 */
bool page_walk_mark(const struct guest_ram *ram, const struct page_walk *walk);

/* The bits of a PAE PDPTE that have to be 0 (SDM Vol. 3A table 4-8). */
uint64_t pdpte_reserved_bits(unsigned int physical_bits);
