/* vmx/ept.c: pages that are mapped for a short time. */
#include "tests/unit/ept_fixture.h"

#define CPU  5
#define ONES 0x7f000000ull

static struct ept ept;
static struct ept_loan loan;

static int setup_loan(void **state)
{
	setup(state);
	loan = (struct ept_loan){};
	for (unsigned int i = 0; i < EPT_LOAN_TABLES; i++)
		loan.table[i] = memory_alloc_page();
	assert_int_equal(ept_create(&ept), 0);
	return map(&ept, 0, 4 * GIB, 8 * MIB + 4 * KIB);
}

/* All is as it was before: in the loan's tables, too, nothing is left. */
static int give_back(void **state)
{
	(void)state;
	ept_take_back(&ept, &loan, CPU);
	for (unsigned int i = 0; i < EPT_LOAN_TABLES; i++) {
		for (unsigned int j = 0; j < 512; j++)
			assert_int_equal(loan.table[i][j], 0);
		memory_free_page(loan.table[i]);
	}
	destroy(&ept);
	assert_int_equal(pages, 0);
	return 0;
}

static void expect_lent(uint64_t gpa)
{
	struct walk found = walk(&ept, gpa + 0x123);

	assert_int_equal(found.hpa, ONES + 0x123);
	assert_int_equal(found.size, 4 * KIB);
	assert_int_equal(found.rights, 3); /* nothing is fetched from there */
}

static void a_page_is_there_until_it_is_taken_back(void **state)
{
	static const uint64_t places[] = {
		8 * MIB + 4 * KIB, /* a table of 4-KiB pages is there */
		10 * MIB,	   /* one of 2-MiB pages */
		2 * GIB,	   /* only the one above */
		256ull << 40 >> 1, /* none but the root */
		(256ull << 40) - 4 * KIB,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		assert_true(ept_lend(&ept, &loan, places[i], ONES));
		expect_lent(places[i]);
		assert_int_equal(walk(&ept, places[i] ^ 4 * KIB).rights & 3,
				 walk(&ept, places[i] ^ 4 * KIB).rights ? 3 : 0);
		ept_take_back(&ept, &loan, CPU);
		assert_int_equal(walk(&ept, places[i]).rights, 0);
		assert_int_equal(walk(&ept, 8 * MIB).hpa, 4 * GIB + 8 * MIB);
	}
}

static void neighbours_share_tables_and_far_ones_do_not(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		assert_true(ept_lend(&ept, &loan, 2 * GIB + i * 4 * KIB, ONES));
	assert_int_equal(loan.tables, 2);
	assert_true(ept_lend(&ept, &loan, 1ull << 40, ONES));
	assert_int_equal(loan.tables, 5);
	assert_false(ept_lend(&ept, &loan, 2ull << 40, ONES)); /* it has one table left */
	assert_int_equal(walk(&ept, 2ull << 40).rights, 0);
	expect_lent(2 * GIB + 3 * 4 * KIB);
	expect_lent(1ull << 40);
}

static void what_is_there_or_cannot_be_is_refused(void **state)
{
	(void)state;
	assert_false(ept_lend(&ept, &loan, 0, ONES));
	assert_false(ept_lend(&ept, &loan, 4 * MIB, ONES)); /* in a large page */
	assert_false(ept_lend(&ept, &loan, 8 * MIB, ONES));
	assert_false(ept_lend(&ept, &loan, 256ull << 40, ONES));
	assert_true(ept_lend(&ept, &loan, 2 * GIB, ONES));
	assert_false(ept_lend(&ept, &loan, 2 * GIB, ONES)); /* twice */
	assert_int_equal(loan.entries, 3);
}

static void a_loan_has_an_end_also_where_tables_are_shared(void **state)
{
	unsigned int lent = 0;

	(void)state;
	while (ept_lend(&ept, &loan, 2 * GIB + lent * 4 * KIB, ONES))
		lent++;
	assert_int_equal(lent, EPT_LOAN_ENTRIES - 2);
	assert_int_equal(loan.entries, EPT_LOAN_ENTRIES);
}

static void every_cpu_forgets_what_is_taken_back_once(void **state)
{
	(void)state;
	ept_take_back(&ept, &loan, CPU);
	assert_int_equal(invalidations, 0); /* nothing was lent */
	assert_true(ept_lend(&ept, &loan, 2 * GIB, ONES));
	assert_int_equal(invalidations, 0); /* what was not there is in no TLB */
	ept_take_back(&ept, &loan, CPU);
	assert_int_equal(invalidated, ept.pointer);
	assert_int_equal(invalidations, 1);
	ept_refresh(&ept, CPU);
	assert_int_equal(invalidations, 1);
	ept_refresh(&ept, 0);
	ept_refresh(&ept, 0);
	assert_int_equal(invalidations, 2);
}

int main(void)
{
#define LOAN(name) cmocka_unit_test_setup_teardown(name, setup_loan, give_back)
	const struct CMUnitTest tests[] = {
		LOAN(a_page_is_there_until_it_is_taken_back),
		LOAN(neighbours_share_tables_and_far_ones_do_not),
		LOAN(what_is_there_or_cannot_be_is_refused),
		LOAN(a_loan_has_an_end_also_where_tables_are_shared),
		LOAN(every_cpu_forgets_what_is_taken_back_once),
	};

	return cmocka_run_group_tests_name("ept_loan", tests, NULL, NULL);
}
