#include "tests/unit/unit.h"

#include "lib/frames.h"

#define PAGE FRAME_SIZE

static struct frames frames;

static int reset(void **state)
{
	(void)state;
	frames_init(&frames);
	return 0;
}

static void check_sorted_and_merged(void)
{
	uint64_t last = 0;

	assert_true(frames.count <= FRAMES_RANGES_MAX);
	for (uint32_t i = 0; i < frames.count; i++) {
		assert_true(frames.range[i].start > last);
		assert_true(frames.range[i].end > frames.range[i].start);
		assert_int_equal((frames.range[i].start | frames.range[i].end) % PAGE, 0);
		last = frames.range[i].end;
	}
}

static void add_aligns_inward_and_merges(void **state)
{
	(void)state;
	assert_int_equal(frames_add(&frames, 0x1001, 0x4FFF), 0);
	assert_int_equal(frames.range[0].start, 0x2000);
	assert_int_equal(frames.range[0].end, 0x4000);
	assert_int_equal(frames_add(&frames, 0x8000, 0x9000), 0);
	assert_int_equal(frames_add(&frames, 0x4000, 0x8000), 0);
	assert_int_equal(frames.count, 1);
	assert_int_equal(frames_free_bytes(&frames), 0x7000);
	assert_int_equal(frames_add(&frames, 0x20001, 0x20FFF), 0);
	assert_int_equal(frames_add(&frames, 0x20000, 0x20000), 0);
	assert_int_equal(frames.count, 1);
}

static void add_refuses_overlaps_and_reversed_ranges(void **state)
{
	(void)state;
	assert_int_equal(frames_add(&frames, 0x10000, 0x20000), 0);
	assert_int_equal(frames_add(&frames, 0x10000, 0x20000), -EEXIST);
	assert_int_equal(frames_add(&frames, 0x1F000, 0x21000), -EEXIST);
	assert_int_equal(frames_add(&frames, 0xF000, 0x11000), -EEXIST);
	assert_int_equal(frames_add(&frames, 0x1000, 0x30000), -EEXIST);
	assert_int_equal(frames_add(&frames, 0x12000, 0x13000), -EEXIST);
	assert_int_equal(frames_add(&frames, 0x40000, 0x30000), -EINVAL);
	assert_int_equal(frames_free_bytes(&frames), 0x10000);
}

static void frame_zero_is_never_handed_out(void **state)
{
	(void)state;
	assert_int_equal(frames_add(&frames, 0, 0x1000), 0);
	assert_int_equal(frames.count, 0);
	assert_int_equal(frames_add(&frames, 0, 0x3000), 0);
	assert_int_equal(frames_free_bytes(&frames), 0x2000);
	assert_int_equal(frames_alloc(&frames, PAGE, PAGE, FRAMES_NO_LIMIT), 0x2000);
	assert_int_equal(frames_alloc(&frames, PAGE, PAGE, FRAMES_NO_LIMIT), 0x1000);
	assert_int_equal(frames_alloc(&frames, PAGE, PAGE, FRAMES_NO_LIMIT), 0);
	assert_int_equal(frames_free(&frames, 0, PAGE), -EINVAL);
}

static void the_top_of_the_address_space_is_usable(void **state)
{
	(void)state;
	assert_int_equal(frames_add(&frames, UINT64_MAX - 3 * PAGE, UINT64_MAX), 0);
	assert_int_equal(frames_alloc(&frames, PAGE, PAGE, FRAMES_NO_LIMIT), -2 * PAGE);
	assert_int_equal(frames_free(&frames, -2 * PAGE, PAGE), 0);
	assert_int_equal(frames_free(&frames, -PAGE, 2 * PAGE), -EINVAL);
	assert_int_equal(frames_add(&frames, 1, UINT64_MAX - 4 * PAGE), 0);
	check_sorted_and_merged();
}

