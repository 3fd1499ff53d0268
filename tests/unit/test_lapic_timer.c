/*
 * The local APIC's timer (SDM Vol. 3A 10.5.4). The TSC makes 100 for a tick of the input clock,
 * and the tests go by the deadline, as a scheduler does.
 */
#include "tests/unit/lapic_fixture.h"

#define BY_1 0x0b

static int start_timer(void **state)
{
	start(state);
	out(DIVIDE, BY_1);
	return 0;
}

static void one_shot_counts_down_once(void **state)
{
	uint64_t began = now;

	(void)state;
	out(LVT_TIMER, ONE_SHOT);
	out(INITIAL_COUNT, 1000);
	assert_int_equal(in(CURRENT_COUNT), 1000);
	assert_int_equal(lapic_deadline(&lapic), began + 1000 * TICK);
	assert_true(lapic_can_interrupt_by_timer(&lapic));
	pass(300 * TICK);
	assert_int_equal(in(CURRENT_COUNT), 700);
	pass(699 * TICK);
	assert_int_equal(in(CURRENT_COUNT), 1);
	assert_int_equal(lapic_highest(&lapic), -1);
	pass(TICK);
	assert_int_equal(lapic_take(&lapic), TIMER_VECTOR);
	assert_int_equal(in(CURRENT_COUNT), 0);
	assert_int_equal(in(INITIAL_COUNT), 1000);
	assert_false(lapic_can_interrupt_by_timer(&lapic));
	out(EOI, 0);
	assert_int_equal(interrupts_until(now + 1000000 * TICK), 0);
}

static void the_divider_is_as_its_register_says(void **state)
{
	static const unsigned int by[][2] = {{0x0, 2},	{0x1, 4},  {0x2, 8},   {0x3, 16},
					     {0x8, 32}, {0x9, 64}, {0xa, 128}, {0xb, 1}};

	(void)state;
	out(LVT_TIMER, ONE_SHOT);
	for (unsigned int i = 0; i < ARRAY_SIZE(by); i++) {
		out(DIVIDE, by[i][0]);
		assert_int_equal(in(DIVIDE), by[i][0]);
		out(INITIAL_COUNT, 10);
		assert_int_equal(lapic_deadline(&lapic), now + by[i][1] * 10 * TICK);
		pass(by[i][1] * 3 * TICK);
		assert_int_equal(in(CURRENT_COUNT), 7);
		pass(TICK);
		assert_int_equal(in(CURRENT_COUNT), by[i][1] == 1 ? 6 : 7);
	}
}

static void the_largest_count_fits(void **state)
{
	(void)state;
	out(LVT_TIMER, ONE_SHOT);
	out(DIVIDE, 0x0a);
	out(INITIAL_COUNT, 0xffffffff);
	assert_int_equal(in(CURRENT_COUNT), 0xffffffff);
	assert_true(lapic_deadline(&lapic) == now + 0xffffffffull * 128 * TICK);
	assert_int_equal(interrupts_until(lapic_deadline(&lapic)), 1);
}

static void a_new_count_starts_anew_and_0_stops(void **state)
{
	(void)state;
	out(LVT_TIMER, ONE_SHOT);
	out(INITIAL_COUNT, 1000);
	pass(500 * TICK);
	out(INITIAL_COUNT, 2000);
	assert_int_equal(in(CURRENT_COUNT), 2000);
	out(INITIAL_COUNT, 0);
	assert_int_equal(in(CURRENT_COUNT), 0);
	assert_int_equal(interrupts_until(now + 10000 * TICK), 0);
}

static void a_new_divider_goes_on_with_what_is_left(void **state)
{
	(void)state;
	out(LVT_TIMER, ONE_SHOT);
	out(INITIAL_COUNT, 1000);
	pass(400 * TICK);
	out(DIVIDE, 0x01);
	assert_int_equal(in(CURRENT_COUNT), 600);
	assert_int_equal(lapic_deadline(&lapic), now + 2400 * TICK);
	pass(4 * 500 * TICK);
	assert_int_equal(in(CURRENT_COUNT), 100);
	out(DIVIDE, BY_1);
	assert_int_equal(lapic_deadline(&lapic), now + 100 * TICK);
}

