#include "tests/unit/unit.h"

#include "boot/mtrr.h"
#include "boot/page_tables.h"

#define KIB4  0x1000ull
#define MIB2  0x200000ull
#define GIB1  0x40000000ull
#define TIB1  0x10000000000ull
#define FLAGS (PTE_WRITE | PTE_NX)

static void *pages[4096];
static unsigned int page_count, pages_left;
static struct mtrrs mtrrs;

static void *new_page(void)
{
	void *page;

	if (!pages_left)
		return NULL;
	pages_left--;
	page = aligned_alloc(4096, 4096);
	assert_non_null(page);
	assert_true(page_count < ARRAY_SIZE(pages));
	pages[page_count++] = page;
	return memset(page, 0, 4096);
}

static bool same_type(uint64_t address, uint64_t size)
{
	assert_int_equal(address % size, 0);
	return mtrrs_same_type(&mtrrs, address, size);
}

static struct page_tables tables = {.new_page = new_page, .same_type = same_type};

static int reset(void **state)
{
	(void)state;
	while (page_count)
		free(pages[--page_count]);
	pages_left = ARRAY_SIZE(pages);
	memset(&mtrrs, 0, sizeof(mtrrs));
	tables.gigabyte_pages = true;
	tables.pml4 = new_page();
	return 0;
}

/* The leaf that maps an address, and in *size its size; 0 if there is none. */
static uint64_t leaf(uint64_t address, uint64_t *size)
{
	const uint64_t *table = tables.pml4;

	for (int shift = 39;; shift -= 9) {
		uint64_t entry = table[address >> shift & 511];

		*size = 1ull << shift;
		if (!(entry & PTE_PRESENT))
			return 0;
		if (shift == 12 || entry & PTE_LARGE)
			return entry;
		table = (const uint64_t *)(entry & PTE_ADDRESS);
	}
}

static void expect_size(uint64_t address, uint64_t expected)
{
	uint64_t size, entry = leaf(address, &size);

	assert_int_equal(entry & PTE_ADDRESS & ~(size - 1), address & ~(size - 1));
	assert_int_equal(entry & ~PTE_ADDRESS & ~PTE_LARGE, PTE_PRESENT | FLAGS);
	assert_int_equal(size, expected);
}

static void expect_nothing(uint64_t address)
{
	uint64_t size;

	assert_int_equal(leaf(address, &size), 0);
}

static void map(uint64_t start, uint64_t end)
{
	assert_int_equal(page_tables_map(&tables, start, end, FLAGS), 0);
}

static void pages_are_as_large_as_fits_in_the_range_and_no_larger(void **state)
{
	(void)state;
	map(GIB1 - MIB2 - KIB4, 3 * GIB1 + MIB2 + KIB4);
	expect_nothing(GIB1 - MIB2 - 2 * KIB4);
	expect_size(GIB1 - MIB2 - KIB4, KIB4);
	expect_size(GIB1 - MIB2, MIB2);
	expect_size(GIB1, GIB1);
	expect_size(2 * GIB1, GIB1);
	expect_size(3 * GIB1, MIB2);
	expect_size(3 * GIB1 + MIB2, KIB4);
	expect_nothing(3 * GIB1 + MIB2 + KIB4);
}

static void without_gigabyte_pages_there_are_none(void **state)
{
	(void)state;
	tables.gigabyte_pages = false;
	map(GIB1, 2 * GIB1);
	expect_size(GIB1, MIB2);
	expect_size(2 * GIB1 - 1, MIB2);
}

static void memory_above_512_gib_is_mapped_too(void **state)
{
	(void)state;
	map(TIB1 / 2 - GIB1, TIB1 / 2 + 2 * GIB1 + MIB2);
	map(PAGE_TABLES_LIMIT - GIB1 - KIB4, PAGE_TABLES_LIMIT);
	expect_size(TIB1 / 2 - 1, GIB1);
	expect_size(TIB1 / 2, GIB1);
	expect_size(TIB1 / 2 + 2 * GIB1, MIB2);
	expect_nothing(TIB1 / 2 + 2 * GIB1 + MIB2);
	expect_size(PAGE_TABLES_LIMIT - GIB1 - KIB4, KIB4);
	expect_size(PAGE_TABLES_LIMIT - 1, GIB1);
	expect_nothing(0);
}

