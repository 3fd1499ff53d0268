/*
 * Which way to save is chosen; and those that need no privilege, tried with the host's own CPU:
 * emulators that have XSAVEC have it wrong.
 */
#include "tests/unit/unit.h"

#include "fpu/components.h"
#include "fpu/instructions.h"
#include "fpu/method.h"
#include "fpu/xsave_area.h"
#include "lib/x86.h"

#define ALL_METHODS 0x1f
#define CARRIED	    (XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_AVX512)

static enum fpu_save_method best(struct fpu_method_facts facts)
{
	for (int method = FPU_XSAVES; method > FPU_FXSAVE; method--)
		if (!fpu_method_obstacle((enum fpu_save_method)method, &facts))
			return (enum fpu_save_method)method;
	return FPU_FXSAVE;
}

static void the_best_way_that_is_safe_is_taken(void **state)
{
	static const struct {
		struct fpu_method_facts facts;
		enum fpu_save_method method;
	} cases[] = {
		/* methods, selectors, nested, forced */
		{{ALL_METHODS, false, false, false}, FPU_XSAVES},
		{{ALL_METHODS, false, true, false}, FPU_XSAVEC},
		{{ALL_METHODS, false, true, true}, FPU_XSAVES},
		{{0x0b, false, false, false}, FPU_XSAVEOPT},
		{{0x0b, false, true, false}, FPU_XSAVE},
		{{0x0f, false, false, false}, FPU_XSAVEOPT},
		{{0x0b, true, false, false}, FPU_XSAVE},
		{{ALL_METHODS, true, false, true}, FPU_XSAVE},
		{{0x03, false, false, false}, FPU_XSAVE},
		{{0x01, true, true, false}, FPU_FXSAVE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(fpu_method_name(best(cases[i].facts)),
				    fpu_method_name(cases[i].method));
}

static uint64_t host_xcr0(void)
{
	uint32_t low, high;

	if (cpuid_max_leaf() < 0xd || !(cpuid(1).ecx & BIT(27))) /* OSXSAVE */
		skip();
	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (uint64_t)high << 32 | low;
}

static void read_components(struct fpu_component component[FPU_COMPONENTS])
{
	memset(component, 0, FPU_COMPONENTS * sizeof(*component));
	for (uint32_t i = 2; i < FPU_COMPONENTS; i++) {
		struct cpuid_regs r = cpuid_count(0xd, i);

		component[i] = (struct fpu_component){r.eax, r.ebx, r.ecx & 2};
	}
}

static void sizes_are_those_that_the_host_says(void **state)
{
	struct fpu_component component[FPU_COMPONENTS];
	uint64_t xcr0 = host_xcr0();

	(void)state;
	if (xcr0 >> FPU_COMPONENTS)
		skip(); /* AMX or what comes after it */
	read_components(component);
	assert_int_equal(fpu_standard_size(component, xcr0), cpuid_count(0xd, 0).ebx);
	if (!(cpuid_count(0xd, 1).eax & 2))
		skip(); /* no XSAVEC */
	/* IA32_XSS counts too, and is not known here */
	assert_true(fpu_compacted_size(component, xcr0) <= cpuid_count(0xd, 1).ebx);
}

static void sizes_follow_the_components_that_are_asked_for(void **state)
{
	static const struct fpu_component component[FPU_COMPONENTS] = {
		[2] = {256, 576, false},   [5] = {64, 1088, false}, [6] = {512, 1152, false},
		[7] = {1024, 1664, false}, [9] = {8, 2688, false},
	};
	static const struct fpu_component aligned[FPU_COMPONENTS] = {
		[2] = {8, 600, false},
		[3] = {16, 700, true},
		[4] = {8, 620, false},
	};

	(void)state;
	assert_int_equal(fpu_standard_size(component, 0x1), 576);
	assert_int_equal(fpu_standard_size(component, 0x3), 576);
	assert_int_equal(fpu_standard_size(component, 0x7), 832);
	assert_int_equal(fpu_standard_size(component, 0xe7), 2688);
	assert_int_equal(fpu_standard_size(component, 0x201), 2696);
	assert_int_equal(fpu_compacted_size(component, 0x1), 576);
	assert_int_equal(fpu_compacted_size(component, 0x7), 832);
	assert_int_equal(fpu_compacted_size(component, 0xe7), 2432);
	assert_int_equal(fpu_compacted_size(component, 0x2e7), 2440);
	assert_int_equal(fpu_standard_size(aligned, 0x1d), 716);
	assert_int_equal(fpu_compacted_size(aligned, 0x1d), 640 + 16 + 8);
}

static void compacted_a_component_lies_behind_those_before_it(void **state)
{
	static const struct fpu_component component[FPU_COMPONENTS] = {
		[2] = {8, 600, false},
		[3] = {16, 700, true},
		[4] = {8, 620, false},
	};

	(void)state;
	assert_int_equal(fpu_compacted_offset(component, 0x1f, 2), 576);
	assert_int_equal(fpu_compacted_offset(component, 0x1f, 3), 640);
	assert_int_equal(fpu_compacted_offset(component, 0x1f, 4), 656);
	assert_int_equal(fpu_compacted_offset(component, 0x1b, 3), 576);
	assert_int_equal(fpu_compacted_offset(component, 0x17, 4), 584);
}

union area {
	struct fpu_image image;
	uint8_t bytes[4096];
};

static union area before __attribute__((aligned(64))), pattern __attribute__((aligned(64))),
	tried __attribute__((aligned(64))), result __attribute__((aligned(64))),
	initial __attribute__((aligned(64)));

/* No instruction but those that are called may touch a vector register. */
static __attribute__((target("general-regs-only"), noinline)) bool
carry(enum fpu_save_method method, uint64_t mask)
{
	bool worked = fpu_xsave64(&before.image, mask);

	worked &= fpu_method_load(FPU_XSAVE, &pattern.image, mask);
	worked &= fpu_method_save(method, &tried.image, mask);
	worked &= fpu_method_load(FPU_XSAVE, &initial.image, mask);
	worked &= fpu_method_load(method, &tried.image, mask);
	worked &= fpu_method_save(FPU_XSAVE, &result.image, mask);
	worked &= fpu_xrstor64(&before.image, mask);
	return worked;
}

static void fill_pattern(uint64_t mask)
{
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern.bytes[i] = (uint8_t)(i * 11 + 5);
	memset(&pattern, 0, 32);
	for (unsigned int i = 0; i < 8; i++)
		memset(&pattern.image.st[i][10], 0, 6);
	memset(&pattern.image.xstate_bv, 0, FPU_HEADER_SIZE);
	pattern.image.fcw = 0x027f;
	pattern.image.ftw = 0xff;
	pattern.image.fop = 0x123;
	pattern.image.mxcsr = 0x1fa0;
	pattern.image.xstate_bv = mask;
}

static void check_method(enum fpu_save_method method, uint32_t feature)
{
	struct fpu_component component[FPU_COMPONENTS];
	uint64_t mask = host_xcr0() & CARRIED;

	if (!(cpuid_count(0xd, 1).eax & feature))
		skip();
	read_components(component);
	if (fpu_standard_size(component, mask) > sizeof(pattern))
		skip();
	fill_pattern(mask);
	memset(&tried, 0, sizeof(tried));
	memset(&result, 0, sizeof(result));
	memset(&initial, 0, sizeof(initial));
	initial.image.mxcsr = FPU_RESET_MXCSR;
	assert_true(carry(method, mask));
	assert_int_equal(result.image.xstate_bv, mask);
	assert_int_equal(tried.image.xstate_bv, mask);
	assert_int_equal(tried.image.xcomp_bv,
			 fpu_method_compacts(method) ? mask | FPU_XCOMP_COMPACTED : 0);
	assert_int_equal(result.image.fcw, pattern.image.fcw);
	assert_int_equal(result.image.ftw, pattern.image.ftw);
	assert_int_equal(result.image.mxcsr, pattern.image.mxcsr);
	assert_memory_equal(result.image.st, pattern.image.st, sizeof(pattern.image.st));
	assert_memory_equal(result.image.xmm, pattern.image.xmm, sizeof(pattern.image.xmm));
	for (uint32_t i = 2; i < FPU_COMPONENTS; i++)
		if (mask & BIT(i))
			assert_memory_equal(result.bytes + component[i].offset,
					    pattern.bytes + component[i].offset, component[i].size);
	/* nothing beyond the size that is reckoned with */
	if (fpu_method_compacts(method))
		for (size_t i = fpu_compacted_size(component, mask); i < sizeof(tried); i++)
			assert_int_equal(tried.bytes[i], 0);
}

static void xsavec_of_this_host_carries_every_component(void **state)
{
	(void)state;
	check_method(FPU_XSAVEC, 1 << 1);
}

static void xsaveopt_of_this_host_carries_every_component(void **state)
{
	(void)state;
	check_method(FPU_XSAVEOPT, 1 << 0);
}

#define YMM_HIGH  576 /* offset and bytes of AVX state, the same on every CPU */
#define YMM_BYTES 256
#define POISON	  0xee

/* Loads from one image, spoils the AVX part of `tried`, and saves there. */
static __attribute__((target("general-regs-only"), noinline)) bool
save_over_poison(union area *loaded, bool modify)
{
	uint64_t mask = XCR0_X87 | XCR0_SSE | XCR0_AVX;
	bool worked = fpu_xsave64(&before.image, mask);

	worked &= fpu_xrstor64(&loaded->image, mask);
	for (unsigned int i = 0; i < YMM_BYTES; i++)
		((volatile uint8_t *)tried.bytes)[YMM_HIGH + i] = POISON;
	if (modify)
		__asm__ volatile("vxorps %ymm1, %ymm1, %ymm1");
	worked &= fpu_xsaveopt64(&tried.image, mask);
	worked &= fpu_xrstor64(&before.image, mask);
	return worked;
}

static bool avx_part_was_skipped(union area *loaded, bool modify)
{
	unsigned int poisoned = 0;

	fill_pattern(XCR0_X87 | XCR0_SSE | XCR0_AVX);
	memcpy(&tried, &pattern, sizeof(tried));
	assert_true(save_over_poison(loaded, modify));
	for (unsigned int i = 0; i < YMM_BYTES; i++)
		poisoned += tried.bytes[YMM_HIGH + i] == POISON;
	return poisoned == YMM_BYTES;
}

/* The modified optimization: emulators do not have it. */
static void xsaveopt_skips_only_what_is_as_it_was_loaded_from_there(void **state)
{
	unsigned int skipped = 0;

	(void)state;
	if (!(host_xcr0() & XCR0_AVX) || !(cpuid_count(0xd, 1).eax & 1))
		skip();
	for (unsigned int i = 0; i < 1000; i++) {
		skipped += avx_part_was_skipped(&tried, false);
		assert_false(avx_part_was_skipped(&tried, true));
		assert_false(avx_part_was_skipped(&pattern, false));
	}
	print_message("modified optimization: %u of 1000 skipped\n", skipped);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_best_way_that_is_safe_is_taken),
		cmocka_unit_test(sizes_follow_the_components_that_are_asked_for),
		cmocka_unit_test(compacted_a_component_lies_behind_those_before_it),
		cmocka_unit_test(sizes_are_those_that_the_host_says),
		cmocka_unit_test(xsavec_of_this_host_carries_every_component),
		cmocka_unit_test(xsaveopt_of_this_host_carries_every_component),
		cmocka_unit_test(xsaveopt_skips_only_what_is_as_it_was_loaded_from_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
