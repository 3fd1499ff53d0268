/*
 * The trial of a save method on CPUs that lie: each lie must be found, in each instruction that can
 * tell it and about each component; and a CPU that is honest must be believed.
 */
#include "tests/unit/fake_xsave.h"
#include "tests/unit/trial_fixture.h"

static const struct fpu_component layout[FPU_COMPONENTS] = {
	[2] = {256, 576, false},   [5] = {64, 1088, false}, [6] = {512, 1152, false},
	[7] = {1024, 1664, false}, [9] = {8, 2688, false},
};

/* What is aligned in the compacted format lies behind a hole. */
static const struct fpu_component with_holes[FPU_COMPONENTS] = {
	[2] = {256, 576, true},	  [5] = {40, 832, false}, [6] = {512, 1152, true},
	[7] = {1024, 1664, true}, [9] = {8, 2688, true},
};

static const struct {
	uint64_t xcr0;
	const struct fpu_component *component;
	bool all_in_use;
} cpus[] = {
	{0x2e7, layout, false},	    {0x2e7, layout, true}, {0x207, layout, false},
	{0x7, layout, false},	    {0x3, layout, false},  {0xe7, with_holes, false},
	{0x2e7, with_holes, false}, {0x0, layout, false},
};

static void become(size_t cpu)
{
	fake_cpu = (struct fake_cpu){
		.xcr0 = cpus[cpu].xcr0,
		.all_in_use = cpus[cpu].all_in_use,
	};
	features = (struct fpu_features){
		.superset = cpus[cpu].xcr0,
		.save_mask = cpus[cpu].xcr0 & ~XCR0_PKRU,
	};
	for (uint32_t i = 2; i < FPU_COMPONENTS; i++)
		if (cpus[cpu].xcr0 & BIT(i))
			fake_cpu.component[i] = features.component[i] = cpus[cpu].component[i];
	fake_cpu_power_on();
}

static bool trial(enum fpu_save_method method)
{
	struct fpu_trial_images images = {
		.carried = fpu_image_create(),
		.foreign = fpu_image_create(),
		.tried = fpu_image_create(),
		.found = fpu_image_create(),
	};
	bool good = fpu_trial(method, &images);

	fpu_image_destroy(images.carried);
	fpu_image_destroy(images.foreign);
	fpu_image_destroy(images.tried);
	fpu_image_destroy(images.found);
	return good;
}

static bool cpu_has(enum fpu_save_method method)
{
	return (method == FPU_FXSAVE) == !features.superset;
}

static const struct {
	enum fake_instruction save, load;
} partners[] = {
	[FPU_FXSAVE] = {FAKE_FXSAVE, FAKE_FXRSTOR},
	[FPU_XSAVE] = {FAKE_XSAVE, FAKE_XRSTOR},
	[FPU_XSAVEC] = {FAKE_XSAVEC, FAKE_XRSTOR_COMPACTED},
	[FPU_XSAVEOPT] = {FAKE_XSAVEOPT, FAKE_XRSTOR},
	[FPU_XSAVES] = {FAKE_XSAVES, FAKE_XRSTORS},
};

enum about {
	ALL,	    /* no component */
	EACH,	    /* each component */
	EACH_WIDE,  /* each that has an upper half */
	EACH_BEYOND /* each that is not in the legacy region */
};

#define WITH(method) (1u << (method))
#define COMPACTING   (WITH(FPU_XSAVEC) | WITH(FPU_XSAVES))
#define FORMS	     (COMPACTING | WITH(FPU_XSAVE) | WITH(FPU_XSAVEOPT))
#define EVERY	     (FORMS | WITH(FPU_FXSAVE))

/* What each lie can be about, and which methods it can be told in. */
static const struct {
	const char *name;
	enum about about;
	uint32_t methods;
} lies[FAKE_LIES] = {
	[FAKE_SAVE_FAULTS] = {"the save faults", ALL, EVERY},
	[FAKE_SAVE_OMITS] = {"a component is not saved", EACH, EVERY},
	[FAKE_SAVE_HALVES] = {"an upper half is not saved", EACH_WIDE, EVERY},
	[FAKE_SAVE_SAYS_INITIAL] = {"XSTATE_BV lacks what is in use", EACH, FORMS},
	[FAKE_SAVE_SAYS_TOO_MUCH] = {"XSTATE_BV has what was not asked for", ALL, FORMS},
	[FAKE_SAVE_WRONG_FORMAT] = {"XCOMP_BV names the other format", ALL, FORMS},
	[FAKE_SAVE_WRONG_LAYOUT] = {"XCOMP_BV has what was not asked for", ALL, COMPACTING},
	[FAKE_SAVE_SPOILS_HEADER] = {"a reserved byte of the header is written", ALL, FORMS},
	[FAKE_SAVE_AVX_OVER_HEADER] = {"AVX state is written over the header", ALL, COMPACTING},
	[FAKE_SAVE_TOO_FAR] = {"bytes behind the image are written", ALL, EVERY},
	[FAKE_SAVE_FORGETS_MXCSR] = {"MXCSR is not saved", ALL, EVERY},
	[FAKE_SAVE_LOSES_POINTERS] = {"the x87 pointers are not saved", ALL, EVERY},
	[FAKE_SAVE_LOSES_OPCODE] = {"FOP is not saved", ALL, EVERY},
	[FAKE_SAVE_EMPTIES] = {"the save empties the registers", ALL, EVERY},
	[FAKE_LOAD_FAULTS] = {"the load faults", ALL, EVERY},
	[FAKE_LOAD_OMITS] = {"a component is not loaded", EACH, EVERY},
	[FAKE_LOAD_HALVES] = {"an upper half is not loaded", EACH_WIDE, EVERY},
	[FAKE_LOAD_KEEPS] = {"a component is not made initial", EACH, FORMS},
	[FAKE_LOAD_KEEPS_MXCSR] = {"MXCSR is left where SSE state is initial", ALL, FORMS},
	[FAKE_LOAD_TOUCHES] = {"the load touches what was not asked for", EACH, FORMS},
	[FAKE_LOAD_ALL] = {"the load does not heed the mask", ALL, FORMS},
	[FAKE_LOAD_LOSES_POINTERS] = {"the x87 pointers are not loaded", ALL, EVERY},
	[FAKE_MISPLACES] = {"a component lies elsewhere", EACH_BEYOND, FORMS},
};

