/* vmm/guest_speculation.c: which of the MSRs guests have, and what is in them. */
#include "tests/unit/unit.h"

#include "lib/signature.h"
#include "vmm/guest_speculation.h"
#include "vmm/vcpu.h"
#include "vmx/bitmaps.h"
#include "vmx/mitigate.h"
#include "vmx/vmcs.h"

#define SPECULATION_BITS 0xbc000400u /* of CPUID.07H:EDX */

static struct mitigations machine;
static struct speculating_cpu cpu;
static struct vcpu vcpu;
static uint64_t bitmap;

const struct mitigations *mitigations(void)
{
	return &machine;
}

const struct speculating_cpu *mitigations_cpu(void)
{
	return &cpu;
}

uint64_t mitigations_guest_arch_capabilities(void)
{
	return cpu.arch_capabilities & 3;
}

uint32_t mitigations_guest_leaf7_edx(void)
{
	return machine.guest_spec_ctrl ? SPECULATION_BITS : 0;
}

uint64_t msr_bitmap_address(enum msr_bitmap which, bool passes_spec_ctrl)
{
	return 0x1000 * (which + 1) + passes_spec_ctrl;
}

void vmcs_write(enum vmcs_field field, uint64_t value)
{
	assert_int_equal(field, VMCS_MSR_BITMAP);
	bitmap = value;
}

static int setup(void **state)
{
	(void)state;
	machine = (struct mitigations){.steps = STEP_SPEC_CTRL | STEP_IBRS_KEPT,
				       .spec_ctrl = SPEC_CTRL_IBRS | SPEC_CTRL_BHI_DIS_S,
				       .guest_spec_ctrl = SPEC_CTRL_IBRS | SPEC_CTRL_SSBD};
	cpu = (struct speculating_cpu){.leaf7_edx = UINT32_MAX, .arch_capabilities = UINT64_MAX};
	vcpu = (struct vcpu){};
	bitmap = 0;
	speculation_reset(&vcpu);
	return 0;
}

static uint64_t read_msr(uint32_t msr)
{
	uint64_t value = 0x5a5a;

	assert_int_equal(speculation_read_msr(&vcpu, msr, &value), 0);
	return value;
}

static void a_guest_that_has_written_nothing_runs_with_what_costs_nothing(void **state)
{
	(void)state;
	assert_int_equal(vcpu.guest.spec_ctrl, machine.spec_ctrl);
	assert_false(vcpu.guest.spec_ctrl_passed);
	assert_int_equal(read_msr(MSR_IA32_SPEC_CTRL), 0);
	machine.steps = STEP_SPEC_CTRL; /* IBRS of old: it would make the guest slow */
	speculation_reset(&vcpu);
	assert_int_equal(vcpu.guest.spec_ctrl, 0);
}

static void the_first_write_is_checked_and_the_rest_pass(void **state)
{
	(void)state;
	assert_int_equal(speculation_write_msr(&vcpu, MSR_IA32_SPEC_CTRL, SPEC_CTRL_STIBP),
			 -EINVAL);
	assert_int_equal(speculation_write_msr(&vcpu, MSR_IA32_SPEC_CTRL, 1ull << 32), -EINVAL);
	assert_false(vcpu.guest.spec_ctrl_passed);
	assert_int_equal(bitmap, 0);
	vcpu.apicv.bitmap = MSR_BITMAP_X2APIC;
	assert_int_equal(speculation_write_msr(&vcpu, MSR_IA32_SPEC_CTRL, SPEC_CTRL_SSBD), 0);
	assert_int_equal(vcpu.guest.spec_ctrl, SPEC_CTRL_SSBD);
	assert_true(vcpu.guest.spec_ctrl_passed);
	assert_int_equal(bitmap, msr_bitmap_address(MSR_BITMAP_X2APIC, true));
	assert_int_equal(read_msr(MSR_IA32_SPEC_CTRL), SPEC_CTRL_SSBD);
	speculation_reset(&vcpu);
	assert_false(vcpu.guest.spec_ctrl_passed);
	assert_int_equal(read_msr(MSR_IA32_SPEC_CTRL), 0);
}

static void what_is_not_switched_is_not_shown_nor_there(void **state)
{
	static const uint32_t msr[] = {MSR_IA32_SPEC_CTRL, MSR_IA32_PRED_CMD, MSR_IA32_FLUSH_CMD};
	uint64_t value;

	(void)state;
	machine = (struct mitigations){};
	for (size_t i = 0; i < ARRAY_SIZE(msr); i++)
		assert_int_equal(speculation_write_msr(&vcpu, msr[i], 0), -EINVAL);
	assert_int_equal(speculation_read_msr(&vcpu, MSR_IA32_SPEC_CTRL, &value), -EINVAL);
	assert_int_equal(speculation_read_msr(&vcpu, MSR_IA32_ARCH_CAPABILITIES, &value), -EINVAL);
}

static void promises_are_read_where_the_cpu_has_the_register(void **state)
{
	uint64_t value;

	(void)state;
	assert_int_equal(read_msr(MSR_IA32_ARCH_CAPABILITIES), 3);
	cpu.leaf7_edx &= ~LEAF7_EDX_ARCH_CAPABILITIES;
	assert_int_equal(speculation_read_msr(&vcpu, MSR_IA32_ARCH_CAPABILITIES, &value), -EINVAL);
}

static void a_command_has_no_reserved_bit_and_is_there_where_the_cpu_has_it(void **state)
{
	(void)state;
	for (unsigned int bit = 1; bit < 64; bit++) {
		assert_int_equal(speculation_write_msr(&vcpu, MSR_IA32_PRED_CMD, 1ull << bit),
				 -EINVAL);
		assert_int_equal(speculation_write_msr(&vcpu, MSR_IA32_FLUSH_CMD, 1ull << bit),
				 -EINVAL);
	}
	assert_int_equal(speculation_write_msr(&vcpu, MSR_IA32_PRED_CMD, 0), 0);
	assert_int_equal(speculation_write_msr(&vcpu, MSR_IA32_FLUSH_CMD, 0), 0);
	cpu.leaf7_edx &= ~LEAF7_EDX_L1D_FLUSH;
	assert_int_equal(speculation_write_msr(&vcpu, MSR_IA32_FLUSH_CMD, 0), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			a_guest_that_has_written_nothing_runs_with_what_costs_nothing, setup),
		cmocka_unit_test_setup(the_first_write_is_checked_and_the_rest_pass, setup),
		cmocka_unit_test_setup(what_is_not_switched_is_not_shown_nor_there, setup),
		cmocka_unit_test_setup(promises_are_read_where_the_cpu_has_the_register, setup),
		cmocka_unit_test_setup(
			a_command_has_no_reserved_bit_and_is_there_where_the_cpu_has_it, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
