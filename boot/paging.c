#include <stdbool.h>
#include <stddef.h>

#include "boot/apic.h"
#include "boot/fault.h"
#include "boot/layout.h"
#include "boot/memory.h"
#include "boot/paging.h"
#include "lib/x86.h"

#define PTE_PRESENT BIT(0)
#define PTE_WRITE   BIT(1)
#define PTE_PCD	    BIT(4)
#define PTE_LARGE   BIT(7)
#define PTE_NX	    BIT(63)
#define PTE_ADDRESS 0x000ffffffffff000ull

#define SIZE_4K BIT(12)
#define SIZE_2M BIT(21)
#define SIZE_1G BIT(30)

/* Before paging_init() the tables of boot/start.S are in force. */
static uint64_t limit = BIT(32);
static uint64_t *pml4;

static bool is_guard(uint64_t address)
{
	const char *const guards[] = {boot_stack_guard, nmi_stack_guard, double_fault_stack_guard,
				      machine_check_stack_guard, fault_stack_guard};

	for (unsigned int i = 0; i < sizeof(guards) / sizeof(guards[0]); i++)
		if (address == (uint64_t)guards[i])
			return true;
	return false;
}

static bool in_range(uint64_t address, const char *start, const char *end)
{
	return address >= (uint64_t)start && address < (uint64_t)end;
}

/* The entry of one 4-KiB page; 0: not mapped. */
static uint64_t small_page(uint64_t address)
{
	if (address == 0 || is_guard(address))
		return 0;
	if (in_range(address, text_start, text_end))
		return address | PTE_PRESENT;
	if (in_range(address, rodata_start, rodata_end))
		return address | PTE_PRESENT | PTE_NX;
	if (address == apic_mmio_base())
		return address | PTE_PRESENT | PTE_WRITE | PTE_NX | PTE_PCD;
	return address | PTE_PRESENT | PTE_WRITE | PTE_NX;
}

/* Whether a large page at an address would hide something that small_page() tells apart. */
static bool needs_small_pages(uint64_t address, uint64_t size)
{
	uint64_t end = address + size;
	uint64_t apic = apic_mmio_base();

	return address == 0 || (address < (uint64_t)image_end && end > (uint64_t)image_start) ||
	       (apic && apic >= address && apic < end);
}

static uint64_t *next_table(uint64_t *entry)
{
	if (!(*entry & PTE_PRESENT)) {
		void *page = memory_alloc_page();

		if (!page)
			panic("no memory for the hypervisor's page tables");
		*entry = (uint64_t)page | PTE_PRESENT | PTE_WRITE;
	}
	return (uint64_t *)(*entry & PTE_ADDRESS);
}

static void map_2m(uint64_t *pd, uint64_t address)
{
	uint64_t *entry = &pd[address / SIZE_2M % 512];

	if (!needs_small_pages(address, SIZE_2M)) {
		*entry = address | PTE_PRESENT | PTE_WRITE | PTE_LARGE | PTE_NX;
		return;
	}
	for (uint64_t page = address; page < address + SIZE_2M; page += SIZE_4K)
		next_table(entry)[page / SIZE_4K % 512] = small_page(page);
}

void paging_init(void)
{
	bool gigabyte_pages = cpuid(0x80000001).edx & BIT(26);
	uint64_t end = memory_top() > BIT(32) ? memory_top() : BIT(32);

	pml4 = memory_alloc_page();
	if (!pml4)
		panic("no memory for the hypervisor's page tables");
	for (uint64_t address = 0; address < end; address += SIZE_1G) {
		uint64_t *pdpt = next_table(&pml4[0]);
		uint64_t *entry = &pdpt[address / SIZE_1G];

		if (gigabyte_pages && !needs_small_pages(address, SIZE_1G)) {
			*entry = address | PTE_PRESENT | PTE_WRITE | PTE_LARGE | PTE_NX;
			continue;
		}
		for (uint64_t a = address; a < address + SIZE_1G; a += SIZE_2M)
			map_2m(next_table(entry), a);
	}
	paging_init_cpu();
	limit = end;
}

void paging_init_cpu(void)
{
	write_cr3((uint64_t)pml4);
}

uint64_t paging_limit(void)
{
	return limit;
}