static bool can_lie_about(enum about about, uint32_t component)
{
	if (about == ALL)
		return component == 0;
	if (!((features.superset ? features.superset : 3) & BIT(component)))
		return false;
	if (about == EACH_WIDE) /* PKRU has but four bytes, in the lower half */
		return component && component != FPU_COMPONENT_PKRU;
	return about == EACH || component > 1;
}

static void an_honest_cpu_is_believed(void **state)
{
	(void)state;
	for (size_t cpu = 0; cpu < ARRAY_SIZE(cpus); cpu++) {
		for (int method = FPU_FXSAVE; method <= FPU_XSAVES; method++) {
			become(cpu);
			if (cpu_has((enum fpu_save_method)method) &&
			    !trial((enum fpu_save_method)method))
				fail_msg("CPU %zu, %s", cpu,
					 fpu_method_name((enum fpu_save_method)method));
		}
	}
}

static void expect_found(size_t cpu, enum fpu_save_method method, enum fake_lie lie,
			 uint32_t component)
{
	become(cpu);
	/* a CPU without AVX has nothing to write over the header, ... */
	if (lie == FAKE_SAVE_AVX_OVER_HEADER && !(features.superset & XCR0_AVX))
		return;
	/* ... and to load initial state takes one that saves it as such */
	if ((lie == FAKE_LOAD_KEEPS || lie == FAKE_LOAD_KEEPS_MXCSR) && fake_cpu.all_in_use)
		return;
	fake_cpu.lie = lie;
	fake_cpu.component_lied_about = component;
	fake_cpu.liars = (uint32_t)(BIT(partners[method].save) | BIT(partners[method].load));
	if (trial(method))
		fail_msg("not found on CPU %zu in %s, component %u: %s", cpu,
			 fpu_method_name(method), component, lies[lie].name);
}

static void a_lie_is_found(void **state)
{
	enum fake_lie lie = (enum fake_lie)(uintptr_t)*state;

	for (size_t cpu = 0; cpu < ARRAY_SIZE(cpus); cpu++) {
		for (int method = FPU_FXSAVE; method <= FPU_XSAVES; method++) {
			become(cpu);
			if (!cpu_has((enum fpu_save_method)method) ||
			    !(lies[lie].methods & WITH(method)))
				continue;
			for (uint32_t i = 0; i < FPU_COMPONENTS; i++)
				if (can_lie_about(lies[lie].about, i))
					expect_found(cpu, (enum fpu_save_method)method, lie, i);
		}
	}
}

static void a_trial_that_fails_leaves_nothing_in_the_registers(void **state)
{
	struct fpu_image *image;

	(void)state;
	become(0);
	image = fpu_image_create();
	fake_cpu.lie = FAKE_LOAD_KEEPS_MXCSR;
	fake_cpu.liars = BIT(FAKE_XRSTORS);
	assert_false(trial(FPU_XSAVES));
	fake_cpu.lie = FAKE_IS_HONEST;
	memset(&image->xstate_bv, 0, FPU_HEADER_SIZE);
	assert_true(fpu_method_save(FPU_XSAVE, image, features.superset));
	assert_int_equal(image->xstate_bv, 0);
	assert_int_equal(image->mxcsr, FPU_RESET_MXCSR);
	fpu_image_destroy(image);
}

int main(void)
{
	struct CMUnitTest tests[FAKE_LIES + 1] = {
		cmocka_unit_test(an_honest_cpu_is_believed),
		cmocka_unit_test(a_trial_that_fails_leaves_nothing_in_the_registers),
	};

	for (uintptr_t lie = 1; lie < FAKE_LIES; lie++)
		tests[lie + 1] = (struct CMUnitTest){
			.name = lies[lie].name,
			.test_func = a_lie_is_found,
			.initial_state = (void *)lie,
		};
	return cmocka_run_group_tests_name("trial_lies", tests, NULL, NULL);
}
