/* A guest with a page of code and tables of its own, for the test of vmm/exit/fetch.c. */
#pragma once

#include "tests/unit/unit.h"

#include "vmm/cpuid.h"
#include "vmm/device/pages.h"
#include "vmm/exit/fetch.h"
#include "vmm/exit/guest_paging.h"
#include "vmm/exit/mmio_decode.h"
#include "vmm/exit/page_walk.h"
#include "vmm/vm.h"

#define FIELDS	  0x8000
#define RAM_SIZE  0x20000u
#define PAGE	  0x1000u
#define TABLE(n)  ((n + 1) * PAGE) /* level n; 3 is the root */
#define OTHER	  0x8000u	   /* a root with the same entries */
#define CODE	  0xa000u
#define ELSEWHERE 0xc000u
#define LINEAR	  0x7f8040201123ull /* an entry of its own number in each table */
#define PRESENT	  0x27		    /* accessed, writable, for all */
#define CS_64	  0xa09b
#define CS_32	  0xc09b

static uint64_t fields[FIELDS];
static struct vm vm;
static struct vcpu vcpu;
static uint8_t *ram;
static struct kept_instruction *kept;

uint64_t vmcs_read(enum vmcs_field field)
{
	return fields[field];
}

void vmcs_write(enum vmcs_field field, uint64_t value)
{
	fields[field] = value;
}

unsigned int guest_physical_bits(void)
{
	return 39;
}

bool guest_has_1g_pages(void)
{
	return true;
}

uint32_t vcpu_read_pkru(const struct vcpu *v)
{
	(void)v;
	return 0;
}

static unsigned int faults;

void vcpu_raise(struct vcpu *v, uint8_t vector, int error_code)
{
	(void)v;
	(void)error_code;
	assert_int_equal(vector, VECTOR_PF);
	faults++;
}

void fake_write_cr2(uint64_t value)
{
	(void)value;
}

/* Where no RAM is there are all ones. */
bool pages_read(struct vcpu *v, uint64_t gpa, unsigned int size, uint64_t *value)
{
	(void)v;
	(void)gpa;
	*value = size == 8 ? UINT64_MAX : BIT(8 * size) - 1;
	return true;
}

bool pages_write(struct vcpu *v, uint64_t gpa, unsigned int size, uint64_t value)
{
	(void)v;
	(void)gpa;
	(void)size;
	(void)value;
	return true;
}

static uint64_t *entry_of(unsigned int level)
{
	return (uint64_t *)(ram + TABLE(level)) + (LINEAR >> (12 + 9 * level) & 511);
}

static void map(void)
{
	for (unsigned int level = 3; level; level--)
		*entry_of(level) = TABLE(level - 1) | PRESENT;
	*entry_of(0) = CODE | PRESENT;
	memcpy(ram + OTHER, ram + TABLE(3), PAGE);
}

static void put_code(uint64_t linear, const void *bytes, size_t length)
{
	memcpy(ram + CODE + linear % PAGE, bytes, length);
}

/* MOV [RAX], ECX, and others: MOV EDX, [RBX]; MOV DWORD [RAX], 5 */
static const uint8_t store[] = {0x89, 0x08};
static const uint8_t load[] = {0x8b, 0x13};
static const uint8_t store_immediate[] = {0xc7, 0x00, 5, 0, 0, 0};

static void use_64(void)
{
	vcpu.long_mode = true;
	fields[VMCS_GUEST_CR0] = CR0_PE | CR0_PG;
	fields[VMCS_GUEST_CR3] = TABLE(3);
	fields[VMCS_GUEST_CR4] = CR4_PAE;
	vcpu.efer = EFER_LME | EFER_LMA | EFER_NXE;
	fields[VMCS_GUEST_CS_ACCESS_RIGHTS] = CS_64;
	fields[VMCS_GUEST_RIP] = LINEAR;
}

static int start(void **state)
{
	(void)state;
	memset(fields, 0, sizeof(fields));
	memset(&vcpu, 0, sizeof(vcpu));
	ram = aligned_alloc(PAGE, RAM_SIZE);
	memset(ram, 0, RAM_SIZE);
	kept = aligned_alloc(256, KEPT_INSTRUCTIONS * sizeof(*kept));
	memset(kept, 0, KEPT_INSTRUCTIONS * sizeof(*kept));
	vcpu.vm = &vm;
	vcpu.kept = kept;
	vm.ram.count = 1;
	vm.ram.extent[0] = (struct guest_extent){0, RAM_SIZE, ram};
	faults = 0;
	map();
	put_code(LINEAR, store, sizeof(store));
	use_64();
	return 0;
}

static int end(void **state)
{
	(void)state;
	free(ram);
	free(kept);
	return 0;
}

static const struct kept_instruction *look(void)
{
	uint64_t cs = fields[VMCS_GUEST_CS_ACCESS_RIGHTS], rip = fields[VMCS_GUEST_RIP];

	return vcpu.long_mode && (cs & ACCESS_RIGHTS_L) ? fetch_kept_64(&vcpu, rip, cs)
							: fetch_kept_32(&vcpu, rip, cs);
}

static struct mmio_instruction fetched;

static int fetch_it(void)
{
	uint8_t bytes[MMIO_INSTRUCTION_MAX];
	unsigned int count;

	memset(&fetched, 0, sizeof(fetched));
	return fetch(&vcpu, &fetched, bytes, &count);
}

static void fetch_and_keep(void)
{
	assert_int_equal(fetch_it(), 0);
	assert_non_null(look());
}
