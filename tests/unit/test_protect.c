/* boot/protect.c: each bit of CR4 where its bit of CPUID is, and nothing else. */
#include "tests/unit/unit.h"

#include "boot/protect.h"

static void each_protection_is_on_where_the_cpu_has_it(void **state)
{
	static const struct {
		uint32_t ebx, ecx;
		uint64_t cr4;
	} rows[] = {
		{1u << 7, 0, 1ull << 20},  /* SMEP */
		{1u << 20, 0, 1ull << 21}, /* SMAP */
		{0, 1u << 2, 1ull << 11},  /* UMIP */
	};
	uint64_t all = 0;

	(void)state;
	assert_int_equal(protect_cr4(0, 0), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(protect_cr4(rows[i].ebx, rows[i].ecx), rows[i].cr4);
		assert_int_equal(protect_cr4(~rows[i].ebx, ~rows[i].ecx) & rows[i].cr4, 0);
		all |= rows[i].cr4;
	}
	assert_int_equal(protect_cr4(UINT32_MAX, UINT32_MAX), all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_protection_is_on_where_the_cpu_has_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
