/* vmx/ept.c: who has to forget cached translations, and when. */
#include "tests/unit/ept_fixture.h"

#define CPU 5 /* this one */

static void what_is_to_be_given_back_is_forgotten_before(void **state)
{
	struct ept ept;
	uint64_t pointer;

	(void)state;
	assert_int_equal(ept_create(&ept), 0);
	pointer = ept.pointer;
	assert_int_equal(pointer & 0xfff, 0x1e); /* write-back tables, 4 levels */
	ept_forget(&ept);
	assert_int_equal(invalidated, pointer);
	assert_int_equal(ept.pointer, pointer); /* other CPUs have yet to forget it */
	destroy(&ept);
	assert_int_equal(invalidations, 1);
	ept_forget(&ept); /* of a VM that could not be made there is none */
	assert_int_equal(invalidations, 1);
	destroy(&ept);
	assert_int_equal(invalidations, 1);
}

/* Each forgets once, when it comes to it, and only what was changed elsewhere. */
static void expect_refreshed(struct ept *ept, unsigned int changed_on)
{
	for (unsigned int round = 0; round < 2; round++) {
		for (unsigned int cpu = 0; cpu < 64; cpu++) {
			invalidated = 0;
			ept_refresh(ept, cpu);
			assert_int_equal(invalidated,
					 round || cpu == changed_on ? 0 : ept->pointer);
		}
	}
}

static void after_a_split_every_other_cpu_forgets_once(void **state)
{
	struct ept ept;

	(void)state;
	capabilities.ept_split = true;
	assert_int_equal(ept_create(&ept), 0);
	assert_int_equal(map(&ept, 0, 4 * GIB, 8 * MIB), 0);
	for (unsigned int cpu = 0; cpu < 64; cpu++)
		ept_refresh(&ept, cpu);
	assert_int_equal(invalidations, 0); /* what was not there is in no TLB */
	assert_true(ept_split(&ept, CPU, 0));
	expect_refreshed(&ept, CPU);
	assert_true(ept_split(&ept, 63, 2 * MIB));
	expect_refreshed(&ept, 63);
	/* changed here and there before anyone came to it */
	assert_true(ept_split(&ept, CPU, 4 * MIB));
	assert_true(ept_split(&ept, 0, 6 * MIB));
	assert_false(ept_split(&ept, 1, 6 * MIB)); /* no change */
	expect_refreshed(&ept, 0);
	destroy(&ept);
	assert_int_equal(pages, 0);
}

static void giving_back_alone_forgets_nothing_and_ends_once(void **state)
{
	struct ept ept;

	(void)state;
	assert_int_equal(ept_create(&ept), 0);
	assert_int_equal(map(&ept, 0, 4 * KIB, 4 * KIB), 0);
	assert_true(ept_destroy_step(&ept));
	assert_int_equal(ept.pointer, 0);
	destroy(&ept);
	assert_int_equal(invalidations, 0);
	assert_false(ept_destroy_step(&ept));
	assert_int_equal(pages, 0);
}

static void a_device_is_there_where_it_is_set_and_every_cpu_forgets_what_it_was(void **state)
{
	const uint64_t gpa = 0xfee00000, hpa = 0x1234000;
	struct walk found;
	struct ept ept;

	(void)state;
	assert_int_equal(ept_create(&ept), 0);
	assert_int_equal(ept_reserve_device(&ept, gpa), 0);
	assert_int_equal(map(&ept, 0, 4 * GIB, 3 * GIB), 0);
	assert_int_equal(walk(&ept, gpa).rights, 0);
	ept_set_device(&ept, CPU, hpa);
	expect_refreshed(&ept, CPU);
	found = walk(&ept, gpa);
	assert_int_equal(found.hpa, hpa);
	assert_int_equal(found.size, 4 * KIB);
	assert_int_equal(found.rights, 3); /* nothing is executed there */
	assert_int_equal(walk(&ept, gpa + 4 * KIB).rights, 0);
	assert_int_equal(walk(&ept, gpa - 4 * KIB).rights, 0);
	invalidations = 0;
	ept_set_device(&ept, CPU, hpa);
	assert_int_equal(invalidations, 0); /* no change */
	ept_set_device(&ept, CPU, 0);
	expect_refreshed(&ept, CPU);
	assert_int_equal(walk(&ept, gpa).rights, 0);
	destroy(&ept);
	assert_int_equal(pages, 0);
}

static void want_of_memory_for_a_device_is_an_error_and_leaks_nothing(void **state)
{
	(void)state;
	for (int there = 1; there <= 3; there++) {
		struct ept ept;

		pages_left = there;
		assert_int_equal(ept_create(&ept), 0);
		assert_int_equal(ept_reserve_device(&ept, 0xfee00000), -ENOMEM);
		destroy(&ept);
		assert_int_equal(pages, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_is_to_be_given_back_is_forgotten_before, setup),
		cmocka_unit_test_setup(after_a_split_every_other_cpu_forgets_once, setup),
		cmocka_unit_test_setup(giving_back_alone_forgets_nothing_and_ends_once, setup),
		cmocka_unit_test_setup(
			a_device_is_there_where_it_is_set_and_every_cpu_forgets_what_it_was, setup),
		cmocka_unit_test_setup(want_of_memory_for_a_device_is_an_error_and_leaks_nothing,
				       setup),
	};

	return cmocka_run_group_tests_name("ept_forget", tests, NULL, NULL);
}
