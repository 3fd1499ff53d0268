/*
 * The high precision event timers as software meets them.
 */
#include "tests/unit/hpet_fixture.h"

static void capabilities_name_three_timers_of_64_bits_at_10_mhz(void **state)
{
	(void)state;
	assert_true(in(CAPABILITIES) == 0x05f5e1008086a201);
	for (unsigned int n = 0; n < HPET_TIMERS; n++) {
		assert_true(in(TIMER(n)) == 0x00ff000000000030);
		assert_true(in(COMPARATOR(n)) == UINT64_MAX);
		assert_true(in(FSB(n)) == 0);
	}
	assert_true(in(TIMER(3)) == 0);
	assert_true(in(0x3f8) == 0);
	assert_true(in(0x400) == 0);
	assert_true(in(0xff8) == 0);
}

static void registers_are_read_and_written_by_halves(void **state)
{
	(void)state;
	assert_true(hpet_block_read(&hpet, &rate, CAPABILITIES, 4, now) == 0x8086a201);
	assert_true(hpet_block_read(&hpet, &rate, CAPABILITIES + 4, 4, now) == 0x05f5e100);
	out32(COUNTER, 0x11111111);
	out32(COUNTER + 4, 0x22222222);
	assert_true(in(COUNTER) == 0x2222222211111111);
	out32(COMPARATOR(2), 0x33333333);
	assert_true(in(COMPARATOR(2)) == 0xffffffff33333333);
	out32(COMPARATOR(2) + 4, 0x44444444);
	assert_true(in(COMPARATOR(2)) == 0x4444444433333333);
	out32(TIMER(2) + 4, 0xffffffff);
	assert_true(in(TIMER(2)) == 0x00ff000000000030);
}

static void bits_that_are_not_there_read_as_0(void **state)
{
	(void)state;
	out(CONFIGURATION, UINT64_MAX & ~(uint64_t)ENABLE);
	assert_true(in(CONFIGURATION) == LEGACY);
	out(STATUS, UINT64_MAX);
	assert_true(in(STATUS) == 0);
	out(TIMER(1), UINT64_MAX & ~(uint64_t)ROUTE(31));
	assert_true(in(TIMER(1)) ==
		    (0x00ff000000000030 | LEVEL | INT | PERIODIC | VAL_SET | MODE32));
	out(TIMER(1), VAL_SET); /* of a timer that is not periodic */
	assert_true(in(TIMER(1)) == 0x00ff000000000030);
	out(FSB(1), UINT64_MAX);
	assert_true(in(FSB(1)) == 0);
	out(CAPABILITIES, 0);
	assert_true(in(CAPABILITIES) == 0x05f5e1008086a201);
}

static void a_route_to_a_pin_that_it_has_not_reads_back_as_another(void **state)
{
	(void)state;
	for (unsigned int pin = 0; pin < 32; pin++) {
		out(TIMER(0), ROUTE(pin));
		assert_int_equal(in(TIMER(0)) >> 9 & 31, pin >= 16 && pin < 24 ? pin : 0);
	}
}

static void the_counter_counts_while_it_is_enabled(void **state)
{
	(void)state;
	pass(1000);
	assert_true(in(COUNTER) == 0);
	out(CONFIGURATION, ENABLE);
	now += 1234;
	assert_true(in(COUNTER) == 1234);
	assert_true(hpet_block_read(&hpet, &rate, COUNTER, 4, now) == 1234);
	out(CONFIGURATION, 0);
	now += 1000;
	assert_true(in(COUNTER) == 1234);
	out(COUNTER, 0xfffffffffffffff0);
	out(CONFIGURATION, ENABLE);
	now += 0x20;
	assert_true(in(COUNTER) == 0x10);
	out(COUNTER, 7); /* it may be written while it runs */
	now += 1;
	assert_true(in(COUNTER) == 8);
}

static void the_counter_never_goes_back_where_the_tsc_of_another_cpu_does(void **state)
{
	(void)state;
	out(CONFIGURATION, ENABLE);
	now -= 5;
	assert_true(in(COUNTER) == 0);
	hpet_block_poll(&hpet, &rate, now);
	assert_int_equal(take_edges(), 0);
}

