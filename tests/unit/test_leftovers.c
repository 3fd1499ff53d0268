#include "tests/unit/unit.h"

#include "boot/leftovers.h"
#include "lib/console.h"

#define INTEL "GenuineIntel"

void log_line(enum log_level level, const char *fmt, ...)
{
	(void)level;
	(void)fmt;
}

static void misc_enable_is_intels_from_family_6_model_0dh_on(void **state)
{
	static const struct {
		uint32_t signature;
		bool has;
	} cpus[] = {
		{0x00000543, false},			 /* Pentium */
		{0x00000673, false},			 /* Pentium III */
		{0x000006c0, false}, {0x000006d6, true}, /* Pentium M, 90 nm */
		{0x000206a7, true},			 /* Sandy Bridge, whose low model is 0Ah */
		{0x00010676, true},			 /* Penryn, whose low model is 7 */
		{0x00000f0a, true},			 /* Pentium 4 */
		{0x00400f10, true},			 /* family 13h */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cpus); i++) {
		assert_int_equal(leftovers_has_misc_enable(INTEL, cpus[i].signature), cpus[i].has);
		assert_false(leftovers_has_misc_enable("AuthenticAMD", cpus[i].signature));
		assert_false(leftovers_has_misc_enable("GenuineIntem", cpus[i].signature));
	}
}

static void check_rtm(uint32_t edx, uint64_t capabilities, uint32_t msr, uint64_t bits)
{
	struct msr_bits off = leftovers_rtm_off(edx, capabilities);

	assert_int_equal(off.msr, msr);
	assert_int_equal(off.bits, bits);
}

static void rtm_goes_off_by_the_msr_that_the_cpu_says_it_has(void **state)
{
	const uint32_t always_abort = 1u << 11, force_abort = 1u << 13;

	(void)state;
	check_rtm(0, 0, 0, 0);
	check_rtm(~(always_abort | force_abort), ~0ull & ~0x80ull, 0, 0);
	check_rtm(0, 0x80, 0x122, 3);
	check_rtm(force_abort | always_abort, 0x80, 0x122, 3);
	check_rtm(force_abort, 0, 0x10f, 1);
	check_rtm(force_abort | always_abort, 0, 0x10f, 2);
	check_rtm(always_abort, 0, 0, 0); /* all abort already, and there is no MSR */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(misc_enable_is_intels_from_family_6_model_0dh_on),
		cmocka_unit_test(rtm_goes_off_by_the_msr_that_the_cpu_says_it_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
