#include <stdbool.h>
#include <stddef.h>

#include "boot/layout.h"
#include "boot/memory.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/x86.h"
#include "vmx/bits.h"
#include "vmx/capabilities.h"
#include "vmx/ept.h"
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

/* The tables that it takes to split a leaf into 4-KiB pages wholly are kept, chained by their first
 * word: a guest's fetches never need memory that others have taken. */
static int reserve_tables(struct ept *ept, unsigned int level)
{
	unsigned int count = level == 2 ? 1 + ENTRIES : level;

	for (; count && vmx_capabilities()->ept_split; count--) {
		uint64_t *table = memory_alloc_page();

		if (!table)
			return -ENOMEM;
		*table = (uint64_t)ept->spare;
		ept->spare = table;
	}
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

static int map_one(struct ept *ept, uint64_t gpa, uint64_t hpa, unsigned int leaf_level)
{
	uint64_t *table = ept->root;
	uint64_t *entry;

	for (unsigned int level = LEVELS - 1;; level--) {
		entry = &table[gpa / level_size(level) % ENTRIES];
		if (level == leaf_level)
			break;
		if (*entry & EPT_LARGE)
			return -EEXIST;
		if (!*entry) {
			void *page = memory_alloc_page();

			if (!page)
				return -ENOMEM;
			*entry = (uint64_t)page | EPT_ALL;
		}
		table = (uint64_t *)(*entry & EPT_ADDRESS);
	}
	if (*entry)
		return -EEXIST;
	*entry = leaf(hpa, leaf_level);
	*leaves(ept, leaf_level) += 1;
	return reserve_tables(ept, leaf_level);
}

int ept_map(struct ept *ept, uint64_t gpa, uint64_t hpa, uint64_t size)
{
	uint64_t end = gpa + size;

	if ((gpa | hpa | size) & (PAGE_SIZE - 1) || end < gpa || end > GPA_LIMIT)
		return -EINVAL;
	while (gpa < end) {
		unsigned int level = 2;
		int error;

		while (level &&
		       (!level_may_be_leaf(level) || ((gpa | hpa) & (level_size(level) - 1)) ||
			end - gpa < level_size(level)))
			level--;
		error = map_one(ept, gpa, hpa, level);
		if (error)
			return error;
		gpa += level_size(level);
		hpa += level_size(level);
	}
	return 0;
}

/* Puts a table of 512 leaves of the next lower level in a large leaf's place. */
static void split(struct ept *ept, uint64_t *entry, unsigned int level)
{
	uint64_t *table = take_table(ept);
	uint64_t hpa = *entry & EPT_ADDRESS;

	for (unsigned int i = 0; i < ENTRIES; i++)
		table[i] = leaf(hpa + i * level_size(level - 1), level - 1);
	*entry = (uint64_t)table | EPT_ALL;
	*leaves(ept, level) -= 1;
	*leaves(ept, level - 1) += ENTRIES;
	ept->splits++;
}

bool ept_split(struct ept *ept, uint64_t gpa)
{
	uint64_t splits = ept->splits;
	uint64_t *table = ept->root;

	if (gpa >= GPA_LIMIT)
		return false;
	for (unsigned int level = LEVELS - 1; level; level--) {
		uint64_t *entry = &table[gpa / level_size(level) % ENTRIES];

		if ((*entry & EPT_LARGE) && !(*entry & EPT_EXECUTE))
			split(ept, entry, level);
		if (!*entry || (*entry & EPT_LARGE))
			break;
		table = (uint64_t *)(*entry & EPT_ADDRESS);
	}
	if (ept->splits == splits)
		return false;
	vmx_invalidate_ept(ept->pointer);
	return true;
}

static void free_table(uint64_t *table, unsigned int level)
{
	for (unsigned int i = 0; level && i < ENTRIES; i++)
		if (table[i] && !(table[i] & EPT_LARGE))
			free_table((uint64_t *)(table[i] & EPT_ADDRESS), level - 1);
	memory_free_page(table);
}

void ept_destroy(struct ept *ept)
{
	if (!ept->root)
		return;
	vmx_invalidate_ept(ept->pointer);
	free_table(ept->root, LEVELS - 1);
	ept->root = NULL;
	while (ept->spare)
		memory_free_page(take_table(ept));
}