static void a_one_shot_interrupts_once_when_the_counter_gets_there(void **state)
{
	(void)state;
	out(TIMER(2), INT | ROUTE(20));
	out(COMPARATOR(2), 500);
	assert_true(hpet_block_deadline(&hpet) == UINT64_MAX);
	out(CONFIGURATION, ENABLE);
	assert_true(hpet_block_deadline(&hpet) == START + 500);
	pass(499);
	assert_int_equal(take_edges(), 0);
	pass(1);
	assert_int_equal(take_edges(), 1u << 20);
	assert_true(hpet_block_deadline(&hpet) == UINT64_MAX);
	pass(UINT32_MAX);
	assert_int_equal(take_edges(), 0);
	assert_true(in(COMPARATOR(2)) == 500);
	assert_true(in(STATUS) == 0); /* it is not for edges */
}

static void a_comparator_in_the_past_waits_until_the_counter_has_gone_round(void **state)
{
	(void)state;
	out(TIMER(0), INT | MODE32 | ROUTE(16));
	out(CONFIGURATION, ENABLE);
	pass(1000);
	out(COMPARATOR(0), 999);
	assert_int_equal(take_edges(), 0);
	assert_true(hpet_block_deadline(&hpet) == now + UINT32_MAX);
	pass(UINT32_MAX);
	assert_int_equal(take_edges(), 1u << 16);
	assert_true(hpet_block_deadline(&hpet) == now + (1ull << 32)); /* and again and again */
	pass(1ull << 32);
	assert_int_equal(take_edges(), 1u << 16);
	out(TIMER(0), INT | ROUTE(16));
	assert_true(in(COMPARATOR(0)) == 999);
	assert_true(hpet_block_deadline(&hpet) == UINT64_MAX);
}

static void a_comparator_of_this_very_moment_matches(void **state)
{
	(void)state;
	out(TIMER(0), INT | ROUTE(16));
	out(CONFIGURATION, ENABLE);
	pass(1000);
	out(COMPARATOR(0), 1000);
	assert_int_equal(take_edges(), 1u << 16);
	assert_true(hpet_block_deadline(&hpet) == UINT64_MAX);
}

static void a_timer_of_32_bits_has_no_upper_half(void **state)
{
	(void)state;
	out(TIMER(1), MODE32);
	assert_true(in(COMPARATOR(1)) == UINT32_MAX);
	out(COMPARATOR(1), 0x123456789abcdef0);
	assert_true(in(COMPARATOR(1)) == 0x9abcdef0);
	out(TIMER(1), 0);
	assert_true(in(COMPARATOR(1)) == 0x9abcdef0);
}

static void a_periodic_timer_goes_on_by_what_was_last_written(void **state)
{
	(void)state;
	for (unsigned int n = 0; n < HPET_TIMERS; n++) {
		start(NULL);
		out(TIMER(n), INT | PERIODIC | VAL_SET | ROUTE(17));
		out(COMPARATOR(n), 5000);
		assert_false(in(TIMER(n)) & VAL_SET);
		out(COMPARATOR(n), 1000);
		assert_true(in(COMPARATOR(n)) == 5000);
		out(CONFIGURATION, ENABLE);
		pass(4999);
		assert_int_equal(take_edges(), 0);
		for (unsigned int i = 0; i < 10; i++) {
			pass(i ? 999 : 0);
			assert_int_equal(take_edges(), 0);
			assert_true(in(COMPARATOR(n)) == 5000 + i * 1000);
			assert_true(hpet_block_deadline(&hpet) == now + 1);
			pass(1);
			assert_int_equal(take_edges(), 1u << 17);
		}
		out(COMPARATOR(n), 300); /* from the match after this on */
		assert_true(in(COMPARATOR(n)) == 15000);
		pass(1000);
		assert_true(in(COMPARATOR(n)) == 15300);
	}
}

static void one_write_with_val_set_is_start_and_period(void **state)
{
	(void)state;
	out(TIMER(0), INT | PERIODIC | VAL_SET | ROUTE(17));
	out(COMPARATOR(0), 1000);
	out(CONFIGURATION, ENABLE);
	pass(1000);
	assert_true(in(COMPARATOR(0)) == 2000);
}

