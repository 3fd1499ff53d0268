/* vmx/preemption.c: what ends a guest's time, on which CPU. */
#include "tests/unit/unit.h"

#include "vmx/preemption.h"

#define INTEL "GenuineIntel"

static void the_steppings_of_the_list_are_broken_and_their_neighbours_are_not(void **state)
{
	static const uint32_t broken[] = {0x106a0, 0x106a1, 0x106a4, 0x106a5, 0x106e5,
					  0x20652, 0x20655, 0x206e6, 0x306a8};
	unsigned int found = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++)
		assert_true(preemption_timer_broken(INTEL, broken[i]));
	for (uint32_t signature = 0; signature < 0x100000; signature++)
		found += preemption_timer_broken(INTEL, signature);
	assert_int_equal(found, ARRAY_SIZE(broken) * 4); /* with each value of bits 15:14 */
}

static void what_is_reserved_in_a_signature_does_not_hide_a_broken_one(void **state)
{
	(void)state;
	assert_true(preemption_timer_broken(INTEL, 0x20652 | 0xf000c000));
	assert_false(
		preemption_timer_broken(INTEL, 0x20652 | 0x3000)); /* the type is not reserved */
	assert_false(preemption_timer_broken(INTEL, 0x20652 | 0x0ff00000));
	assert_false(preemption_timer_broken("CentaurHauls", 0x20652));
}

static void what_works_is_chosen_and_what_is_asked_for_or_nothing(void **state)
{
	static const struct {
		enum preemption wanted;
		bool offered, broken, apic, nested;
		enum preemption chosen;
	} cases[] = {
		{PREEMPTION_AUTO, true, false, true, false, PREEMPTION_VMX},
		{PREEMPTION_AUTO, true, false, false, false, PREEMPTION_VMX},
		{PREEMPTION_AUTO, true, true, true, false, PREEMPTION_APIC},
		{PREEMPTION_AUTO, true, true, false, false, PREEMPTION_NONE},
		{PREEMPTION_AUTO, false, false, true, false, PREEMPTION_APIC},
		{PREEMPTION_AUTO, false, false, false, false, PREEMPTION_NONE},
		{PREEMPTION_AUTO, false, true, true, false, PREEMPTION_APIC},
		{PREEMPTION_VMX, true, true, true, false, PREEMPTION_VMX},
		{PREEMPTION_VMX, false, false, true, false, PREEMPTION_NONE},
		{PREEMPTION_APIC, true, false, true, false, PREEMPTION_APIC},
		{PREEMPTION_APIC, true, false, false, false, PREEMPTION_NONE},
		{PREEMPTION_AUTO, true, false, true, true, PREEMPTION_APIC},
		{PREEMPTION_AUTO, true, false, false, true, PREEMPTION_VMX},
		{PREEMPTION_AUTO, true, true, false, true, PREEMPTION_NONE},
		{PREEMPTION_VMX, true, false, true, true, PREEMPTION_VMX},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(preemption_choose(cases[i].wanted, cases[i].offered,
						   cases[i].broken, cases[i].apic, cases[i].nested),
				 cases[i].chosen);
	assert_string_equal(preemption_name(PREEMPTION_NONE), "none");
	assert_string_equal(preemption_name(PREEMPTION_VMX), "vmx");
	assert_string_equal(preemption_name(PREEMPTION_APIC), "apic");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_steppings_of_the_list_are_broken_and_their_neighbours_are_not),
		cmocka_unit_test(what_is_reserved_in_a_signature_does_not_hide_a_broken_one),
		cmocka_unit_test(what_works_is_chosen_and_what_is_asked_for_or_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
