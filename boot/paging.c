#include <stddef.h>

#include "boot/apic.h"
#include "boot/bootinfo.h"
#include "boot/cpu.h"
#include "boot/layout.h"
#include "boot/memory.h"
#include "boot/mtrr.h"
#include "boot/page_tables.h"
#include "boot/paging.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "lib/x86.h"

#define PAGE_MASK ((uint64_t)PAGE_SIZE - 1)

#define VGA_TEXT_START 0xb8000
#define VGA_TEXT_END   0xc0000

/*
 * Which the flags below rely on: 0 is write-back, 3 (PCD, PWT) is uncached, as after a reset; 4
 * (PAT) is write-combining, which wins over the MTRRs' uncached (SDM Vol. 3A table 11-7).
 */
#define PAT 0x0007040100070406ull

#define FLAGS_TEXT     0
#define FLAGS_RODATA   PTE_NX
#define FLAGS_DATA     (PTE_WRITE | PTE_NX)
#define FLAGS_DEVICE   (PTE_WRITE | PTE_NX | PTE_PCD | PTE_PWT)
#define FLAGS_SCREEN   (PTE_WRITE | PTE_NX | PTE_PAT)
#define FLAGS_FIRMWARE PTE_NX

static struct mtrrs mtrrs; /* the first CPU's; SDM Vol. 3A 11.11.8: the same on every CPU */

static bool same_type(uint64_t address, uint64_t size)
{
	return mtrrs_same_type(&mtrrs, address, size);
}

static struct page_tables tables = {.new_page = memory_alloc_page, .same_type = same_type};

uint64_t paging_limit(void)
{
	return page_tables_limit(cpuid(0x80000000).eax, cpuid(0x80000008).eax);
}

static void map(uint64_t start, uint64_t end, uint64_t flags)
{
	if (page_tables_map(&tables, start, end, flags))
		panic("no memory for the hypervisor's page tables");
}

static void map_image(void)
{
	map((uint64_t)text_start, (uint64_t)text_end, FLAGS_TEXT);
	map((uint64_t)rodata_start, (uint64_t)rodata_end, FLAGS_RODATA);
	for (uint64_t page = (uint64_t)data_start; page < (uint64_t)data_end; page += PAGE_SIZE)
		if (!cpu_has_guard(page, page + PAGE_SIZE))
			map(page, page + PAGE_SIZE, FLAGS_DATA);
}

/* A wrong address must not let null pointers or a stack that overflows pass unseen. */
static bool has_page_that_stays_out(uint64_t address, uint64_t end)
{
	return address < PAGE_SIZE || cpu_has_guard(address, end);
}

static bool has_pat(void)
{
	return cpuid(1).edx & BIT(16);
}

static bool map_pages(uint64_t address, uint64_t size, uint64_t flags)
{
	uint64_t end;

	if (!size || __builtin_add_overflow(address, size, &end) || end > paging_limit() ||
	    has_page_that_stays_out(address, end))
		return false;
	return !page_tables_map(&tables, address & ~PAGE_MASK, (end + PAGE_MASK) & ~PAGE_MASK,
				flags);
}

volatile void *paging_map_device(uint64_t address, uint64_t size)
{
	return map_pages(address, size, FLAGS_DEVICE) ? (volatile void *)address : NULL;
}

bool paging_map_screen(uint64_t address, uint64_t size)
{
	uint64_t end = (address + size + PAGE_MASK) & ~PAGE_MASK;

	if (!has_pat())
		return map_pages(address, size, FLAGS_DEVICE);
	/* one by one: a large page has its bit for PAT elsewhere */
	for (uint64_t page = address & ~PAGE_MASK; page < end; page += PAGE_SIZE)
		if (!map_pages(page, PAGE_SIZE, FLAGS_SCREEN))
			return false;
	return true;
}

bool paging_map_firmware(uint64_t address, uint64_t size)
{
	return map_pages(address, size, FLAGS_FIRMWARE);
}

void paging_init(const struct boot_info *info)
{
	uint64_t apic = apic_mmio_base();

	mtrrs_read(&mtrrs);
	tables.gigabyte_pages = cpuid(0x80000001).edx & BIT(26);
	tables.pml4 = memory_alloc_page();
	if (!tables.pml4)
		panic("no memory for the hypervisor's page tables");
	map_image();
	/* devices before memory, so that no map that is wrong makes them cached */
	if (apic)
		map(apic, apic + PAGE_SIZE, FLAGS_DEVICE);
	if (info->ega_text)
		map(VGA_TEXT_START, VGA_TEXT_END, FLAGS_DEVICE);
	/* before a search for firmware's tables maps it read-only */
	if (memory_real_mode_page() && !paging_map_device(memory_real_mode_page(), PAGE_SIZE))
		panic("no memory for the hypervisor's page tables");
	for (uint32_t i = 0; i < info->module_count; i++)
		if (!map_pages(info->module[i].start, info->module[i].end - info->module[i].start,
			       FLAGS_DATA))
			panic("no memory for the hypervisor's page tables");
	for (uint32_t i = 0; i < info->kept_count; i++)
		if (!map_pages(info->kept[i].start, info->kept[i].end - info->kept[i].start,
			       FLAGS_DATA))
			panic("no memory for the hypervisor's page tables");
	for (uint32_t i = 0; i < info->map.count; i++) {
		const struct memory_range *range = &info->map.range[i];

		if (range->type == MEMORY_USABLE)
			map(range->start, range->end, FLAGS_DATA);
	}
	paging_init_cpu();
	memory_set_limit(paging_limit());
}

bool paging_same_types(void)
{
	struct mtrrs own;

	memset(&own, 0, sizeof(own));
	mtrrs_read(&own);
	return !memcmp(&own, &mtrrs, sizeof(own));
}

/* SDM Vol. 3A 11.12.4: caches and TLBs are flushed around such a change. */
static void set_pat(void)
{
	if (!has_pat() || rdmsr(MSR_IA32_PAT) == PAT)
		return;
	wbinvd();
	wrmsr(MSR_IA32_PAT, PAT);
	wbinvd();
}

static void unmap(uint64_t page)
{
	if (page_tables_unmap(&tables, page))
		panic("no memory for the hypervisor's page tables");
}

void paging_guard(const struct cpu_stacks *stacks)
{
	cpu_for_each_guard(stacks, unmap);
	write_cr3((uint64_t)tables.pml4);
}

void paging_init_cpu(void)
{
	set_pat();
	write_cr3((uint64_t)tables.pml4);
}
