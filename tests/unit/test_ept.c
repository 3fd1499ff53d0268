/* vmx/ept.c: what is mapped by which page size, what is refused, what may be executed, and that no
 * step is long. */
#include "tests/unit/ept_fixture.h"

#define CPU 0 /* this one */

static uint64_t translate(const struct ept *ept, uint64_t gpa)
{
	struct walk w = walk(ept, gpa);

	if (w.rights)
		assert_int_equal(w.rights, 7);
	return w.hpa;
}

static void expect_pages(uint64_t gpa, uint64_t hpa, uint64_t size, uint64_t p1g, uint64_t p2m,
			 uint64_t p4k)
{
	struct ept ept;

	assert_int_equal(ept_create(&ept), 0);
	assert_int_equal(map(&ept, gpa, hpa, size), 0);
	assert_int_equal(ept.pages_1g, p1g);
	assert_int_equal(ept.pages_2m, p2m);
	assert_int_equal(ept.pages_4k, p4k);
	assert_int_equal(translate(&ept, gpa), hpa);
	assert_int_equal(translate(&ept, gpa + size - 1), hpa + size - 1);
	assert_int_equal(translate(&ept, gpa + size / 2 + 123), hpa + size / 2 + 123);
	assert_int_equal(translate(&ept, gpa + size), UINT64_MAX);
	if (gpa)
		assert_int_equal(translate(&ept, gpa - 1), UINT64_MAX);
	destroy(&ept);
	assert_int_equal(pages, 0);
}

static void test_the_largest_page_that_fits_is_used(void **state)
{
	(void)state;
	expect_pages(0, 4 * GIB, 2 * GIB, 2, 0, 0);
	expect_pages(0, 4 * GIB, GIB + 3 * MIB, 1, 1, 256);
	expect_pages(GIB, 2 * GIB + 2 * MIB, GIB, 0, 512, 0);
	expect_pages(512 * GIB, 7 * GIB, GIB, 1, 0, 0);
	expect_pages(2 * MIB, 4 * KIB, 2 * MIB, 0, 0, 512);
	expect_pages(4 * KIB, 4 * KIB, 2 * MIB, 0, 0, 512);
}

static void test_without_1g_pages_2m_pages_are_used(void **state)
{
	(void)state;
	capabilities.ept_vpid = EPT_CAP_2M_PAGES;
	expect_pages(0, 4 * GIB, GIB, 0, 512, 0);
}

static void test_what_is_mapped_already_or_not_aligned_is_refused(void **state)
{
	struct ept ept;

	(void)state;
	assert_int_equal(ept_create(&ept), 0);
	assert_int_equal(map(&ept, 0, GIB, 4 * MIB), 0);
	assert_int_equal(map(&ept, 2 * MIB, GIB, 2 * MIB), -EEXIST);
	assert_int_equal(map(&ept, 3 * MIB, GIB, 4 * KIB), -EEXIST);
	assert_int_equal(map(&ept, 8 * MIB + 1, GIB, 4 * KIB), -EINVAL);
	assert_int_equal(map(&ept, 8 * MIB, GIB + 512, 4 * KIB), -EINVAL);
	assert_int_equal(map(&ept, 8 * MIB, GIB, 1), -EINVAL);
	assert_int_equal(map(&ept, (1ull << 48) - 4 * KIB, GIB, 8 * KIB), -EINVAL);
	assert_int_equal(map(&ept, UINT64_MAX - 4 * KIB + 1, GIB, 8 * KIB), -EINVAL);
	destroy(&ept);
	assert_int_equal(pages, 0);
}

static void test_want_of_memory_is_an_error_and_leaks_nothing(void **state)
{
	struct ept ept;

	(void)state;
	pages_left = 3; /* root, PDPT, PD: one short */
	assert_int_equal(ept_create(&ept), 0);
	assert_int_equal(map(&ept, 0, GIB, 4 * KIB), -ENOMEM);
	destroy(&ept);
	assert_int_equal(pages, 0);
	pages_left = 0;
	assert_int_equal(ept_create(&ept), -ENOMEM);
}

