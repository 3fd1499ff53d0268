/*
 * Four-level page tables that map addresses to themselves, built piece by piece.
 * SDM Vol. 3A 4.5. No hardware in here: the unit tests build tables of their own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PTE_PRESENT 0x001ull
#define PTE_WRITE   0x002ull
#define PTE_PWT	    0x008ull
#define PTE_PCD	    0x010ull
#define PTE_PAT	    0x080ull /* of a 4-KiB page */
#define PTE_LARGE   0x080ull /* of the levels above */
#define PTE_NX	    (1ull << 63)
#define PTE_ADDRESS 0x000ffffffffff000ull

#define LIMIT_BITS	  47
#define PAGE_TABLES_LIMIT (1ull << LIMIT_BITS) /* the lower half of the canonical addresses */

/*
 * Where what can be mapped ends: at that limit, or at the CPU's own width of physical addresses,
 * above which an entry has reserved bits set (SDM Vol. 3A 4.1.4). max_leaf is
 * CPUID.80000000h:EAX, sizes CPUID.80000008h:EAX.
 */
uint64_t page_tables_limit(uint32_t max_leaf, uint32_t sizes);

struct page_tables {
	uint64_t *pml4;
	void *(*new_page)(void); /* 4 KiB of zeros, or NULL */
	/* whether all of an aligned large page may have one entry */
	bool (*same_type)(uint64_t address, uint64_t size);
	bool gigabyte_pages;
};

/*
 * Maps [start, end), whole pages below PAGE_TABLES_LIMIT, with the largest pages that lie in it and
 * in one memory type. flags are PTE_WRITE, PTE_PWT, PTE_PCD, PTE_NX. What is mapped already stays
 * as it is. Nothing is flushed: a page that was not present is in no TLB (SDM Vol. 3A 4.10.2.3).
 * -EINVAL if the range is not such a one; -ENOMEM if there is no page for a table, and part of the
 * range is then mapped.
 */
int page_tables_map(const struct page_tables *tables, uint64_t start, uint64_t end, uint64_t flags);

/*
 * Leaves the 4-KiB page at an address out; a large page around it becomes smaller ones. Nothing is
 * flushed. Returns 0, or -ENOMEM: there is no page for a table.
 */
int page_tables_unmap(const struct page_tables *tables, uint64_t address);
