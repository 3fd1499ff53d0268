#include "vmm/exit/page_walk.h"

#include <stddef.h>

#include "lib/x86.h"
#include "vmm/guest_ram.h"

#define PTE_PRESENT  BIT(0)
#define PTE_WRITE    BIT(1)
#define PTE_USER     BIT(2)
#define PTE_ACCESSED BIT(5)
#define PTE_DIRTY    BIT(6)
#define PTE_LARGE    BIT(7)
#define PTE_KEY(e)   ((e) >> 59 & 0xf)
#define PTE_NX	     BIT(63)
#define PTE_ADDRESS  0x000ffffffffff000ull

#define FAULT_PRESENT  BIT(0)
#define FAULT_WRITE    BIT(1)
#define FAULT_USER     BIT(2)
#define FAULT_RESERVED BIT(3)
#define FAULT_KEY      BIT(5)

#define PKRU_ACCESS_DISABLE(key) BIT(2 * (key))
#define PKRU_WRITE_DISABLE(key)	 BIT(2 * (key) + 1)

#define PDPTE_RESERVED	 0x1e6ull
#define PAE_IGNORED_LONG (0x7ffull << 52) /* ignored in IA-32e mode, reserved with PAE paging */

/* A 4-MiB page's entry: address bits 39 to 32 in bits 20 to 13 (PSE-36), and bit 21 is reserved. */
#define PSE36_SHIFT    13
#define PSE36_BITS     8
#define PSE36_RESERVED BIT(21)

enum paging_mode {
	PAGING_32BIT,
	PAGING_PAE,
	PAGING_4_LEVEL,
};

static enum paging_mode mode_of(const struct paging_state *state)
{
	if (state->efer & EFER_LMA)
		return PAGING_4_LEVEL;
	return state->cr4 & CR4_PAE ? PAGING_PAE : PAGING_32BIT;
}

static uint64_t beyond(unsigned int physical_bits)
{
	return physical_bits < 64 ? ~(BIT(physical_bits) - 1) : 0;
}

uint64_t pdpte_reserved_bits(unsigned int physical_bits)
{
	return PDPTE_RESERVED | beyond(physical_bits);
}

static uint64_t reserved_32bit(const struct paging_state *state, bool large)
{
	unsigned int bits = state->physical_bits > 32 ? state->physical_bits - 32 : 0;
	uint64_t high = BIT(PSE36_BITS) - 1;

	if (!large)
		return 0;
	if (bits < PSE36_BITS)
		high &= ~(BIT(bits) - 1);
	else
		high = 0;
	return high << PSE36_SHIFT | PSE36_RESERVED;
}

/* The bits of an entry that have to be 0; level 0 is the page table. */
static uint64_t reserved_bits(const struct paging_state *state, enum paging_mode mode,
			      unsigned int level, uint64_t page_size, bool large)
{
	uint64_t reserved;

	if (mode == PAGING_32BIT)
		return reserved_32bit(state, large);
	if (mode == PAGING_PAE && level == 2)
		return pdpte_reserved_bits(state->physical_bits);
	reserved = beyond(state->physical_bits) & PTE_ADDRESS;
	if (!(state->efer & EFER_NXE))
		reserved |= PTE_NX;
	if (mode == PAGING_PAE)
		reserved |= PAE_IGNORED_LONG;
	if (large) /* bit 12 is PAT */
		reserved |= (page_size - 1) & PTE_ADDRESS & ~BIT(12);
	else if (level)
		reserved |= PTE_LARGE; /* only met where it cannot mean a page */
	return reserved;
}

static bool is_large(const struct paging_state *state, enum paging_mode mode, unsigned int level,
		     uint64_t entry)
{
	if (!(entry & PTE_LARGE))
		return false;
	if (mode == PAGING_32BIT)
		return level == 1 && (state->cr4 & CR4_PSE);
	return level == 1 || (level == 2 && mode == PAGING_4_LEVEL && state->pages_1g);
}

static uint64_t frame_of(enum paging_mode mode, uint64_t entry, uint64_t page_size, bool large)
{
	if (mode == PAGING_32BIT && large)
		return (entry & 0xffc00000) | (entry >> PSE36_SHIFT & (BIT(PSE36_BITS) - 1)) << 32;
	return entry & PTE_ADDRESS & ~(page_size - 1);
}

static bool permitted(const struct paging_state *state, uint64_t rights, bool write)
{
	bool user = state->cpl == 3;

	if (user && !(rights & PTE_USER))
		return false;
	if (!user && (rights & PTE_USER) && (state->cr4 & CR4_SMAP) && !(state->rflags & RFLAGS_AC))
		return false;
	if (write && !(rights & PTE_WRITE))
		return !user && !(state->cr0 & CR0_WP);
	return true;
}

