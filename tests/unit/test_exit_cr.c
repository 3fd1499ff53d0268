/*
 * vmm/exit/cr.c: MOV to CR3. It exits only on a CPU that cannot do without (SDM Vol. 3D A.3.2),
 * which no machine of the system tests is.
 */
#include "tests/unit/unit.h"

#include "lib/errno.h"
#include "lib/x86.h"
#include "vmm/cpuid.h"
#include "vmm/exit/cr.h"
#include "vmm/exit/guest_paging.h"
#include "vmm/exit/instruction.h"
#include "vmm/interrupts.h"
#include "vmm/vcpu.h"
#include "vmx/breakpoints.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"
#include "vmx/vmx.h"

#define FIELDS	      0x8000
#define PHYSICAL_BITS 39
#define MOV_RAX_CR3   3 /* exit qualification */
#define MOV_LENGTH    3
#define BEFORE	      0x1000 /* CR3 */
#define START	      0x100000
#define NO_FLUSH      BIT(63)

struct fpu_features fpu_features_found;

static uint64_t fields[FIELDS];
static struct vcpu vcpu;
static unsigned int faults, loads, invalidations;
static int load_result;

uint64_t vmcs_read(enum vmcs_field field)
{
	return fields[field];
}

void vmcs_write(enum vmcs_field field, uint64_t value)
{
	fields[field] = value;
}

void vcpu_skip_instruction(struct vcpu *v)
{
	(void)v;
	fields[VMCS_GUEST_RIP] += fields[VMCS_EXIT_INSTRUCTION_LENGTH];
}

void vcpu_raise(struct vcpu *v, uint8_t vector, int error_code)
{
	(void)v;
	assert_int_equal(vector, VECTOR_GP);
	assert_int_equal(error_code, 0);
	faults++;
}

int guest_load_pdptes(struct vcpu *v, uint64_t cr3)
{
	(void)v;
	(void)cr3;
	loads++;
	return load_result;
}

void vmx_invalidate_vpid(uint16_t vpid)
{
	(void)vpid;
	invalidations++;
}

unsigned int guest_physical_bits(void)
{
	return PHYSICAL_BITS;
}

/* What MOV to CR3 has nothing to do with. */
#define UNUSED(type, name, ...)                                                                    \
	type name(__VA_ARGS__)                                                                     \
	{                                                                                          \
		fail();                                                                            \
		__builtin_unreachable();                                                           \
	}
#pragma GCC diagnostic ignored "-Wunused-parameter"
UNUSED(uint64_t, guest_cr4_allowed, void)
UNUSED(unsigned int, guest_cr0_write, struct guest_cr0 *cr0, uint64_t value, enum fpu_state state)
UNUSED(void, fpu_guest_ts_changed, struct fpu_cpu *cpu, struct fpu_context *context, bool ts)
UNUSED(void, fpu_set_xcr0, struct fpu_cpu *cpu, struct fpu_context *context, uint64_t value)
UNUSED(uint64_t, breakpoints_on_memory, uint64_t linear, unsigned int size, bool write)
UNUSED(void, event_pend_debug_trap, struct vmx_events *events, uint64_t causes)
UNUSED(void, event_execute_again, void)
UNUSED(void, vcpu_use_pkru, struct vcpu *v)
UNUSED(void, vcpu_use_de, struct vcpu *v)
UNUSED(void, vcpu_request, struct vcpu *v, uint32_t what)
UNUSED(void, lapic_set_tpr, struct lapic *lapic, uint8_t tpr)
UNUSED(void, apicv_take, struct vcpu *v)
UNUSED(void, interrupts_changed, struct vcpu *v)

static void use(bool long_mode, uint64_t cr0, uint64_t cr4)
{
	vcpu.long_mode = long_mode;
	fields[VMCS_GUEST_CS_ACCESS_RIGHTS] = long_mode ? ACCESS_RIGHTS_L : 0;
	vcpu.efer = long_mode ? EFER_LME | EFER_LMA : 0;
	fields[VMCS_GUEST_CR0] = cr0;
	fields[VMCS_GUEST_CR4] = cr4;
}

static int setup(void **state)
{
	(void)state;
	memset(fields, 0, sizeof(fields));
	fields[VMCS_EXIT_QUALIFICATION] = MOV_RAX_CR3;
	fields[VMCS_EXIT_INSTRUCTION_LENGTH] = MOV_LENGTH;
	faults = loads = invalidations = 0;
	load_result = 0;
	use(true, CR0_PE | CR0_PG, CR4_PAE);
	return 0;
}

static void move(uint64_t value)
{
	fields[VMCS_GUEST_CR3] = BEFORE;
	fields[VMCS_GUEST_RIP] = START;
	vcpu.guest.registers.rax = value;
	faults = loads = invalidations = 0;
	exit_cr_access(&vcpu);
}

static void expect_loaded(uint64_t value)
{
	assert_int_equal(fields[VMCS_GUEST_CR3], value);
	assert_int_equal(fields[VMCS_GUEST_RIP], START + MOV_LENGTH);
	assert_int_equal(faults, 0);
	assert_int_equal(invalidations, 1);
}

static void expect_fault(void)
{
	assert_int_equal(fields[VMCS_GUEST_CR3], BEFORE);
	assert_int_equal(fields[VMCS_GUEST_RIP], START);
	assert_int_equal(faults, 1);
}

static void cr3_beyond_the_physical_width_is_reserved_in_long_mode(void **state)
{
	(void)state;
	for (unsigned int bit = 12; bit < 63; bit++) {
		move(BIT(bit));
		if (bit < PHYSICAL_BITS)
			expect_loaded(BIT(bit));
		else
			expect_fault();
	}
	/* there is no upper half to be loaded from outside 64-bit mode */
	use(false, CR0_PE, 0);
	move(BIT(PHYSICAL_BITS) | 0x2000);
	expect_loaded(0x2000);
}

static void cr3_bit_63_takes_pcide_and_is_not_kept(void **state)
{
	(void)state;
	move(NO_FLUSH | 0x2000);
	expect_fault();
	use(true, CR0_PE | CR0_PG, CR4_PAE | CR4_PCIDE);
	move(NO_FLUSH | 0x2000);
	expect_loaded(0x2000);
}

static void cr3_loads_the_pdptes_under_pae_paging_alone(void **state)
{
	(void)state;
	move(0x2000);
	assert_int_equal(loads, 0);
	use(false, CR0_PE | CR0_PG, 0);
	move(0x2000);
	assert_int_equal(loads, 0);
	use(false, CR0_PE, CR4_PAE);
	move(0x2000);
	assert_int_equal(loads, 0);
	use(false, CR0_PE | CR0_PG, CR4_PAE);
	move(0x2000);
	assert_int_equal(loads, 1);
	expect_loaded(0x2000);
	load_result = -EINVAL;
	move(0x2000);
	expect_fault();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(name, setup)
		TEST(cr3_beyond_the_physical_width_is_reserved_in_long_mode),
		TEST(cr3_bit_63_takes_pcide_and_is_not_kept),
		TEST(cr3_loads_the_pdptes_under_pae_paging_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
