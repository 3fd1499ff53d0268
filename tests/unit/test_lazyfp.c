#include "tests/unit/unit.h"

#include "fpu/lazyfp.h"

#define INTEL "GenuineIntel"

/* CPUID.1:EAX of a model of family 6, any stepping. */
static uint32_t family6(uint32_t model)
{
	return (model & 0xf0) << 12 | 6 << 8 | (model & 0xf) << 4 | 3;
}

static void core_from_nehalem_on_is_affected(void **state)
{
	static const uint8_t core[] = {0x1a, 0x1e, 0x1f, 0x2e, 0x25, 0x2c, 0x2f, 0x2a, 0x2d,
				       0x3a, 0x3e, 0x3c, 0x3f, 0x45, 0x46, 0x3d, 0x47, 0x4f,
				       0x56, 0x4e, 0x55, 0x5e, 0x66, 0x67, 0x8e, 0x9e};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(core); i++)
		assert_true(lazyfp_affects(INTEL, family6(core[i])));
}

static void atom_and_knights_of_the_list_are_not(void **state)
{
	static const uint8_t safe[] = {0x1c, 0x26, 0x27, 0x35, 0x36, 0x37, 0x4a, 0x4c,
				       0x4d, 0x5a, 0x5c, 0x5f, 0x7a, 0x57, 0x85};
	unsigned int unaffected = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(safe); i++)
		assert_false(lazyfp_affects(INTEL, family6(safe[i])));
	for (uint32_t model = 0; model < 256; model++)
		unaffected += !lazyfp_affects(INTEL, family6(model));
	assert_int_equal(unaffected, ARRAY_SIZE(safe));
}

static void whole_signatures_of_real_cpus(void **state)
{
	(void)state;
	assert_true(lazyfp_affects(INTEL, 0x000306c3));	 /* Haswell */
	assert_true(lazyfp_affects(INTEL, 0x000806c1));	 /* Tiger Lake: later than any judgement */
	assert_true(lazyfp_affects(INTEL, 0x00020655));	 /* Arrandale */
	assert_false(lazyfp_affects(INTEL, 0x000506c9)); /* Apollo Lake */
	assert_false(lazyfp_affects(INTEL, 0x00050671)); /* Knights Landing */
}

static void other_families_and_vendors_are_not_known_to_be_safe(void **state)
{
	(void)state;
	assert_true(lazyfp_affects(INTEL, 0x00000f64)); /* family 15 */
	assert_true(lazyfp_affects(INTEL, 0x00050fc9)); /* family 15, the model of a safe one */
	assert_true(lazyfp_affects(INTEL, 0x000005c9)); /* family 5 */
	assert_true(lazyfp_affects("CentaurHauls", 0x506c9)); /* has VMX too */
	assert_true(lazyfp_affects("  Shanghai  ", 0x506c9));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(core_from_nehalem_on_is_affected),
		cmocka_unit_test(atom_and_knights_of_the_list_are_not),
		cmocka_unit_test(whole_signatures_of_real_cpus),
		cmocka_unit_test(other_families_and_vendors_are_not_known_to_be_safe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
