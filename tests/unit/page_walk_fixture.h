/* A guest's memory with a path of page tables through it, for the tests of vmm/exit/page_walk.c. */
#pragma once

#include "tests/unit/unit.h"

#include "lib/x86.h"
#include "vmm/exit/page_walk.h"
#include "vmm/guest_ram.h"

#define PAGES  8
#define TABLE3 0x1000u /* the level-4 table, and so on down to the page */
#define TABLE2 0x2000u
#define TABLE1 0x3000u
#define TABLE0 0x4000u
#define FRAME  0x5000u
#define ALL    7u
#define LARGE  0x80u

#define P    1u
#define W    2u
#define U    4u
#define RSVD 8u
#define KEY  0x20u

static uint8_t *memory;
static struct guest_ram ram;
static struct paging_state state;
static struct page_walk walked __attribute__((unused));
static const uint32_t table_at[4] = {TABLE0, TABLE1, TABLE2, TABLE3};

static uint64_t *entry(unsigned int level)
{
	return (uint64_t *)(memory + table_at[level]);
}

/* A path through the first entry of each table, from the level down. */
static void build(unsigned int top)
{
	for (unsigned int level = top; level; level--)
		*entry(level) = table_at[level - 1] | ALL;
	*entry(0) = FRAME | ALL;
}

static int setup(void **unused)
{
	(void)unused;
	memory = memset(aligned_alloc(4096, PAGES * 4096), 0, PAGES * 4096);
	ram = (struct guest_ram){
		.count = 1,
		.size = PAGES * 4096,
		.extent = {{0, PAGES * 4096, memory}},
	};
	state = (struct paging_state){
		.cr0 = CR0_PE | CR0_PG | CR0_WP,
		.cr3 = TABLE3,
		.cr4 = CR4_PAE,
		.efer = EFER_LME | EFER_LMA,
		.physical_bits = 40,
	};
	build(3);
	return 0;
}

static int teardown(void **unused)
{
	(void)unused;
	free(memory);
	return 0;
}
