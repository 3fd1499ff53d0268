#include "lib/rate.h"
#include "tests/unit/unit.h"

#define PIT 1193182
#define PM  3579545

#define MONTH (30 * 86400ull * PIT)

static void a_second_has_as_many_ticks_as_the_clock_has_hertz(void **state)
{
	static const uint64_t hz[] = {1, 32768, PIT, PM, 10000000, 25000000, 100000000};
	static const uint64_t khz[] = {1000, 10000, 2394230, 5800000};

	(void)state;
	for (unsigned int i = 0; i < 7; i++)
		for (unsigned int j = 0; j < 4; j++) {
			struct rate rate = rate_of(hz[i], khz[j]);
			uint64_t second = khz[j] * 1000;

			/* a fraction is cut off, not rounded: the last tick may come one late */
			assert_in_range(rate_ticks(&rate, second), hz[i] - 1, hz[i]);
			if (hz[i] * 3 < second)
				assert_int_equal(rate_ticks(&rate, second + second / hz[i] / 2),
						 hz[i]);
			assert_in_range(rate_ticks(&rate, 1000000 * second), 1000000 * hz[i] - 1,
					1000000 * hz[i]);
		}
}

static void a_deadline_is_the_first_moment_at_which_the_tick_is_there(void **state)
{
	struct rate rate = rate_of(PIT, 2394230);

	(void)state;
	for (uint64_t ticks = 1; ticks < UINT64_MAX / 4096; ticks = ticks * 3 + 1) {
		uint64_t tsc = rate_tsc(&rate, ticks);

		/* in a month exactly; after that early by less than a tick */
		assert_true(rate_ticks(&rate, tsc) >= ticks - (ticks > MONTH));
		assert_true(rate_ticks(&rate, tsc - 1) < ticks);
	}
	assert_int_equal(rate_tsc(&rate, 0), 0);
}

static void the_clock_may_be_the_faster_one(void **state)
{
	struct rate rate = rate_of(100000000, 10000);

	(void)state;
	assert_int_equal(rate_ticks(&rate, 7), 70);
	assert_int_equal(rate_tsc(&rate, 70), 7);
	assert_int_equal(rate_tsc(&rate, 71), 8);
}

static void a_deadline_beyond_all_time_is_never(void **state)
{
	struct rate rate = rate_of(32768, 5800000);

	(void)state;
	assert_true(rate_tsc(&rate, UINT64_MAX) == RATE_NEVER);
	assert_true(rate_tsc(&rate, UINT64_MAX / 1000) == RATE_NEVER);
	/* and of a faster clock it comes at once, whatever it is */
	rate = rate_of(100000000, 10000);
	rate_tsc(&rate, UINT64_MAX);
	rate_tsc(&rate, UINT64_MAX - 70);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_second_has_as_many_ticks_as_the_clock_has_hertz),
		cmocka_unit_test(a_deadline_is_the_first_moment_at_which_the_tick_is_there),
		cmocka_unit_test(the_clock_may_be_the_faster_one),
		cmocka_unit_test(a_deadline_beyond_all_time_is_never),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
