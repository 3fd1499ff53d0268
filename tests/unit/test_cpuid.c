/*
 * vmm/cpuid.c, and boot/alike.c as it reads, on CPUs that no emulator has: what guests are shown of
 * a feature that needs a control of VMX, and what makes CPUs of one machine alike.
 */
#include "tests/unit/unit.h"

#include "boot/alike.h"
#include "fpu/features.h"
#include "vmm/cpuid.h"
#include "vmx/capabilities.h"
#include "vmx/mitigate.h"
#include "vmx/vmcs_bits.h"

#define LAST	      0x1f
#define LAST_EXTENDED 0x80000008u

#define LEAF7_EBX_INVPCID (1u << 10)
#define LEAF7_ECX_WAITPKG (1u << 5)
#define LEAF7_ECX_CET_SS  (1u << 7)
#define LEAF7_ECX_LA57	  (1u << 16)
#define LEAF7_ECX_RDPID	  (1u << 22)
#define LEAF7_ECX_ENQCMD  (1u << 29)
#define LEAF7_EDX_UINTR	  (1u << 5)
#define LEAF7_EDX_HYBRID  (1u << 15)
#define LEAF7_EDX_CET_IBT (1u << 20)
#define EXTENDED1_RDTSCP  (1u << 27)
#define LEAFD1_XSAVES	  (1u << 3)
#define SPECULATION	  0xbc000400u

struct fpu_features fpu_features_found;

static struct vmx_capabilities capabilities;
static uint32_t leaf7_edx, speculation, controls;

const struct vmx_capabilities *vmx_capabilities(void)
{
	return &capabilities;
}

uint32_t mitigations_guest_leaf7_edx(void)
{
	return speculation;
}

uint32_t mitigations_guest_leaf7_2_edx(void)
{
	return controls;
}

uint64_t clock_tsc_khz(void)
{
	return 2000000;
}

uint32_t fpu_standard_size(const struct fpu_component component[FPU_COMPONENTS], uint64_t mask)
{
	(void)component;
	return mask ? 832 : 0;
}

uint32_t fpu_compacted_size(const struct fpu_component component[FPU_COMPONENTS], uint64_t mask)
{
	return fpu_standard_size(component, mask);
}

/* A CPU that has every bit; 39 physical and 48 linear ones. */
struct cpuid_regs fake_cpuid(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid_regs r = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};

	(void)subleaf;
	switch (leaf) {
	case 0:
		r.eax = LAST;
		break;
	case 7:
		r.eax = 2;
		r.edx = leaf7_edx;
		break;
	case 0x80000000:
		r.eax = LAST_EXTENDED;
		break;
	case LAST_EXTENDED:
		r.eax = 48 << 8 | 39;
		break;
	default:
		break;
	}
	return r;
}

static int setup(void **state)
{
	(void)state;
	leaf7_edx = UINT32_MAX;
	speculation = controls = 0;
	capabilities = (struct vmx_capabilities){.cr4_fixed1 = UINT64_MAX};
	fpu_features_found = (struct fpu_features){
		.superset = 0x2e7, .xsavec_works = true, .xsaves_works = true};
	return 0;
}

struct shown {
	bool invpcid, rdpid, rdtscp, xsaves;
};

static struct shown with(uint32_t secondary)
{
	capabilities.secondary = secondary;
	guest_cpuid_init();
	return (struct shown){
		.invpcid = guest_cpuid_basic[7].ebx & LEAF7_EBX_INVPCID,
		.rdpid = guest_cpuid_basic[7].ecx & LEAF7_ECX_RDPID,
		.rdtscp = guest_cpuid(0x80000001, 0, 0).edx & EXTENDED1_RDTSCP,
		.xsaves = guest_cpuid(0xd, 1, 7).eax & LEAFD1_XSAVES,
	};
}