static void what_is_mapped_stays_as_it_is(void **state)
{
	uint64_t size;

	(void)state;
	assert_int_equal(page_tables_map(&tables, MIB2 + KIB4, MIB2 + 2 * KIB4, PTE_PCD), 0);
	map(0, 4 * MIB2);
	map(0, GIB1);
	assert_int_equal(leaf(MIB2 + KIB4, &size), (MIB2 + KIB4) | PTE_PRESENT | PTE_PCD);
	expect_size(0, MIB2);
	expect_size(MIB2, KIB4);
	expect_size(2 * MIB2 - KIB4, KIB4);
	expect_size(GIB1 - MIB2, MIB2);
	assert_int_equal(page_tables_map(&tables, 2 * MIB2 + KIB4, 2 * MIB2 + 2 * KIB4, 0), 0);
	expect_size(2 * MIB2 + KIB4, MIB2);
}

static void a_range_that_is_none_is_refused(void **state)
{
	(void)state;
	assert_int_equal(page_tables_map(&tables, KIB4, 0, FLAGS), -EINVAL);
	assert_int_equal(page_tables_map(&tables, 1, KIB4, FLAGS), -EINVAL);
	assert_int_equal(page_tables_map(&tables, 0, KIB4 + 1, FLAGS), -EINVAL);
	assert_int_equal(
		page_tables_map(&tables, PAGE_TABLES_LIMIT, PAGE_TABLES_LIMIT + KIB4, FLAGS),
		-EINVAL);
	assert_int_equal(page_tables_map(&tables, KIB4, KIB4, FLAGS), 0);
	expect_nothing(KIB4);
	pages_left = 2;
	assert_int_equal(page_tables_map(&tables, KIB4, 2 * KIB4, FLAGS), -ENOMEM);
}

static void the_limit_is_the_cpus_width_or_the_lower_half(void **state)
{
	(void)state;
	for (uint32_t bits = 0; bits <= 255; bits++) {
		uint64_t limit = page_tables_limit(0x80000008, 0x123400 | bits);

		assert_int_equal(limit, bits < 47 ? 1ull << bits : PAGE_TABLES_LIMIT);
		assert_int_equal(page_tables_limit(0x80000007, bits), 1ull << 36);
		assert_int_equal(page_tables_limit(0, bits), 1ull << 36);
	}
}

/* Each page of [start, end) is there as it was mapped, but for the one that was left out. */
static void expect_all_but(uint64_t out, uint64_t start, uint64_t end, uint64_t flags)
{
	for (uint64_t at = start; at < end; at += KIB4) {
		uint64_t size, entry = leaf(at, &size);

		if (at == out) {
			assert_int_equal(entry, 0);
			assert_int_equal(size, KIB4);
			continue;
		}
		assert_int_equal(entry, (at & ~(size - 1)) | flags | PTE_PRESENT |
						(size > KIB4 ? PTE_LARGE : 0));
	}
}

static void a_page_that_is_left_out_splits_what_is_around_it_and_no_more(void **state)
{
	static const uint64_t flags[] = {FLAGS, 0, PTE_NX, PTE_WRITE | PTE_PWT | PTE_PCD};
	static const uint64_t at[] = {GIB1, 2 * GIB1 - KIB4, GIB1 + 7 * MIB2,
				      GIB1 + 7 * MIB2 + KIB4, 2 * GIB1 - MIB2 - KIB4};

	for (size_t i = 0; i < ARRAY_SIZE(flags) * ARRAY_SIZE(at); i++) {
		uint64_t flag = flags[i % ARRAY_SIZE(flags)], out = at[i / ARRAY_SIZE(flags)];
		uint64_t large = out & ~(MIB2 - 1), size;
		unsigned int before;

		reset(state);
		assert_int_equal(page_tables_map(&tables, 0, 3 * GIB1, flag), 0);
		before = page_count;
		assert_int_equal(page_tables_unmap(&tables, out), 0);
		assert_int_equal(page_count - before, 2);
		expect_all_but(out, 0, 3 * GIB1, flag);
		leaf(GIB1 - 1, &size);
		assert_int_equal(size, GIB1);
		leaf(2 * GIB1, &size);
		assert_int_equal(size, GIB1);
		for (uint64_t page = GIB1; page < 2 * GIB1; page += MIB2) {
			leaf(page, &size);
			assert_int_equal(size, page == large ? KIB4 : MIB2);
		}
	}
}