static void alloc_takes_the_highest_fit_below_the_limit(void **state)
{
	(void)state;
	frames_add(&frames, 0x100000, 0x200000);
	frames_add(&frames, 0x400000, 0x500000);
	assert_int_equal(frames_alloc(&frames, 1, PAGE, FRAMES_NO_LIMIT), 0x4FF000);
	assert_int_equal(frames_alloc(&frames, 2 * PAGE, PAGE, 0x300000), 0x1FE000);
	assert_int_equal(frames_alloc(&frames, PAGE, PAGE, 0x410FFF), 0x40F000);
	assert_int_equal(frames_alloc(&frames, PAGE, PAGE, 0x100FFF), 0);
	assert_int_equal(frames_alloc(&frames, PAGE, PAGE, 0x101000), 0x100000);
	check_sorted_and_merged();
}

static void alloc_aligns_and_keeps_both_remainders(void **state)
{
	(void)state;
	frames_add(&frames, 0x101000, 0x5FF000);
	assert_int_equal(frames_alloc(&frames, 0x200000, 0x200000, FRAMES_NO_LIMIT), 0x200000);
	assert_int_equal(frames.count, 2);
	assert_int_equal(frames_free_bytes(&frames), 0x4FE000 - 0x200000);
	assert_int_equal(frames_alloc(&frames, 0x200000, 0x200000, FRAMES_NO_LIMIT), 0);
	assert_int_equal(frames_free(&frames, 0x200000, 0x200000), 0);
	assert_int_equal(frames.count, 1);
}

static void alloc_refuses_senseless_arguments(void **state)
{
	(void)state;
	frames_add(&frames, PAGE, 0x100000);
	assert_int_equal(frames_alloc(&frames, 0, PAGE, FRAMES_NO_LIMIT), 0);
	assert_int_equal(frames_alloc(&frames, UINT64_MAX, PAGE, FRAMES_NO_LIMIT), 0);
	assert_int_equal(frames_alloc(&frames, PAGE, 0, FRAMES_NO_LIMIT), 0);
	assert_int_equal(frames_alloc(&frames, PAGE, 0x800, FRAMES_NO_LIMIT), 0);
	assert_int_equal(frames_alloc(&frames, PAGE, 0x3000, FRAMES_NO_LIMIT), 0);
	assert_int_equal(frames_alloc(&frames, PAGE, PAGE, 0), 0);
}

static void free_detects_a_double_free(void **state)
{
	uint64_t at;

	(void)state;
	frames_add(&frames, 0x100000, 0x200000);
	at = frames_alloc(&frames, 3 * PAGE, PAGE, FRAMES_NO_LIMIT);
	assert_int_equal(frames_free(&frames, at + 1, PAGE), -EINVAL);
	assert_int_equal(frames_free(&frames, at, 0), -EINVAL);
	assert_int_equal(frames_free(&frames, at, UINT64_MAX), -EINVAL);
	assert_int_equal(frames_free(&frames, at - PAGE, 2 * PAGE), -EINVAL);
	assert_int_equal(frames_free(&frames, at, 3 * PAGE), 0);
	assert_int_equal(frames_free(&frames, at, 3 * PAGE), -EINVAL);
	assert_int_equal(frames_free_bytes(&frames), 0x100000);
}

static void a_full_array_loses_nothing_and_says_so(void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= FRAMES_RANGES_MAX; i++)
		assert_int_equal(frames_add(&frames, i * 0x10000, i * 0x10000 + 3 * PAGE), 0);
	assert_int_equal(frames_add(&frames, 0x8000, 0x9000), -ENOSPC);
	assert_int_equal(frames_free(&frames, 0x8000, PAGE), -ENOSPC);
	/* Merging still works, and an allocation that splits nothing. */
	assert_int_equal(frames_free(&frames, 0xF000, PAGE), 0);
	assert_int_equal(frames_alloc(&frames, PAGE, 0x10000, 0x20000), 0);
	assert_int_equal(frames_alloc(&frames, PAGE, PAGE, 0x20000), 0x12000);
	check_sorted_and_merged();
}