static void periodic_keeps_its_phase(void **state)
{
	uint64_t began = now;

	(void)state;
	out(LVT_TIMER, PERIODIC);
	out(INITIAL_COUNT, 1000);
	assert_int_equal(interrupts_until(began + 10500 * TICK), 10);
	assert_int_equal(in(CURRENT_COUNT), 500);
	assert_int_equal(lapic_deadline(&lapic), began + 11000 * TICK);
	assert_true(lapic_can_interrupt_by_timer(&lapic));
	pass(499 * TICK);
	assert_int_equal(in(CURRENT_COUNT), 1);
}

static void periods_that_a_guest_misses_are_one_interrupt(void **state)
{
	uint64_t began = now;

	(void)state;
	out(LVT_TIMER, PERIODIC);
	out(INITIAL_COUNT, 1000);
	pass(1000000300ull * TICK);
	assert_int_equal(lapic_take(&lapic), TIMER_VECTOR);
	out(EOI, 0);
	assert_int_equal(lapic_take(&lapic), -1);
	assert_int_equal(in(CURRENT_COUNT), 700);
	assert_int_equal(lapic_deadline(&lapic), began + 1000001000ull * TICK);
}

static void a_late_poll_delays_no_period_of_20_microseconds_or_more(void **state)
{
	uint64_t began = now;

	(void)state;
	out(LVT_TIMER, PERIODIC);
	out(INITIAL_COUNT, 500);
	pass(999 * TICK);
	assert_int_equal(lapic_take(&lapic), TIMER_VECTOR);
	assert_int_equal(lapic_deadline(&lapic), began + 1000 * TICK);
}

static void a_poll_that_is_early_or_comes_twice_changes_nothing(void **state)
{
	uint64_t began = now;

	(void)state;
	out(LVT_TIMER, PERIODIC);
	out(INITIAL_COUNT, 1000);
	for (unsigned int i = 0; i < 999; i++) {
		pass(TICK);
		assert_int_equal(lapic_highest(&lapic), -1);
	}
	pass(TICK);
	assert_int_equal(lapic_take(&lapic), TIMER_VECTOR);
	pass(0);
	assert_int_equal(lapic_highest(&lapic), -1);
	assert_int_equal(lapic_deadline(&lapic), began + 2000 * TICK);
}

static void short_periods_come_every_20_microseconds_and_count_exactly(void **state)
{
	(void)state;
	out(LVT_TIMER, PERIODIC);
	for (unsigned int count = 1; count < 500; count += 83) {
		uint64_t began = now;

		out(INITIAL_COUNT, count);
		assert_int_equal(interrupts_until(began + 2000 * MICROSECOND), 100);
		for (unsigned int i = 1; i < 1000; i++) {
			now += TICK;
			assert_int_equal(in(CURRENT_COUNT), count - (now - began) / TICK % count);
			if (lapic_take(&lapic) == TIMER_VECTOR)
				out(EOI, 0);
		}
	}
	out(INITIAL_COUNT, 500);
	assert_int_equal(interrupts_until(now + 2000 * MICROSECOND), 100);
}

/* A guest that exits all the time polls all the time. */
static void short_periods_do_not_storm_a_guest_that_exits(void **state)
{
	unsigned int interrupts = 0;

	(void)state;
	out(LVT_TIMER, PERIODIC);
	out(INITIAL_COUNT, 1);
	for (unsigned int i = 0; i < 10000; i++) {
		pass(TICK);
		if (lapic_take(&lapic) == TIMER_VECTOR) {
			interrupts++;
			out(EOI, 0);
		}
	}
	assert_int_equal(interrupts, 10000 * TICK / (20 * MICROSECOND));
}

static void the_input_clock_is_at_most_half_as_fast_as_the_tsc(void **state)
{
	(void)state;
	assert_int_equal(lapic_hz(3000000), LAPIC_HZ);
	assert_int_equal(lapic_hz(50000), LAPIC_HZ);
	assert_int_equal(lapic_hz(10000), 5000000);
}

static void masked_it_counts_and_asks_for_no_poll(void **state)
{
	(void)state;
	out(LVT_TIMER, MASKED | PERIODIC);
	out(INITIAL_COUNT, 1000);
	assert_true(lapic_deadline(&lapic) == RATE_NEVER);
	assert_false(lapic_can_interrupt_by_timer(&lapic));
	now += 5300 * TICK;
	assert_int_equal(in(CURRENT_COUNT), 700);
	now += 1000 * TICK;
	out(LVT_TIMER, PERIODIC);
	assert_int_equal(lapic_highest(&lapic), -1);
	assert_int_equal(lapic_deadline(&lapic), now + 700 * TICK);
	now += 1000 * TICK;
	out(LVT_TIMER, MASKED | PERIODIC); /* after it had expired */
	assert_int_equal(lapic_take(&lapic), TIMER_VECTOR);
}