static void of_a_2m_page_its_neighbours_stay(void **state)
{
	unsigned int before;

	(void)state;
	tables.gigabyte_pages = false;
	map(0, 4 * MIB2 + 2 * KIB4);
	before = page_count;
	assert_int_equal(page_tables_unmap(&tables, 2 * MIB2 - KIB4 + 0x123),
			 0); /* anywhere in it */
	assert_int_equal(page_count - before, 1);
	expect_all_but(2 * MIB2 - KIB4, 0, 4 * MIB2 + 2 * KIB4, FLAGS);
	expect_size(0, MIB2);
	expect_size(MIB2, KIB4);
	expect_size(2 * MIB2, MIB2);
	/* one that is small already takes no table, and goes alone */
	assert_int_equal(page_tables_unmap(&tables, MIB2), 0);
	assert_int_equal(page_tables_unmap(&tables, 4 * MIB2 + KIB4), 0);
	assert_int_equal(page_count - before, 1);
	expect_nothing(MIB2);
	expect_nothing(4 * MIB2 + KIB4);
	expect_size(MIB2 + KIB4, KIB4);
	expect_size(4 * MIB2, KIB4);
	/* and can be mapped again */
	map(0, 4 * MIB2 + 2 * KIB4);
	expect_all_but(UINT64_MAX, 0, 4 * MIB2 + 2 * KIB4, FLAGS);
	assert_int_equal(page_count - before, 1);
}

static void what_is_not_mapped_need_not_be_left_out(void **state)
{
	(void)state;
	assert_int_equal(page_tables_unmap(&tables, 5 * GIB1), 0); /* not at any level */
	map(GIB1, GIB1 + MIB2 + KIB4);
	pages_left = 0;
	assert_int_equal(page_tables_unmap(&tables, TIB1), 0);
	assert_int_equal(page_tables_unmap(&tables, 0), 0);
	assert_int_equal(page_tables_unmap(&tables, GIB1 + 2 * MIB2), 0);
	assert_int_equal(page_tables_unmap(&tables, GIB1 + MIB2 + KIB4), 0);
	assert_int_equal(page_tables_unmap(&tables, GIB1 + MIB2), 0);
	assert_int_equal(page_tables_unmap(&tables, GIB1 + MIB2), 0); /* twice */
	expect_size(GIB1, MIB2);
	expect_nothing(GIB1 + MIB2);
}

/* Whatever has been split by then, all stays mapped. */
static void without_a_page_for_a_table_nothing_is_left_out(void **state)
{
	(void)state;
	map(0, 2 * GIB1);
	for (unsigned int left = 0; left < 2; left++) {
		pages_left = left;
		assert_int_equal(page_tables_unmap(&tables, GIB1 + KIB4), -ENOMEM);
		expect_all_but(UINT64_MAX, 0, 2 * GIB1, FLAGS);
	}
	expect_size(0, GIB1);
	expect_size(GIB1, MIB2);
	pages_left = 1;
	assert_int_equal(page_tables_unmap(&tables, GIB1 + KIB4), 0);
	expect_all_but(GIB1 + KIB4, 0, 2 * GIB1, FLAGS);
}

static void add_mtrr(uint64_t base, uint64_t size)
{
	mtrrs.on = true;
	mtrrs.range[mtrrs.count].base = base | 6;
	mtrrs.range[mtrrs.count++].mask = ~(size - 1) & 0xfffffff000;
}

