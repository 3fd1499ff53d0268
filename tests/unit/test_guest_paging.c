/*
 * vmm/exit/guest_paging.c: page tables that another vCPU writes while they are walked. Walks are
 * played here, and only counted.
 */
#include "tests/unit/unit.h"

#include "lib/errno.h"
#include "lib/x86.h"
#include "vmm/cpuid.h"
#include "vmm/device/pages.h"
#include "vmm/exit/guest_paging.h"
#include "vmm/exit/instruction.h"
#include "vmm/exit/page_walk.h"
#include "vmm/vm.h"

#define TOO_MANY 1000 /* walks of one address */
#define GPA	 0x1000

static struct vm vm;
static struct vcpu vcpu = {.vm = &vm};
static uint8_t ram[0x2000];
static unsigned int walks, lost; /* so many marks come too late */

uint64_t vmcs_read(enum vmcs_field field)
{
	return field == VMCS_GUEST_CR0 ? CR0_PE | CR0_PG : 0;
}

void vmcs_write(enum vmcs_field field, uint64_t value)
{
	(void)field;
	(void)value;
}

unsigned int guest_physical_bits(void)
{
	return 39;
}

bool guest_has_1g_pages(void)
{
	return false;
}

uint32_t vcpu_read_pkru(const struct vcpu *v)
{
	(void)v;
	return 0;
}

void vcpu_raise(struct vcpu *v, uint8_t vector, int error_code)
{
	(void)v;
	(void)error_code;
	fail_msg("vector %u was raised", vector);
}

void fake_write_cr2(uint64_t value)
{
	(void)value;
	fail();
}

bool pages_read(struct vcpu *v, uint64_t gpa, unsigned int size, uint64_t *value)
{
	(void)v;
	(void)gpa;
	(void)size;
	(void)value;
	fail();
	return false;
}

bool pages_write(struct vcpu *v, uint64_t gpa, unsigned int size, uint64_t value)
{
	return pages_read(v, gpa, size, &value);
}

uint64_t pdpte_reserved_bits(unsigned int physical_bits)
{
	return physical_bits;
}

enum page_walk_result page_walk(const struct guest_ram *of, const struct paging_state *state,
				uint64_t linear, bool write, struct page_walk *walk)
{
	(void)of;
	(void)state;
	(void)write;
	walk->gpa = GPA + linear % 0x1000;
	assert_true(++walks < TOO_MANY);
	return PAGE_WALK_DONE;
}

bool page_walk_mark(const struct guest_ram *of, const struct page_walk *walk)
{
	(void)of;
	(void)walk;
	if (!lost)
		return true;
	lost--;
	return false;
}

static int begin(void **state)
{
	(void)state;
	vm.ram.count = 1;
	vm.ram.extent[0] = (struct guest_extent){0, sizeof(ram), ram};
	walks = lost = 0;
	ram[GPA] = 7;
	return 0;
}

static void an_entry_that_has_changed_is_read_again(void **state)
{
	uint8_t byte = 0;

	(void)state;
	lost = 3;
	assert_int_equal(guest_access(&vcpu, 0, &byte, 1, false), 0);
	assert_int_equal(byte, 7);
	assert_int_equal(walks, 4);
}

static void who_changes_it_always_has_the_instruction_run_again(void **state)
{
	uint8_t byte = 0;

	(void)state;
	lost = UINT32_MAX;
	assert_int_equal(guest_access(&vcpu, 0, &byte, 1, true), -EFAULT);
	assert_int_equal(guest_check_access(&vcpu, 0, 1, true), -EFAULT);
	assert_int_equal(guest_system_change(&vcpu, 0, 8, 0), -EFAULT);
	assert_int_equal(ram[GPA], 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_entry_that_has_changed_is_read_again, begin),
		cmocka_unit_test_setup(who_changes_it_always_has_the_instruction_run_again, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