static void periods_that_were_missed_are_one_edge(void **state)
{
	(void)state;
	out(TIMER(0), INT | PERIODIC | VAL_SET | ROUTE(17));
	out(COMPARATOR(0), 1000);
	out(CONFIGURATION, ENABLE);
	pass(1000000000000999);
	assert_true(in(COMPARATOR(0)) == 1000000000001000);
	assert_int_equal(take_edges(), 1u << 17);
	assert_true(hpet_block_deadline(&hpet) == now + 1);
	pass(0);
	assert_int_equal(take_edges(), 0);
	pass(1);
	assert_int_equal(take_edges(), 1u << 17);
}

static void a_level_stays_until_its_status_is_cleared(void **state)
{
	(void)state;
	out(TIMER(1), INT | LEVEL | PERIODIC | VAL_SET | ROUTE(23));
	out(COMPARATOR(1), 1000);
	out(CONFIGURATION, ENABLE);
	assert_int_equal(hpet_block_lines(&hpet), 0);
	pass(1000);
	assert_int_equal(hpet_block_lines(&hpet), 1u << 23);
	assert_int_equal(take_edges(), 0);
	assert_true(in(STATUS) == 2);
	assert_true(hpet_block_deadline(&hpet) == UINT64_MAX); /* nothing would change */
	pass(5000);
	out(STATUS, 0xfd);
	assert_int_equal(hpet_block_lines(&hpet), 1u << 23);
	out(STATUS, 2);
	assert_int_equal(hpet_block_lines(&hpet), 0);
	assert_true(in(STATUS) == 0);
	assert_true(hpet_block_deadline(&hpet) == now + 1000);
}

static void a_status_comes_without_an_interrupt_too(void **state)
{
	(void)state;
	out(TIMER(1), LEVEL | ROUTE(23));
	out(COMPARATOR(1), 1000);
	out(CONFIGURATION, ENABLE);
	assert_true(hpet_block_deadline(&hpet) == UINT64_MAX);
	now += 1000;
	assert_true(in(STATUS) == 2); /* nobody has polled */
	assert_int_equal(hpet_block_lines(&hpet), 0);
	out(TIMER(1), INT | LEVEL | ROUTE(23));
	assert_int_equal(hpet_block_lines(&hpet), 1u << 23);
	out(CONFIGURATION, 0);
	assert_int_equal(hpet_block_lines(&hpet), 0);
	assert_true(in(STATUS) == 2);
	out(CONFIGURATION, ENABLE);
	assert_int_equal(hpet_block_lines(&hpet), 1u << 23);
	out(TIMER(1), INT | ROUTE(23));
	assert_int_equal(hpet_block_lines(&hpet), 0);
	assert_true(in(STATUS) == 0);
}

static void a_timer_without_its_interrupt_gives_no_edge(void **state)
{
	(void)state;
	out(TIMER(0), ROUTE(20));
	out(TIMER(1), INT); /* to no pin */
	out(COMPARATOR(0), 10);
	out(COMPARATOR(1), 10);
	out(CONFIGURATION, ENABLE);
	assert_true(hpet_block_deadline(&hpet) == UINT64_MAX);
	pass(100);
	assert_int_equal(take_edges(), 0);
}

static void legacy_replacement_gives_irq_0_and_8_to_the_first_two(void **state)
{
	(void)state;
	assert_false(hpet_block_replaces_legacy(&hpet));
	for (unsigned int n = 0; n < HPET_TIMERS; n++) {
		out(TIMER(n), INT | ROUTE(21));
		out(COMPARATOR(n), 100 * n + 100);
	}
	out(CONFIGURATION, ENABLE | LEGACY);
	assert_true(hpet_block_replaces_legacy(&hpet));
	pass(100);
	assert_int_equal(take_edges(), 1u << 2);
	pass(100);
	assert_int_equal(take_edges(), 1u << 8);
	pass(100);
	assert_int_equal(take_edges(), 1u << 21);
	out(CONFIGURATION, ENABLE);
	assert_false(hpet_block_replaces_legacy(&hpet));
	out(COMPARATOR(0), 400);
	pass(100);
	assert_int_equal(take_edges(), 1u << 21);
}

