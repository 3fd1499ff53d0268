#include "tests/unit/unit.h"

#include "vmm/lost_memory.h"

static void check_run(uint64_t start, uint64_t size, bool lost, uint64_t run)
{
	bool is_lost = !lost;

	assert_int_equal(lost_memory_run(start, size, &is_lost), run);
	assert_int_equal(is_lost, lost);
}

static void whole_pages_are_lost_and_the_rest_is_not(void **state)
{
	(void)state;
	check_run(0x1000, 0x10000, false, 0x10000);
	assert_true(lost_memory_note(0x5040, 0x40));
	assert_true(lost_memory_note(0x7ff0, 0x20)); /* over the end of a page */
	check_run(0x1000, 0x4000, false, 0x4000);
	check_run(0x1000, 0x10000, false, 0x4000);
	check_run(0x5000, 0x10000, true, 0x1000);
	check_run(0x5800, 0x100, true, 0x100);
	check_run(0x6000, 0x10000, false, 0x1000);
	check_run(0x7000, 0x10000, true, 0x2000);
	check_run(0x9000, 0x10000, false, 0x10000);
}

static void what_cannot_be_noted_is_refused(void **state)
{
	unsigned int noted = 0;

	(void)state;
	while (noted < 1000 && lost_memory_note(0x100000 + noted * 0x2000ull, 1))
		noted++;
	assert_in_range(noted, 1, 999);
	check_run(0x100000 + (noted - 1) * 0x2000ull, 0x3000, true, 0x1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_pages_are_lost_and_the_rest_is_not),
		cmocka_unit_test(what_cannot_be_noted_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