static void a_large_page_never_spans_a_change_of_type(void **state)
{
	(void)state;
	add_mtrr(0, 8 * GIB1);
	add_mtrr(3 * GIB1, GIB1);
	add_mtrr(6 * GIB1 + 3 * MIB2, MIB2);	   /* a whole large page */
	add_mtrr(6 * GIB1 + 5 * MIB2, 16 * KIB4);  /* some pages of one */
	add_mtrr(7 * GIB1 - 32 * KIB4, 32 * KIB4); /* the end of one */
	map(GIB1, 8 * GIB1);
	expect_size(2 * GIB1, GIB1);
	expect_size(3 * GIB1, GIB1);
	expect_size(5 * GIB1, GIB1);
	expect_size(6 * GIB1, MIB2);
	expect_size(6 * GIB1 + 3 * MIB2, MIB2);
	expect_size(6 * GIB1 + 4 * MIB2, MIB2);
	expect_size(6 * GIB1 + 5 * MIB2, KIB4);
	expect_size(6 * GIB1 + 5 * MIB2 + 16 * KIB4, KIB4);
	expect_size(6 * GIB1 + 6 * MIB2, MIB2);
	expect_size(7 * GIB1 - KIB4, KIB4);
	expect_size(7 * GIB1, GIB1);
}

static void mtrrs_that_are_off_split_nothing_and_the_fixed_ones_the_first_page(void **state)
{
	(void)state;
	add_mtrr(GIB1 + KIB4, KIB4);
	mtrrs.on = false;
	assert_true(mtrrs_same_type(&mtrrs, GIB1, GIB1));
	assert_true(mtrrs_same_type(&mtrrs, 0, MIB2));
	mtrrs.on = true;
	assert_false(mtrrs_same_type(&mtrrs, GIB1, GIB1));
	assert_false(mtrrs_same_type(&mtrrs, GIB1, MIB2));
	assert_true(mtrrs_same_type(&mtrrs, GIB1 + KIB4, KIB4));
	assert_true(mtrrs_same_type(&mtrrs, GIB1 + MIB2, MIB2));
	assert_false(mtrrs_same_type(&mtrrs, 0, MIB2));
	assert_true(mtrrs_same_type(&mtrrs, 0xb8000, KIB4));
}

/* A mask may have holes: then the range is many pieces. The oracle asks page by page. */
static void random_mtrrs_agree_with_a_look_at_every_page(void **state)
{
	uint64_t seed = 0x4747;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		uint64_t at = (8 + random_next(&seed) % 8) * MIB2;
		bool in = false, out = false;

		mtrrs.on = true;
		mtrrs.count = 1;
		mtrrs.range[0].mask = (random_next(&seed) | random_next(&seed)) & 0x1fff000;
		mtrrs.range[0].base = random_next(&seed) & 0x1fff000;
		for (uint64_t page = at; page < at + MIB2; page += KIB4) {
			bool match = !((page ^ mtrrs.range[0].base) & mtrrs.range[0].mask);

			in |= match;
			out |= !match;
		}
		/* a base with bits that the mask has not matches all the same */
		assert_int_equal(mtrrs_same_type(&mtrrs, at, MIB2), !(in && out));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(pages_are_as_large_as_fits_in_the_range_and_no_larger,
				       reset),
		cmocka_unit_test_setup(without_gigabyte_pages_there_are_none, reset),
		cmocka_unit_test_setup(memory_above_512_gib_is_mapped_too, reset),
		cmocka_unit_test_setup(what_is_mapped_stays_as_it_is, reset),
		cmocka_unit_test_setup(a_range_that_is_none_is_refused, reset),
		cmocka_unit_test_setup(the_limit_is_the_cpus_width_or_the_lower_half, reset),
		cmocka_unit_test_setup(a_page_that_is_left_out_splits_what_is_around_it_and_no_more,
				       reset),
		cmocka_unit_test_setup(of_a_2m_page_its_neighbours_stay, reset),
		cmocka_unit_test_setup(what_is_not_mapped_need_not_be_left_out, reset),
		cmocka_unit_test_setup(without_a_page_for_a_table_nothing_is_left_out, reset),
		cmocka_unit_test_setup(a_large_page_never_spans_a_change_of_type, reset),
		cmocka_unit_test_setup(
			mtrrs_that_are_off_split_nothing_and_the_fixed_ones_the_first_page, reset),
		cmocka_unit_test_setup_teardown(random_mtrrs_agree_with_a_look_at_every_page, reset,
						reset),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	while (page_count)
		free(pages[--page_count]);
	return failed;
}
