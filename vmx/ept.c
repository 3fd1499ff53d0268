#include <stdbool.h>
#include <stddef.h>

#include "boot/layout.h"
#include "boot/memory.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/x86.h"
#include "vmx/capabilities.h"
#include "vmx/ept.h"
#include "vmx/vmcs_bits.h"
#include "vmx/vmx.h"

#define EPT_READ	BIT(0)
#define EPT_WRITE	BIT(1)
#define EPT_EXECUTE	BIT(2)
#define EPT_ALL		(EPT_READ | EPT_WRITE | EPT_EXECUTE)
#define EPT_WRITE_BACK	(6ull << 3)
#define EPT_IGNORE_PAT	BIT(6)
#define EPT_LARGE	BIT(7)
#define EPT_ADDRESS	0x000ffffffffff000ull
#define EPTP_WRITE_BACK 6ull
#define EPTP_LEVELS_4	(3ull << 3)

/* Write-back whatever PAT and page tables a guest makes (SDM Vol. 3C 28.3.7.2). */
#define EPT_RAM (EPT_READ | EPT_WRITE | EPT_WRITE_BACK | EPT_IGNORE_PAT)

#define LEVELS	  4
#define ENTRIES	  512
#define GPA_LIMIT BIT(48)

/* Entries of a table in one step: some ten microseconds, as a new table takes. */
#define STEP_LEAVES 32 /* written */
#define STEP_LOOKS  64 /* looked at */

/* The bytes that one entry of a level covers: 4 KiB at level 0, 512 GiB at level 3. */
static uint64_t level_size(unsigned int level)
{
	return BIT(12 + 9 * level);
}

static bool level_may_be_leaf(unsigned int level)
{
	return level == 0 || level == 1 ||
	       (level == 2 && (vmx_capabilities()->ept_vpid & EPT_CAP_1G_PAGES));
}

/* A leaf of RAM. What is larger than 4 KiB is executable only where ept_split() need not be. */
static uint64_t leaf(uint64_t hpa, unsigned int level)
{
	if (!level)
		return hpa | EPT_RAM | EPT_EXECUTE;
	return hpa | EPT_RAM | EPT_LARGE | (vmx_capabilities()->ept_split ? 0 : EPT_EXECUTE);
}

static uint64_t *leaves(struct ept *ept, unsigned int level)
{
	return level == 2 ? &ept->pages_1g : level == 1 ? &ept->pages_2m : &ept->pages_4k;
}

/* The tables that it takes to split a leaf into 4-KiB pages wholly. They are kept, chained by their
 * first word: a guest's fetches never need memory that others have taken. */
static uint64_t tables_to_split(unsigned int level)
{
	if (!vmx_capabilities()->ept_split)
		return 0;
	return level == 2 ? 1 + ENTRIES : level;
}

static int reserve_table(struct ept *ept)
{
	uint64_t *table = memory_alloc_page();

	if (!table)
		return -ENOMEM;
	*table = (uint64_t)ept->spare;
	ept->spare = table;
	ept->owed--;
	return 0;
}

static uint64_t *take_table(struct ept *ept)
{
	uint64_t *table = ept->spare;

	assert(table);
	ept->spare = (uint64_t *)*table;
	return table;
}

int ept_create(struct ept *ept)
{
	*ept = (struct ept){.root = memory_alloc_page()};
	if (!ept->root)
		return -ENOMEM;
	ept->pointer = (uint64_t)ept->root | EPTP_WRITE_BACK | EPTP_LEVELS_4;
	return 0;
}

static uint64_t *entry_at(uint64_t *table, uint64_t gpa, unsigned int level)
{
	return &table[gpa / level_size(level) % ENTRIES];
}

int ept_reserve_device(struct ept *ept, uint64_t gpa)
{
	uint64_t *table = ept->root;

	for (unsigned int level = LEVELS - 1; level; level--) {
		void *page = memory_alloc_page();

		if (!page)
			return -ENOMEM;
		*entry_at(table, gpa, level) = (uint64_t)page | EPT_ALL;
		table = page;
	}
	ept->device = entry_at(table, gpa, 0);
	return 0;
}

