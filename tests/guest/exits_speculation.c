/*
 * The MSRs that control speculation (SDM Vol. 4 table 2-2), where CPUID.07H:EDX shows them, and
 * #GP where it does not. Emulators keep what IA32_SPEC_CTRL holds, and do nothing with it.
 */
#include "exits.h"

#define MSR_SPEC_CTRL	      0x48
#define MSR_PRED_CMD	      0x49
#define MSR_ARCH_CAPABILITIES 0x10a
#define MSR_FLUSH_CMD	      0x10b

#define IBRS  1u
#define STIBP 2u
#define SSBD  4u

#define EDX_IBRS_IBPB	      (1u << 26)
#define EDX_STIBP	      (1u << 27)
#define EDX_L1D_FLUSH	      (1u << 28)
#define EDX_ARCH_CAPABILITIES (1u << 29)
#define EDX_SSBD	      (1u << 31)

static uint32_t shown(void)
{
	return cpuid(0, 0).eax >= 7 ? cpuid(7, 0).edx : 0;
}

static void hidden_where_not_shown(void)
{
	static const struct {
		uint32_t msr, bits;
		bool readable;
	} rows[] = {
		{MSR_SPEC_CTRL, EDX_IBRS_IBPB | EDX_STIBP | EDX_SSBD, true},
		{MSR_PRED_CMD, EDX_IBRS_IBPB, false},
		{MSR_FLUSH_CMD, EDX_L1D_FLUSH, false},
		{MSR_ARCH_CAPABILITIES, EDX_ARCH_CAPABILITIES, true},
	};
	uint64_t value;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool there = shown() & rows[i].bits;

		try_rdmsr(rows[i].msr, &value);
		expect_fault("RDMSR", there && rows[i].readable ? NO_TRAP : VECTOR_GP);
		try_wrmsr(rows[i].msr, 1ull << 40);
		expect_fault("WRMSR of a reserved bit", VECTOR_GP);
		if (there)
			continue;
		try_wrmsr(rows[i].msr, 0);
		expect_fault("WRMSR of what is not shown", VECTOR_GP);
	}
}

static void commands(void)
{
	uint32_t edx = shown();

	if (!(edx & EDX_IBRS_IBPB)) {
		skip("no IBPB here");
		return;
	}
	try_wrmsr(MSR_PRED_CMD, 1);
	expect_fault("IBPB", NO_TRAP);
	try_wrmsr(MSR_PRED_CMD, 2);
	expect_fault("IA32_PRED_CMD bit 1", VECTOR_GP);
	if (!(edx & EDX_L1D_FLUSH))
		return;
	try_wrmsr(MSR_FLUSH_CMD, 1);
	expect_fault("L1D_FLUSH", NO_TRAP);
	try_wrmsr(MSR_FLUSH_CMD, 2);
	expect_fault("IA32_FLUSH_CMD bit 1", VECTOR_GP);
}

/* What is written is there after exits and after other guests, each of which has its own. */
static void kept(void)
{
	uint32_t edx = shown();
	uint32_t may = (edx & EDX_IBRS_IBPB ? IBRS : 0) | (edx & EDX_STIBP ? STIBP : 0) |
		       (edx & EDX_SSBD ? SSBD : 0);

	if (!(edx & EDX_IBRS_IBPB)) {
		skip("no IBRS here");
		return;
	}
	expect(rdmsr(MSR_SPEC_CTRL) == 0, "IA32_SPEC_CTRL is 0x%llx at first",
	       (unsigned long long)rdmsr(MSR_SPEC_CTRL));
	for (unsigned round = 0; round < 64; round++) {
		uint64_t value = rdtsc() / 64 & may;

		wrmsr(MSR_SPEC_CTRL, value);
		cpuid(0, 0);
		if (!expect(rdmsr(MSR_SPEC_CTRL) == value, "0x%llx after an exit, not 0x%llx",
			    (unsigned long long)rdmsr(MSR_SPEC_CTRL), (unsigned long long)value))
			break;
		yield();
		if (!expect(rdmsr(MSR_SPEC_CTRL) == value, "0x%llx after a yield, not 0x%llx",
			    (unsigned long long)rdmsr(MSR_SPEC_CTRL), (unsigned long long)value))
			break;
	}
	wrmsr(MSR_SPEC_CTRL, 0);
}

const struct check speculation_checks[] = {
	{"speculation-kept", kept, NEEDS_HYPERCALL},
	{"speculation-hidden", hidden_where_not_shown, NEEDS_HYPERCALL},
	{"speculation-commands", commands, NEEDS_HYPERCALL},
};
const size_t speculation_check_count = ARRAY_SIZE(speculation_checks);
