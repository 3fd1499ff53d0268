#include "boot/page_tables.h"

#include "lib/errno.h"

#define LEVEL_PT   1
#define LEVEL_PDPT 3
#define LEVEL_PML4 4

#define PAGE_MASK 0xfffull

#define SIZES_LEAF	  0x80000008
#define BITS_WITHOUT_LEAF 36

static uint64_t entry_size(int level)
{
	return 1ull << (12 + 9 * (level - 1));
}

static bool may_be_leaf(const struct page_tables *tables, int level, uint64_t address, uint64_t end)
{
	uint64_t size = entry_size(level);

	if (level == LEVEL_PT)
		return true;
	if (level == LEVEL_PML4 || (level == LEVEL_PDPT && !tables->gigabyte_pages))
		return false;
	return address % size == 0 && end - address >= size && tables->same_type(address, size);
}

/* Maps the page at an address by the largest entry; *size is its size. */
static int map_one(const struct page_tables *tables, uint64_t address, uint64_t end, uint64_t flags,
		   uint64_t *size)
{
	uint64_t *table = tables->pml4;

	for (int level = LEVEL_PML4;; level--) {
		uint64_t *entry = &table[address / entry_size(level) % 512];

		*size = entry_size(level) - address % entry_size(level);
		if (!(*entry & PTE_PRESENT)) {
			void *page;

			if (may_be_leaf(tables, level, address, end)) {
				*entry = address | PTE_PRESENT | flags |
					 (level > LEVEL_PT ? PTE_LARGE : 0);
				return 0;
			}
			page = tables->new_page();
			if (!page)
				return -ENOMEM;
			*entry = (uint64_t)page | PTE_PRESENT | PTE_WRITE;
		} else if (level == LEVEL_PT || *entry & PTE_LARGE) {
			return 0;
		}
		table = (uint64_t *)(*entry & PTE_ADDRESS);
	}
}

uint64_t page_tables_limit(uint32_t max_leaf, uint32_t sizes)
{
	unsigned int bits = max_leaf >= SIZES_LEAF ? sizes & 0xff : BITS_WITHOUT_LEAF;

	return bits < LIMIT_BITS ? 1ull << bits : PAGE_TABLES_LIMIT;
}

int page_tables_map(const struct page_tables *tables, uint64_t start, uint64_t end, uint64_t flags)
{
	if (start > end || end > PAGE_TABLES_LIMIT || (start | end) & PAGE_MASK)
		return -EINVAL;
	while (start < end) {
		uint64_t size;
		int error = map_one(tables, start, end, flags, &size);

		if (error)
			return error;
		start += size;
	}
	return 0;
}

/* Puts a table of 512 entries of the next lower level in a large one's place. */
static int split(const struct page_tables *tables, uint64_t *entry, int level)
{
	uint64_t *table = tables->new_page();
	uint64_t flags = *entry & ~PTE_ADDRESS & ~(level - 1 == LEVEL_PT ? PTE_LARGE : 0);

	if (!table)
		return -ENOMEM;
	for (uint64_t i = 0; i < 512; i++)
		table[i] = ((*entry & PTE_ADDRESS) + i * entry_size(level - 1)) | flags;
	*entry = (uint64_t)table | PTE_PRESENT | PTE_WRITE;
	return 0;
}

int page_tables_unmap(const struct page_tables *tables, uint64_t address)
{
	uint64_t *table = tables->pml4;

	for (int level = LEVEL_PML4;; level--) {
		uint64_t *entry = &table[address / entry_size(level) % 512];

		if (!(*entry & PTE_PRESENT))
			return 0;
		if (level == LEVEL_PT) {
			*entry = 0;
			return 0;
		}
		if ((*entry & PTE_LARGE) && split(tables, entry, level))
			return -ENOMEM;
		table = (uint64_t *)(*entry & PTE_ADDRESS);
	}
}