void ept_set_device(struct ept *ept, uint32_t cpu, uint64_t hpa)
{
	uint64_t entry = hpa ? hpa | EPT_RAM : 0;

	if (*ept->device == entry)
		return;
	*ept->device = entry;
	ept->outdated = ~BIT(cpu);
	vmx_invalidate_ept(ept->pointer);
}

static bool names_table(uint64_t entry)
{
	return entry && !(entry & EPT_LARGE);
}

/* The largest page that the start of the range can be mapped by. */
static unsigned int leaf_level(const struct ept_range *range)
{
	unsigned int level = 2;

	while (level &&
	       (!level_may_be_leaf(level) || (range->gpa | range->hpa) & (level_size(level) - 1) ||
		range->size < level_size(level)))
		level--;
	return level;
}

/* As many leaves as there are, up to the table's end: beyond it a larger page may fit. */
static int map_leaves(struct ept *ept, uint64_t *table, unsigned int level, struct ept_range *left)
{
	uint64_t size = level_size(level);
	uint64_t first = left->gpa / size % ENTRIES;

	for (uint64_t i = first; i < ENTRIES && i - first < STEP_LEAVES && left->size >= size;
	     i++) {
		if (table[i])
			return -EEXIST;
		table[i] = leaf(left->hpa, level);
		*leaves(ept, level) += 1;
		ept->owed += tables_to_split(level);
		left->gpa += size;
		left->hpa += size;
		left->size -= size;
	}
	return 0;
}

/* Leaves at the start of the range, or the next of the tables above them that is missing. */
static int map(struct ept *ept, struct ept_range *left)
{
	unsigned int wanted = leaf_level(left);
	uint64_t *table = ept->root;

	for (unsigned int level = LEVELS - 1; level > wanted; level--) {
		uint64_t *entry = entry_at(table, left->gpa, level);

		if (*entry & EPT_LARGE)
			return -EEXIST;
		if (!*entry) {
			void *page = memory_alloc_page();

			if (!page)
				return -ENOMEM;
			*entry = (uint64_t)page | EPT_ALL;
			return 0;
		}
		table = (uint64_t *)(*entry & EPT_ADDRESS);
	}
	return map_leaves(ept, table, wanted, left);
}

int ept_map_step(struct ept *ept, struct ept_range *left)
{
	uint64_t end = left->gpa + left->size;
	int error = 0;

	if ((left->gpa | left->hpa | left->size) & (PAGE_SIZE - 1) || end < left->gpa ||
	    end > GPA_LIMIT)
		return -EINVAL;
	if (ept->owed)
		error = reserve_table(ept);
	else if (left->size)
		error = map(ept, left);
	return error ? error : left->size || ept->owed;
}

/* Puts a table of 512 leaves of the next lower level in a large leaf's place. */
static void split(struct ept *ept, uint64_t *entry, unsigned int level)
{
	uint64_t *table = take_table(ept);
	uint64_t hpa = *entry & EPT_ADDRESS;

	for (unsigned int i = 0; i < ENTRIES; i++)
		table[i] = leaf(hpa + i * level_size(level - 1), level - 1);
	__atomic_store_n(entry, (uint64_t)table | EPT_ALL, __ATOMIC_RELEASE); /* others walk it */
	*leaves(ept, level) -= 1;
	*leaves(ept, level - 1) += ENTRIES;
	ept->splits++;
}

void ept_refresh(struct ept *ept, uint32_t cpu)
{
	if (!(ept->outdated & BIT(cpu)))
		return;
	__atomic_fetch_and(&ept->outdated, ~BIT(cpu), __ATOMIC_SEQ_CST);
	vmx_invalidate_ept(ept->pointer);
}