static void short_periods_have_a_deadline_each_20_microseconds(void **state)
{
	uint64_t end;
	unsigned int deadlines = 0;

	(void)state;
	rate = rate_of(HPET_HZ, 2394230);
	for (unsigned int n = 0; n < HPET_TIMERS; n++) {
		out(TIMER(n), INT | PERIODIC | VAL_SET | ROUTE(16 + n));
		out(COMPARATOR(n), 1 + n * 57);
	}
	out(CONFIGURATION, ENABLE);
	end = now + 2394230; /* 1 ms */
	while (hpet_block_deadline(&hpet) < end) {
		assert_true(hpet_block_deadline(&hpet) > now);
		now = hpet_block_deadline(&hpet);
		hpet_block_poll(&hpet, &rate, now);
		deadlines++;
		if (deadlines > 3)
			assert_int_equal(take_edges(), 7u << 16);
	}
	assert_in_range(deadlines, 49, 53);
	assert_true(in(COUNTER) <= in(COMPARATOR(0)) && in(COMPARATOR(0)) <= in(COUNTER) + 1);
}

static void a_period_of_20_microseconds_is_kept(void **state)
{
	(void)state;
	out(TIMER(0), INT | PERIODIC | VAL_SET | ROUTE(16));
	out(COMPARATOR(0), 200);
	out(CONFIGURATION, ENABLE);
	pass(350); /* late */
	assert_true(hpet_block_deadline(&hpet) == START + 400);
}

static void a_deadline_is_when_the_tick_is_there_at_any_rate(void **state)
{
	static const uint64_t khz[] = {1000, 9999, 10000, 10001, 2394230, 5800000};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(khz); i++) {
		start(NULL);
		rate = rate_of(HPET_HZ, khz[i]);
		out(TIMER(0), INT | ROUTE(16));
		out(CONFIGURATION, ENABLE);
		for (uint64_t delta = 1; delta < 1ull << 40; delta = delta * 5 + 3) {
			uint64_t value = in(COUNTER) + delta;

			out(COMPARATOR(0), value);
			now = hpet_block_deadline(&hpet) - 1;
			assert_true(in(COUNTER) < value);
			assert_int_equal(take_edges(), 0);
			pass(1);
			assert_true(in(COUNTER) >= value);
			assert_int_equal(take_edges(), 1u << 16);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		hpet_test(capabilities_name_three_timers_of_64_bits_at_10_mhz),
		hpet_test(registers_are_read_and_written_by_halves),
		hpet_test(bits_that_are_not_there_read_as_0),
		hpet_test(a_route_to_a_pin_that_it_has_not_reads_back_as_another),
		hpet_test(the_counter_counts_while_it_is_enabled),
		hpet_test(the_counter_never_goes_back_where_the_tsc_of_another_cpu_does),
		hpet_test(a_one_shot_interrupts_once_when_the_counter_gets_there),
		hpet_test(a_comparator_in_the_past_waits_until_the_counter_has_gone_round),
		hpet_test(a_comparator_of_this_very_moment_matches),
		hpet_test(a_timer_of_32_bits_has_no_upper_half),
		hpet_test(a_periodic_timer_goes_on_by_what_was_last_written),
		hpet_test(one_write_with_val_set_is_start_and_period),
		hpet_test(periods_that_were_missed_are_one_edge),
		hpet_test(a_level_stays_until_its_status_is_cleared),
		hpet_test(a_status_comes_without_an_interrupt_too),
		hpet_test(a_timer_without_its_interrupt_gives_no_edge),
		hpet_test(legacy_replacement_gives_irq_0_and_8_to_the_first_two),
		hpet_test(short_periods_have_a_deadline_each_20_microseconds),
		hpet_test(a_period_of_20_microseconds_is_kept),
		hpet_test(a_deadline_is_when_the_tick_is_there_at_any_rate),
	};

	return cmocka_run_group_tests_name("hpet_chip", tests, NULL, NULL);
}
