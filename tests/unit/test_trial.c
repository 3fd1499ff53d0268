/*
 * The trial of a save method at boot, with the host's own CPU: a method that works must not be
 * refused, whatever method the images were made for.
 */
#include "tests/unit/trial_fixture.h"

#define TRIED (XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_AVX512)

static int read_features(void **state)
{
	uint32_t low, high;

	(void)state;
	features = (struct fpu_features){};
	if (cpuid_max_leaf() < 0xd || !(cpuid(1).ecx & BIT(27))) /* OSXSAVE */
		return 0;
	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	features.superset = features.save_mask = low & TRIED;
	for (uint32_t i = 2; i < FPU_COMPONENTS; i++) {
		struct cpuid_regs r = cpuid_count(0xd, i);

		if (features.superset & BIT(i))
			features.component[i] = (struct fpu_component){r.eax, r.ebx, r.ecx & 2};
	}
	return 0;
}

static bool host_has(enum fpu_save_method method)
{
	uint32_t features1 = features.superset ? cpuid_count(0xd, 1).eax : 0;

	switch (method) {
	case FPU_XSAVE:
		return features.superset;
	case FPU_XSAVEOPT:
		return features1 & BIT(0);
	case FPU_XSAVEC:
		return features1 & BIT(1);
	default:
		return false; /* XSAVES takes privilege; FXSAVE leaves AVX state behind */
	}
}

static bool survives(enum fpu_save_method method, enum fpu_save_method made_for)
{
	struct fpu_trial_images images;
	bool survived;

	features.method = made_for;
	images.carried = fpu_image_create();
	images.foreign = fpu_image_create();
	images.tried = fpu_image_create();
	images.found = fpu_image_create();
	survived = fpu_trial(method, &images);
	fpu_image_destroy(images.carried);
	fpu_image_destroy(images.foreign);
	fpu_image_destroy(images.tried);
	fpu_image_destroy(images.found);
	return survived;
}

static void what_the_host_has_works_whatever_the_images_are_made_for(void **state)
{
	unsigned int tried = 0;

	(void)state;
	for (int method = FPU_FXSAVE; method <= FPU_XSAVES; method++) {
		for (int made_for = FPU_FXSAVE; made_for <= FPU_XSAVES; made_for++) {
			if (!host_has((enum fpu_save_method)method))
				continue;
			tried++;
			if (!survives((enum fpu_save_method)method, (enum fpu_save_method)made_for))
				fail_msg("%s fails with images made for %s",
					 fpu_method_name((enum fpu_save_method)method),
					 fpu_method_name((enum fpu_save_method)made_for));
		}
	}
	if (!tried)
		skip(); /* no XSAVE on this host */
}

/*
 * An offset that CPUID gets wrong must show: the component is not found there. Behind all others,
 * since 64 bytes on from AVX lies another component on CPUs without MPX's room between the two.
 */
static void a_component_in_the_wrong_place_fails(void **state)
{
	(void)state;
	if (!(features.superset & XCR0_AVX))
		skip();
	features.component[2].offset = fpu_standard_size(features.component, features.superset);
	assert_false(survives(FPU_XSAVE, FPU_XSAVE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_the_host_has_works_whatever_the_images_are_made_for,
				       read_features),
		cmocka_unit_test_setup(a_component_in_the_wrong_place_fails, read_features),
	};

	return cmocka_run_group_tests_name("trial", tests, NULL, NULL);
}