/* All of [gpa, gpa + size) is there, readable and writable, and executable if and only if small. */
static void expect_split(const struct ept *ept, uint64_t gpa, uint64_t hpa, uint64_t size)
{
	for (uint64_t at = 0; at < size; at += 4 * KIB) {
		struct walk w = walk(ept, gpa + at);

		assert_int_equal(w.hpa, hpa + at);
		assert_int_equal(w.rights, w.size == 4 * KIB ? 7 : 3);
	}
}

static void test_only_4k_pages_are_executable_where_large_ones_are_split(void **state)
{
	struct ept ept;

	(void)state;
	capabilities.ept_split = true;
	pages_left = 1000;
	assert_int_equal(ept_create(&ept), 0);
	assert_int_equal(map(&ept, 0, 4 * GIB, GIB + 4 * MIB + 8 * KIB), 0);
	expect_split(&ept, 0, 4 * GIB, GIB + 4 * MIB + 8 * KIB);
	assert_int_equal(walk(&ept, 123).size, GIB);
	assert_int_equal(walk(&ept, GIB).size, 2 * MIB);
	assert_int_equal(walk(&ept, GIB + 4 * MIB).rights, 7);
	destroy(&ept);
	assert_int_equal(pages, 0);
}

static void test_a_fetch_splits_its_2m_region_and_no_other(void **state)
{
	struct ept ept;

	(void)state;
	capabilities.ept_split = true;
	assert_int_equal(ept_create(&ept), 0);
	assert_int_equal(map(&ept, 0, 4 * GIB, 8 * MIB), 0);
	invalidated = 0;
	pages_left = 0; /* what a split takes was set aside */
	assert_true(ept_split(&ept, CPU, 3 * MIB + 17));
	assert_int_equal(invalidated, ept.pointer);
	assert_int_equal(ept.splits, 1);
	assert_int_equal(ept.pages_2m, 3);
	assert_int_equal(ept.pages_4k, 512);
	for (uint64_t gpa = 0; gpa < 8 * MIB; gpa += MIB)
		assert_int_equal(walk(&ept, gpa).size, gpa / (2 * MIB) == 1 ? 4 * KIB : 2 * MIB);
	expect_split(&ept, 0, 4 * GIB, 8 * MIB);
	destroy(&ept);
	assert_int_equal(pages, 0);
}

static void test_a_fetch_from_a_1g_page_leaves_the_rest_of_it_large(void **state)
{
	struct ept ept;

	(void)state;
	capabilities.ept_split = true;
	pages_left = 1000;
	assert_int_equal(ept_create(&ept), 0);
	assert_int_equal(map(&ept, GIB, 4 * GIB, GIB), 0);
	assert_int_equal(ept.pages_1g, 1);
	assert_true(ept_split(&ept, CPU, GIB + 6 * MIB + 4 * KIB));
	assert_int_equal(ept.splits, 2);
	assert_int_equal(ept.pages_1g, 0);
	assert_int_equal(ept.pages_2m, 511);
	assert_int_equal(ept.pages_4k, 512);
	assert_int_equal(walk(&ept, GIB + 6 * MIB).size, 4 * KIB);
	assert_int_equal(walk(&ept, GIB + 8 * MIB).size, 2 * MIB);
	expect_split(&ept, GIB, 4 * GIB, GIB);
	destroy(&ept);
	assert_int_equal(pages, 0);
}

static void test_a_guest_that_executes_everywhere_finds_a_table_each_time(void **state)
{
	struct ept ept;

	(void)state;
	capabilities.ept_split = true;
	pages_left = 1200;
	assert_int_equal(ept_create(&ept), 0);
	assert_int_equal(map(&ept, 0, 4 * GIB, 2 * GIB), 0);
	pages_left = 0;
	for (uint64_t gpa = 0; gpa < 2 * GIB; gpa += 2 * MIB)
		assert_true(ept_split(&ept, CPU, gpa));
	assert_int_equal(ept.pages_1g + ept.pages_2m, 0);
	assert_int_equal(ept.pages_4k, 2 * GIB / (4 * KIB));
	assert_null(ept.spare);
	expect_split(&ept, 0, 4 * GIB, 2 * GIB);
	destroy(&ept);
	assert_int_equal(pages, 0);
}