void ept_forget(const struct ept *ept)
{
	if (ept->pointer)
		vmx_invalidate_ept(ept->pointer);
}

bool ept_split(struct ept *ept, uint32_t cpu, uint64_t gpa)
{
	uint64_t splits = ept->splits;
	uint64_t *table = ept->root;

	if (gpa >= GPA_LIMIT)
		return false;
	for (unsigned int level = LEVELS - 1; level; level--) {
		uint64_t *entry = entry_at(table, gpa, level);

		if ((*entry & EPT_LARGE) && !(*entry & EPT_EXECUTE))
			split(ept, entry, level);
		if (!names_table(*entry))
			break;
		table = (uint64_t *)(*entry & EPT_ADDRESS);
	}
	if (ept->splits == splits)
		return false;
	ept->outdated = ~BIT(cpu);
	vmx_invalidate_ept(ept->pointer);
	return true;
}

bool ept_executes(const struct ept *ept, uint64_t gpa)
{
	uint64_t *table = ept->root;

	if (gpa >= GPA_LIMIT)
		return false;
	for (unsigned int level = LEVELS - 1;; level--) {
		uint64_t entry = *entry_at(table, gpa, level);

		if (!level || !names_table(entry))
			return entry & EPT_EXECUTE;
		table = (uint64_t *)(entry & EPT_ADDRESS);
	}
}

static void lend_entry(struct ept_loan *loan, uint64_t *entry, uint64_t value)
{
	loan->entry[loan->entries++] = entry;
	*entry = value;
}

bool ept_lend(struct ept *ept, struct ept_loan *loan, uint64_t gpa, uint64_t hpa)
{
	uint64_t *table = ept->root, *entry;
	unsigned int level;

	if (gpa >= GPA_LIMIT)
		return false;
	for (level = LEVELS - 1; level; level--) {
		entry = entry_at(table, gpa, level);
		if (!names_table(*entry))
			break;
		table = (uint64_t *)(*entry & EPT_ADDRESS);
	}
	entry = entry_at(table, gpa, level);
	if (*entry || loan->tables + level > EPT_LOAN_TABLES ||
	    loan->entries + level + 1 > EPT_LOAN_ENTRIES)
		return false;
	for (; level; level--) {
		table = loan->table[loan->tables++];
		lend_entry(loan, entry, (uint64_t)table | EPT_ALL);
		entry = entry_at(table, gpa, level - 1);
	}
	lend_entry(loan, entry, hpa | EPT_RAM);
	return true;
}

void ept_take_back(struct ept *ept, struct ept_loan *loan, uint32_t cpu)
{
	if (!loan->entries)
		return;
	while (loan->entries)
		*loan->entry[--loan->entries] = 0;
	loan->tables = 0;
	ept->outdated = ~BIT(cpu);
	vmx_invalidate_ept(ept->pointer);
}

/*
 * The lowest table on the way to `given_up` is looked through from there on: what hangs below its
 * entries goes first, and at its end it goes itself.
 */
static void free_some(struct ept *ept)
{
	uint64_t *table = ept->root, *parent = NULL;
	unsigned int level = LEVELS - 1;

	for (unsigned int looks = 0; looks < STEP_LOOKS; looks++) {
		uint64_t *entry = entry_at(table, ept->given_up, level);

		while (level && names_table(*entry)) {
			parent = entry;
			table = (uint64_t *)(*entry & EPT_ADDRESS);
			entry = entry_at(table, ept->given_up, --level);
		}
		if (!level || entry == &table[ENTRIES - 1]) {
			memory_free_page(table);
			if (parent)
				*parent = 0;
			else
				ept->root = NULL;
			return;
		}
		ept->given_up = (ept->given_up & ~(level_size(level) - 1)) + level_size(level);
	}
}

bool ept_destroy_step(struct ept *ept)
{
	ept->pointer = 0;
	if (ept->root)
		free_some(ept);
	else if (ept->spare)
		memory_free_page(take_table(ept));
	return ept->root || ept->spare;
}