static void the_largest_piece_is_given_and_no_more(void **state)
{
	static const struct {
		uint64_t align, largest;
	} cases[] = {{PAGE, 0x7FFFF000}, {0x200000, 0x7FE00000}, {0x40000000, 0x40000000}};

	(void)state;
	frames_add(&frames, 0x1000, 0x9F000);
	frames_add(&frames, 0x100000, 0x7FE0000);
	frames_add(&frames, 0x100001000, 0x180000000);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t align = cases[i].align, largest = cases[i].largest, at;

		assert_int_equal(frames_alloc(&frames, largest + PAGE, align, FRAMES_NO_LIMIT), 0);
		at = frames_alloc(&frames, largest, align, FRAMES_NO_LIMIT);
		assert_true(at && at % align == 0);
		assert_int_equal(frames_free(&frames, at, largest), 0);
	}
	assert_int_equal(frames_alloc(&frames, PAGE, 0x200000000ull, FRAMES_NO_LIMIT), 0);
	assert_int_equal(frames_alloc(&frames, PAGE, 12345, FRAMES_NO_LIMIT), 0);
}

/* A bitmap is the oracle; so few pages cannot fill the array. */
static void random_operations_agree_with_a_bitmap(void **state)
{
	enum { PAGES = 2 * FRAMES_RANGES_MAX };
	static bool is_free[PAGES];
	uint64_t seed = 0xF4A3E5;

	(void)state;
	memset(is_free, true, sizeof(is_free));
	is_free[0] = false;
	assert_int_equal(frames_add(&frames, 0, PAGES * PAGE), 0);
	for (int round = 0; round < 50000; round++) {
		uint64_t count = 1 + random_next(&seed) % 8;
		uint64_t total = 0;

		if (random_next(&seed) & 1) {
			uint64_t align = 1ull << random_next(&seed) % 4;
			uint64_t limit = random_next(&seed) % (PAGES + 1);
			uint64_t at =
				frames_alloc(&frames, count * PAGE, align * PAGE, limit * PAGE);

			assert_int_equal(at % (align * PAGE), 0);
			if (at) {
				at /= PAGE;
				assert_true(at + count <= limit);
				for (uint64_t i = at; i < at + count; i++) {
					assert_true(is_free[i]);
					is_free[i] = false;
				}
			}
		} else {
			uint64_t at = random_next(&seed) % (PAGES - count);
			bool any = at == 0;

			for (uint64_t i = at; i < at + count; i++)
				any |= is_free[i];
			assert_int_equal(frames_free(&frames, at * PAGE, count * PAGE),
					 any ? -EINVAL : 0);
			for (uint64_t i = at; !any && i < at + count; i++)
				is_free[i] = true;
		}
		for (uint64_t i = 0; i < PAGES; i++)
			total += is_free[i];
		assert_int_equal(frames_free_bytes(&frames), total * PAGE);
		check_sorted_and_merged();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(add_aligns_inward_and_merges, reset),
		cmocka_unit_test_setup(add_refuses_overlaps_and_reversed_ranges, reset),
		cmocka_unit_test_setup(frame_zero_is_never_handed_out, reset),
		cmocka_unit_test_setup(the_top_of_the_address_space_is_usable, reset),
		cmocka_unit_test_setup(alloc_takes_the_highest_fit_below_the_limit, reset),
		cmocka_unit_test_setup(alloc_aligns_and_keeps_both_remainders, reset),
		cmocka_unit_test_setup(alloc_refuses_senseless_arguments, reset),
		cmocka_unit_test_setup(free_detects_a_double_free, reset),
		cmocka_unit_test_setup(a_full_array_loses_nothing_and_says_so, reset),
		cmocka_unit_test_setup(the_largest_piece_is_given_and_no_more, reset),
		cmocka_unit_test_setup(random_operations_agree_with_a_bitmap, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