/* Whether the protection key of a page allows the access (SDM Vol. 3A 4.6.2). */
static bool key_permits(const struct paging_state *state, uint64_t leaf, uint64_t rights,
			bool write)
{
	bool obeys_write_disable = state->cpl == 3 || (state->cr0 & CR0_WP);
	uint64_t key = PTE_KEY(leaf);

	if (!(state->cr4 & CR4_PKE) || !(state->efer & EFER_LMA) || !(rights & PTE_USER))
		return true;
	return !(state->pkru & PKRU_ACCESS_DISABLE(key)) &&
	       !(write && obeys_write_disable && (state->pkru & PKRU_WRITE_DISABLE(key)));
}

/* One load, as the CPU would: the entry may be written meanwhile. */
static bool read_entry(const struct guest_ram *ram, uint64_t gpa, unsigned int size,
		       uint64_t *entry)
{
	const void *at = guest_ram_at(ram, gpa, size);

	if (!at)
		return false;
	*entry = size == 8 ? __atomic_load_n((const uint64_t *)at, __ATOMIC_RELAXED)
			   : __atomic_load_n((const uint32_t *)at, __ATOMIC_RELAXED);
	return true;
}

static void want_marked(struct page_walk *walk, uint64_t gpa, uint64_t entry, uint64_t flags)
{
	if ((entry & flags) == flags)
		return;
	walk->entry[walk->count].gpa = gpa;
	walk->entry[walk->count].seen = entry;
	walk->entry[walk->count++].marked = entry | flags;
}

enum page_walk_result page_walk(const struct guest_ram *ram, const struct paging_state *state,
				uint64_t linear, bool write, struct page_walk *walk)
{
	enum paging_mode mode = mode_of(state);
	unsigned int index_bits = mode == PAGING_32BIT ? 10 : 9;
	unsigned int level = mode == PAGING_32BIT ? 1 : mode == PAGING_PAE ? 2 : 3;
	uint64_t table = state->cr3 & PTE_ADDRESS, rights = PTE_WRITE | PTE_USER;

	*walk = (struct page_walk){
		.entry_size = mode == PAGING_32BIT ? 4 : 8,
		.error_code = (write ? FAULT_WRITE : 0) | (state->cpl == 3 ? FAULT_USER : 0),
	};
	for (;; level--) {
		uint64_t page_size = BIT(12 + index_bits * level), entry = state->pdpte;
		uint64_t index = linear / page_size & (BIT(index_bits) - 1);
		bool in_register = mode == PAGING_PAE && level == 2, large, leaf;

		walk->gpa = table + index * walk->entry_size;
		if (!in_register && !read_entry(ram, walk->gpa, walk->entry_size, &entry))
			return PAGE_WALK_NO_TABLE;
		if (!(entry & PTE_PRESENT))
			return PAGE_WALK_FAULT;
		large = is_large(state, mode, level, entry);
		leaf = large || level == 0;
		if (entry & reserved_bits(state, mode, level, page_size, large)) {
			walk->error_code |= FAULT_PRESENT | FAULT_RESERVED;
			return PAGE_WALK_FAULT;
		}
		if (!in_register) { /* a PDPTE has neither permissions nor flags */
			walk->path[walk->levels].gpa = walk->gpa;
			walk->path[walk->levels++].value = entry;
			rights &= entry;
			want_marked(walk, walk->gpa, entry,
				    PTE_ACCESSED | (leaf && write ? PTE_DIRTY : 0));
		}
		table = frame_of(mode, entry, leaf ? page_size : BIT(12), large);
		if (!leaf)
			continue;
		if (!key_permits(state, entry, rights, write)) {
			walk->error_code |= FAULT_PRESENT | FAULT_KEY;
			return PAGE_WALK_FAULT;
		}
		if (!permitted(state, rights, write)) {
			walk->error_code |= FAULT_PRESENT;
			return PAGE_WALK_FAULT;
		}
		walk->gpa = table + (linear & (page_size - 1));
		return PAGE_WALK_DONE;
	}
}

static bool exchange(void *at, unsigned int size, uint64_t seen, uint64_t marked)
{
	uint32_t seen32 = seen;

	if (size == 8)
		return __atomic_compare_exchange_n((uint64_t *)at, &seen, marked, false,
						   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
	return __atomic_compare_exchange_n((uint32_t *)at, &seen32, (uint32_t)marked, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

bool page_walk_mark(const struct guest_ram *ram, const struct page_walk *walk)
{
	for (unsigned int i = 0; i < walk->count; i++)
		if (!exchange(guest_ram_at(ram, walk->entry[i].gpa, walk->entry_size),
			      walk->entry_size, walk->entry[i].seen, walk->entry[i].marked))
			return false;
	return true;
}