static void test_what_cannot_be_split_is_left_alone(void **state)
{
	struct ept ept;

	(void)state;
	for (int split = 0; split < 2; split++) {
		capabilities.ept_split = split;
		assert_int_equal(ept_create(&ept), 0);
		assert_int_equal(map(&ept, 0, 4 * GIB, 2 * MIB + 4 * KIB), 0);
		invalidated = 0;
		assert_int_equal(ept_split(&ept, CPU, 5), split);
		assert_int_equal(invalidated, split ? ept.pointer : 0);
		invalidated = 0;
		assert_false(ept_split(&ept, CPU, 5));		/* once is enough */
		assert_false(ept_split(&ept, CPU, 2 * MIB));	/* small and executable */
		assert_false(ept_split(&ept, CPU, 4 * MIB));	/* not mapped */
		assert_false(ept_split(&ept, CPU, 600 * GIB));	/* not mapped at any level */
		assert_false(ept_split(&ept, CPU, 1ull << 48)); /* no guest-physical address */
		assert_int_equal(ept.splits, split);
		assert_int_equal(invalidated, 0);
		destroy(&ept);
		assert_int_equal(pages, 0);
	}
}

static void test_want_of_memory_for_splits_is_an_error_at_the_start(void **state)
{
	struct ept ept;

	(void)state;
	capabilities.ept_split = true;
	pages_left = 3 + 3; /* root, PDPT and PD, and tables for three of four large pages */
	assert_int_equal(ept_create(&ept), 0);
	assert_int_equal(map(&ept, 0, GIB, 8 * MIB), -ENOMEM);
	destroy(&ept);
	assert_int_equal(pages, 0);
}

/* 512 entries of each of three tables are looked through, 64 a step, besides one table a step. */
static void test_tables_are_given_back_one_a_step_wherever_they_hang(void **state)
{
	static const uint64_t at[] = {0,	 2 * MIB,   GIB - 2 * MIB,	   GIB,
				      511 * GIB, 512 * GIB, (1ull << 48) - 4 * KIB};
	struct ept ept;
	int tables;

	(void)state;
	assert_int_equal(ept_create(&ept), 0);
	for (unsigned i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		assert_int_equal(map(&ept, at[i], 4 * KIB, 4 * KIB), 0);
	tables = pages;
	assert_int_equal(tables, 1 + 3 + 5 + 7);
	assert_in_range(destroy(&ept), tables, tables + (1 + 3 + 5) * 512 / 64);
	assert_int_equal(pages, 0);
}

static void test_refused_at_any_page_it_is_given_back_wholly(void **state)
{
	struct ept ept;
	int short_of;

	(void)state;
	for (int split = 0; split < 2; split++) {
		capabilities.ept_split = split;
		for (short_of = 1; short_of < 100; short_of++) {
			int error;

			pages_left = short_of;
			assert_int_equal(ept_create(&ept), 0);
			error = map(&ept, GIB - 8 * MIB - 4 * KIB, GIB - 4 * KIB, 16 * MIB);
			destroy(&ept);
			assert_int_equal(pages, 0);
			if (!error)
				break;
			assert_int_equal(error, -ENOMEM);
		}
		assert_int_equal(short_of, split ? 6 + 7 : 6); /* tables, and one a large page */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_the_largest_page_that_fits_is_used, setup),
		cmocka_unit_test_setup(test_without_1g_pages_2m_pages_are_used, setup),
		cmocka_unit_test_setup(test_what_is_mapped_already_or_not_aligned_is_refused,
				       setup),
		cmocka_unit_test_setup(test_want_of_memory_is_an_error_and_leaks_nothing, setup),
		cmocka_unit_test_setup(test_only_4k_pages_are_executable_where_large_ones_are_split,
				       setup),
		cmocka_unit_test_setup(test_a_fetch_splits_its_2m_region_and_no_other, setup),
		cmocka_unit_test_setup(test_a_fetch_from_a_1g_page_leaves_the_rest_of_it_large,
				       setup),
		cmocka_unit_test_setup(
			test_a_guest_that_executes_everywhere_finds_a_table_each_time, setup),
		cmocka_unit_test_setup(test_what_cannot_be_split_is_left_alone, setup),
		cmocka_unit_test_setup(test_want_of_memory_for_splits_is_an_error_at_the_start,
				       setup),
		cmocka_unit_test_setup(test_tables_are_given_back_one_a_step_wherever_they_hang,
				       setup),
		cmocka_unit_test_setup(test_refused_at_any_page_it_is_given_back_wholly, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
