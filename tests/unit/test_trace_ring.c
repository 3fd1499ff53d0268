#include "tests/unit/unit.h"

#include "fpu/trace_ring.h"

static struct trace_ring ring;

static int start(void **state)
{
	(void)state;
	ring = (struct trace_ring){
		.entries = malloc(5 * sizeof(struct trace_entry)), /* no byte more: ASan looks */
		.size = 5,
	};
	return ring.entries ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	free(ring.entries);
	return 0;
}

static void put(uint64_t from, uint64_t to)
{
	for (uint64_t tsc = from; tsc < to; tsc++)
		*trace_ring_next(&ring) = (struct trace_entry){.tsc = tsc};
}

static void assert_holds(uint64_t from, uint64_t to)
{
	assert_int_equal(trace_ring_count(&ring), to - from);
	for (uint64_t tsc = from; tsc < to; tsc++)
		assert_int_equal(trace_ring_at(&ring, tsc - from)->tsc, tsc);
}

static void new_one_is_empty(void **state)
{
	(void)state;
	assert_holds(0, 0);
	assert_int_equal(trace_ring_lost(&ring), 0);
}

static void filled_to_the_last_place_it_has_lost_nothing(void **state)
{
	(void)state;
	for (uint64_t tsc = 0; tsc < 5; tsc++) {
		put(tsc, tsc + 1);
		assert_holds(0, tsc + 1);
		assert_int_equal(trace_ring_lost(&ring), 0);
	}
}

static void each_entry_beyond_takes_the_place_of_the_oldest(void **state)
{
	(void)state;
	put(0, 5);
	for (uint64_t tsc = 5; tsc < 30; tsc++) {
		put(tsc, tsc + 1);
		assert_holds(tsc - 4, tsc + 1);
		assert_int_equal(trace_ring_lost(&ring), tsc - 4);
	}
}

static void of_one_entry_holds_the_last(void **state)
{
	(void)state;
	ring.size = 1;
	put(0, 3);
	assert_holds(2, 3);
	assert_int_equal(trace_ring_lost(&ring), 2);
}

#define ring_test(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ring_test(new_one_is_empty),
		ring_test(filled_to_the_last_place_it_has_lost_nothing),
		ring_test(each_entry_beyond_takes_the_place_of_the_oldest),
		ring_test(of_one_entry_holds_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
