/*
 * Pages that are counted, and a walk as the CPU does it, for the tests of vmx/ept.c.
 */
#pragma once

#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

#include "boot/memory.h"
#include "vmx/capabilities.h"
#include "vmx/ept.h"
#include "vmx/vmcs_bits.h"
#include "vmx/vmx.h"

#define KIB (1ull << 10)
#define MIB (1ull << 20)
#define GIB (1ull << 30)

static struct vmx_capabilities capabilities;
static int pages, pages_left;
static int pages_in_step; /* taken or given back */
static uint64_t invalidated;
static unsigned int invalidations;

const struct vmx_capabilities *vmx_capabilities(void)
{
	return &capabilities;
}

void *memory_alloc_page(void)
{
	if (!pages_left)
		return NULL;
	pages_left--;
	pages++;
	pages_in_step++;
	return memset(aligned_alloc(4096, 4096), 0, 4096);
}

void memory_free_page(void *page)
{
	pages--;
	pages_in_step++;
	free(page);
}

void vmx_invalidate_ept(uint64_t ept_pointer)
{
	invalidated = ept_pointer;
	invalidations++;
}

static inline uint64_t mapped(const struct ept *ept)
{
	return ept->pages_4k + ept->pages_2m + ept->pages_1g;
}

/* All of a range in steps, none of which is long. */
static inline int map(struct ept *ept, uint64_t gpa, uint64_t hpa, uint64_t size)
{
	struct ept_range left = {gpa, hpa, size};
	int more;

	do {
		uint64_t before = mapped(ept);

		pages_in_step = 0;
		more = ept_map_step(ept, &left);
		assert_true(pages_in_step <= 1);
		assert_true(mapped(ept) - before <= (pages_in_step ? 0 : 32));
		assert_int_equal(left.gpa - left.hpa, gpa - hpa);
		assert_int_equal(left.gpa + left.size, gpa + size);
	} while (more > 0);
	if (!more)
		assert_int_equal(left.size, 0);
	return more;
}

/* Returns the steps. */
static inline unsigned destroy(struct ept *ept)
{
	unsigned steps = 1;

	do
		pages_in_step = 0;
	while (ept_destroy_step(ept) && pages_in_step <= 1 && ++steps);
	assert_true(pages_in_step <= 1);
	assert_null(ept->root);
	assert_null(ept->spare);
	return steps;
}

static inline int setup(void **state)
{
	(void)state;
	capabilities.ept_vpid = EPT_CAP_2M_PAGES | EPT_CAP_1G_PAGES;
	capabilities.ept_split = false;
	pages = 0;
	pages_left = 100;
	invalidated = 0;
	invalidations = 0;
	return 0;
}

/* What a walk as the CPU does it finds: rights 0 is an EPT violation. */
struct walk {
	uint64_t hpa, size;
	unsigned int rights; /* all levels together: 1 read, 2 write, 4 execute */
};

static inline struct walk walk(const struct ept *ept, uint64_t gpa)
{
	const uint64_t *table = ept->root;
	unsigned int rights = 7;

	for (int level = 3;; level--) {
		uint64_t size = 1ull << (12 + 9 * level);
		uint64_t entry = table[gpa / size % 512];

		rights &= entry & 7;
		if (!rights)
			return (struct walk){UINT64_MAX, size, 0};
		if (level == 0 || (entry & 0x80)) {
			assert_int_equal(entry >> 3 & 7, 6); /* write-back, */
			assert_true(entry & 0x40);	     /* whatever PAT says */
			return (struct walk){(entry & 0x000ffffffffff000ull & ~(size - 1)) +
						     gpa % size,
					     size, rights};
		}
		assert_int_equal(rights, 7);
		assert_int_equal(entry & 0xf8, 0); /* reserved in an entry that names a table */
		table = (const uint64_t *)(uintptr_t)(entry & 0x000ffffffffff000ull);
	}
}