static void what_needs_a_control_is_shown_where_the_control_is(void **state)
{
	const uint32_t all =
		SECONDARY_ENABLE_INVPCID | SECONDARY_ENABLE_RDTSCP | SECONDARY_ENABLE_XSAVES;
	struct shown s = with(all);

	(void)state;
	assert_true(s.invpcid && s.rdpid && s.rdtscp && s.xsaves);
	s = with(0);
	assert_false(s.invpcid || s.rdpid || s.rdtscp || s.xsaves);
	s = with(SECONDARY_ENABLE_INVPCID);
	assert_true(s.invpcid && !s.rdpid && !s.rdtscp && !s.xsaves);
	s = with(SECONDARY_ENABLE_RDTSCP);
	assert_true(!s.invpcid && s.rdpid && s.rdtscp && !s.xsaves);
	assert_true(guest_has_rdtscp());
	s = with(SECONDARY_ENABLE_XSAVES);
	assert_true(!s.invpcid && !s.rdpid && !s.rdtscp && s.xsaves);
	assert_true(guest_has_xsaves());
}

static void what_no_control_of_ours_enables_is_hidden(void **state)
{
	struct cpuid_regs leaf;

	(void)state;
	with(UINT32_MAX);
	leaf = guest_cpuid_basic[7];
	assert_int_equal(leaf.eax, 0);
	assert_false(leaf.ecx &
		     (LEAF7_ECX_WAITPKG | LEAF7_ECX_ENQCMD | LEAF7_ECX_CET_SS | LEAF7_ECX_LA57));
	assert_false(leaf.edx & (LEAF7_EDX_UINTR | LEAF7_EDX_HYBRID | LEAF7_EDX_CET_IBT));
	for (uint32_t subleaf = 1; subleaf <= 2; subleaf++) {
		leaf = guest_cpuid(7, subleaf, 0);
		assert_int_equal(leaf.eax | leaf.ebx | leaf.ecx | leaf.edx, 0);
	}
	/* user interrupts, CET, LA57, keylocker */
	assert_false(guest_cr4_allowed() & (BIT(25) | BIT(23) | BIT(12) | BIT(19)));
}

static void bits_about_speculation_are_shown_where_they_are_switched(void **state)
{
	(void)state;
	with(0);
	assert_int_equal(guest_cpuid_basic[7].edx & SPECULATION, 0);
	speculation = SPECULATION;
	with(0);
	assert_int_equal(guest_cpuid_basic[7].edx & SPECULATION, SPECULATION);
	leaf7_edx = ~(1u << 28); /* a CPU without L1D_FLUSH */
	with(0);
	assert_int_equal(guest_cpuid_basic[7].edx & SPECULATION, SPECULATION & ~(1u << 28));
	assert_int_equal(guest_cpuid_basic[7].eax, 0);
	assert_int_equal(guest_cpuid(7, 2, 0).edx, 0);
	controls = 0x14;
	with(0);
	assert_int_equal(guest_cpuid_basic[7].eax, 2);
	assert_int_equal(guest_cpuid(7, 1, 0).edx, 0);
	assert_int_equal(guest_cpuid(7, 2, 0).edx, 0x14);
	assert_int_equal(guest_cpuid(7, 3, 0).edx, 0);
}

/* One kind of core says that it is one of two kinds, and its neighbour on the same bus need not. */
static void cores_of_two_kinds_are_alike_as_far_as_guests_see(void **state)
{
	struct alike large, small;
	uint32_t word, bits;

	(void)state;
	alike_read(&large);
	leaf7_edx = ~LEAF7_EDX_HYBRID;
	alike_read(&small);
	assert_false(alike_missing(&large, &small, &word, &bits));
	leaf7_edx &= ~LEAF7_EDX_IBRS_IBPB; /* what it lacks else counts */
	alike_read(&small);
	assert_true(alike_missing(&large, &small, &word, &bits));
	assert_int_equal(bits, LEAF7_EDX_IBRS_IBPB);
	assert_string_equal(alike_name(word), "CPUID.07H:EDX");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_needs_a_control_is_shown_where_the_control_is, setup),
		cmocka_unit_test_setup(what_no_control_of_ours_enables_is_hidden, setup),
		cmocka_unit_test_setup(bits_about_speculation_are_shown_where_they_are_switched,
				       setup),
		cmocka_unit_test_setup(cores_of_two_kinds_are_alike_as_far_as_guests_see, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