static void an_expiry_is_seen_in_irr_before_any_poll(void **state)
{
	(void)state;
	out(LVT_TIMER, ONE_SHOT);
	out(INITIAL_COUNT, 1000);
	now += 1000 * TICK;
	assert_true(bit_of(IRR, TIMER_VECTOR));
}

static void an_illegal_vector_is_an_error(void **state)
{
	(void)state;
	out(LVT_TIMER, 5);
	out(INITIAL_COUNT, 1000);
	pass(1000 * TICK);
	assert_int_equal(lapic_highest(&lapic), -1);
	out(ESR, 0);
	assert_int_equal(in(ESR), 0x40);
}

static void software_disabled_it_interrupts_no_more(void **state)
{
	(void)state;
	out(LVT_TIMER, PERIODIC);
	out(INITIAL_COUNT, 1000);
	now += 1500 * TICK;
	out(SVR, 0xff);
	assert_int_equal(lapic_take(&lapic), TIMER_VECTOR); /* of before */
	assert_false(lapic_can_interrupt_by_timer(&lapic));
	out(EOI, 0);
	pass(5000 * TICK);
	assert_int_equal(lapic_take(&lapic), -1);
}

static void between_one_shot_and_periodic_the_count_goes_on(void **state)
{
	(void)state;
	out(LVT_TIMER, ONE_SHOT);
	out(INITIAL_COUNT, 1000);
	pass(600 * TICK);
	out(LVT_TIMER, PERIODIC);
	assert_int_equal(in(INITIAL_COUNT), 1000);
	assert_int_equal(in(CURRENT_COUNT), 400);
	assert_int_equal(interrupts_until(now + 2600 * TICK), 3);
	assert_int_equal(in(CURRENT_COUNT), 800);
	out(LVT_TIMER, ONE_SHOT);
	assert_int_equal(in(CURRENT_COUNT), 800);
	assert_int_equal(interrupts_until(now + 10000 * TICK), 1);
	assert_int_equal(in(CURRENT_COUNT), 0);
	out(LVT_TIMER, PERIODIC); /* what has expired stays at 0 */
	assert_int_equal(in(CURRENT_COUNT), 0);
	assert_int_equal(interrupts_until(now + 10000 * TICK), 0);
}

/* One-shot soon after an edge that the floor held back. */
static void a_short_period_becomes_one_shot(void **state)
{
	(void)state;
	out(LVT_TIMER, PERIODIC);
	out(INITIAL_COUNT, 7);
	assert_int_equal(interrupts_until(now + 60 * MICROSECOND), 3);
	pass(100 * TICK);
	out(LVT_TIMER, ONE_SHOT);
	assert_in_range(in(CURRENT_COUNT), 1, 7);
	assert_int_equal(interrupts_until(now + 1000 * MICROSECOND), 1);
}

#define timer_test(name) cmocka_unit_test_setup(name, start_timer)

int main(void)
{
	const struct CMUnitTest tests[] = {
		timer_test(one_shot_counts_down_once),
		timer_test(the_divider_is_as_its_register_says),
		timer_test(the_largest_count_fits),
		timer_test(a_new_count_starts_anew_and_0_stops),
		timer_test(a_new_divider_goes_on_with_what_is_left),
		timer_test(periodic_keeps_its_phase),
		timer_test(periods_that_a_guest_misses_are_one_interrupt),
		timer_test(a_late_poll_delays_no_period_of_20_microseconds_or_more),
		timer_test(a_poll_that_is_early_or_comes_twice_changes_nothing),
		timer_test(short_periods_come_every_20_microseconds_and_count_exactly),
		timer_test(short_periods_do_not_storm_a_guest_that_exits),
		timer_test(the_input_clock_is_at_most_half_as_fast_as_the_tsc),
		timer_test(masked_it_counts_and_asks_for_no_poll),
		timer_test(an_expiry_is_seen_in_irr_before_any_poll),
		timer_test(an_illegal_vector_is_an_error),
		timer_test(software_disabled_it_interrupts_no_more),
		timer_test(between_one_shot_and_periodic_the_count_goes_on),
		timer_test(a_short_period_becomes_one_shot),
	};

	return cmocka_run_group_tests_name("lapic_timer", tests, NULL, NULL);
}
