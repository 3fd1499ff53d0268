/* vmx/multihit.c: which CPUs must be taken to have CVE-2018-12207. */
#include "tests/unit/unit.h"

#include "vmx/multihit.h"

#define INTEL	       "GenuineIntel"
#define PSCHANGE_NO    (1ull << 6)
#define OTHER_PROMISES (~PSCHANGE_NO)

/* CPUID.1:EAX of a model of family 6, any stepping. */
static uint32_t family6(uint32_t model)
{
	return (model & 0xf0) << 12 | 6 << 8 | (model & 0xf) << 4 | 3;
}

static const uint8_t safe[] = {0x1c, 0x26, 0x27, 0x35, 0x36, 0x37, 0x4a, 0x4c, 0x4d, 0x5a,
			       0x5c, 0x5f, 0x75, 0x7a, 0x86, 0x57, 0x85, 0x8c, 0x8d};

static void core_is_affected_unless_it_says_that_it_is_not(void **state)
{
	static const uint8_t core[] = {0x1a, 0x1e, 0x1f, 0x2e, 0x25, 0x2c, 0x2f, 0x2a,
				       0x2d, 0x3a, 0x3e, 0x3c, 0x3f, 0x45, 0x46, 0x3d,
				       0x47, 0x4f, 0x56, 0x4e, 0x55, 0x5e, 0x66, 0x8e,
				       0x9e, 0xa5, 0xa6, 0x7d, 0x7e, 0x6a, 0x6c};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(core); i++) {
		assert_true(multihit_affects(INTEL, family6(core[i]), 0));
		assert_true(multihit_affects(INTEL, family6(core[i]), OTHER_PROMISES));
		assert_false(multihit_affects(INTEL, family6(core[i]), PSCHANGE_NO));
	}
}

static void only_the_models_of_the_list_are_not(void **state)
{
	unsigned int unaffected = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(safe); i++)
		assert_false(multihit_affects(INTEL, family6(safe[i]), 0));
	for (uint32_t model = 0; model < 256; model++)
		unaffected += !multihit_affects(INTEL, family6(model), 0);
	assert_int_equal(unaffected, ARRAY_SIZE(safe));
}

static void other_families_and_vendors_are_not_known_to_be_safe(void **state)
{
	(void)state;
	assert_true(multihit_affects(INTEL, 0x00000f64, 0));
	assert_true(
		multihit_affects(INTEL, 0x00050fc9, 0)); /* family 15, the model of a safe one */
	assert_true(multihit_affects("CentaurHauls", 0x506c9, 0));
	assert_false(multihit_affects("CentaurHauls", 0x506c9, PSCHANGE_NO));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(core_is_affected_unless_it_says_that_it_is_not),
		cmocka_unit_test(only_the_models_of_the_list_are_not),
		cmocka_unit_test(other_families_and_vendors_are_not_known_to_be_safe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
