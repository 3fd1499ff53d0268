/*
 * The local APIC's timer in TSC-deadline mode (SDM Vol. 3A 10.5.4.1).
 */
#include "tests/unit/lapic_fixture.h"

static void the_tsc_deadline_is_a_value_of_the_guests_tsc(void **state)
{
	(void)state;
	lapic_set_tsc_offset(&lapic, -5000, now);
	out(LVT_TIMER, DEADLINE);
	write_deadline(now - 5000 + 777);
	assert_int_equal(lapic_deadline(&lapic), now + 777);
	assert_true(lapic_can_interrupt_by_timer(&lapic));
	assert_int_equal(lapic_read_tsc_deadline(&lapic, now), now - 5000 + 777);
	assert_int_equal(in(CURRENT_COUNT), 0);
	pass(776);
	assert_int_equal(lapic_highest(&lapic), -1);
	assert_int_equal(lapic_read_tsc_deadline(&lapic, now + 1), 0);
	pass(1);
	assert_int_equal(lapic_take(&lapic), TIMER_VECTOR);
	assert_int_equal(lapic_read_tsc_deadline(&lapic, now), 0);
	assert_false(lapic_can_interrupt_by_timer(&lapic));
}

static void a_tsc_deadline_in_the_past_interrupts_at_once(void **state)
{
	(void)state;
	out(LVT_TIMER, DEADLINE);
	for (unsigned int i = 0; i < 10; i++) {
		write_deadline(now - (i ? 1 << i : 0));
		assert_int_equal(lapic_take(&lapic), TIMER_VECTOR);
		assert_int_equal(lapic_read_tsc_deadline(&lapic, now), 0);
		out(EOI, 0);
	}
	write_deadline(1);
	assert_int_equal(lapic_take(&lapic), TIMER_VECTOR);
}

static void a_new_tsc_deadline_replaces_the_old_and_0_disarms(void **state)
{
	(void)state;
	out(LVT_TIMER, DEADLINE);
	write_deadline(now + 1000);
	write_deadline(now + 3000);
	assert_int_equal(lapic_deadline(&lapic), now + 3000);
	write_deadline(0);
	assert_int_equal(interrupts_until(now + 10000), 0);
	write_deadline(now + 1000);
	now += 1000;
	write_deadline(0); /* it had expired before */
	assert_int_equal(lapic_take(&lapic), TIMER_VECTOR);
}

static void a_new_tsc_offset_moves_the_deadline(void **state)
{
	(void)state;
	out(LVT_TIMER, DEADLINE);
	write_deadline(now + 10000);
	lapic_set_tsc_offset(&lapic, 4000, now);
	assert_int_equal(lapic_deadline(&lapic), now + 6000);
	lapic_set_tsc_offset(&lapic, -4000, now);
	assert_int_equal(lapic_deadline(&lapic), now + 14000);
	lapic_set_tsc_offset(&lapic, 20000, now);
	assert_int_equal(lapic_deadline(&lapic), now);
	pass(0);
	assert_int_equal(lapic_take(&lapic), TIMER_VECTOR);
	lapic_set_tsc_offset(&lapic, 0, now);
	assert_false(lapic_can_interrupt_by_timer(&lapic));
}

static void the_guests_tsc_may_be_near_its_end(void **state)
{
	uint64_t guest = UINT64_MAX - 10000;

	(void)state;
	lapic_set_tsc_offset(&lapic, (int64_t)(guest - now), now);
	out(LVT_TIMER, DEADLINE);
	write_deadline(guest + 500);
	assert_int_equal(lapic_deadline(&lapic), now + 500);
	lapic_set_tsc_offset(&lapic, -(int64_t)now, now);
	write_deadline(UINT64_MAX);
	assert_true(lapic_deadline(&lapic) == RATE_NEVER);
	assert_true(lapic_read_tsc_deadline(&lapic, now) == UINT64_MAX);
}

static void in_the_other_modes_there_is_no_tsc_deadline(void **state)
{
	(void)state;
	out(LVT_TIMER, ONE_SHOT);
	write_deadline(now + 1000);
	assert_int_equal(lapic_read_tsc_deadline(&lapic, now), 0);
	assert_int_equal(interrupts_until(now + 10000), 0);
	out(INITIAL_COUNT, 1000);
	assert_int_equal(lapic_read_tsc_deadline(&lapic, now), 0);
	assert_int_equal(in(CURRENT_COUNT), 1000);
}

static void to_tsc_deadline_mode_and_from_it_disarms(void **state)
{
	(void)state;
	out(LVT_TIMER, PERIODIC);
	out(INITIAL_COUNT, 1000);
	out(LVT_TIMER, DEADLINE);
	assert_int_equal(in(CURRENT_COUNT), 0);
	assert_int_equal(interrupts_until(now + 10000 * TICK), 0);
	out(INITIAL_COUNT, 1000); /* is ignored */
	assert_int_equal(in(INITIAL_COUNT), 0);
	write_deadline(now + 1000);
	out(LVT_TIMER, ONE_SHOT);
	assert_int_equal(in(CURRENT_COUNT), 0);
	out(LVT_TIMER, DEADLINE);
	assert_int_equal(lapic_read_tsc_deadline(&lapic, now), 0);
	assert_int_equal(interrupts_until(now + 10000), 0);
}

static void init_disarms_and_keeps_the_tsc_offset(void **state)
{
	(void)state;
	lapic_set_tsc_offset(&lapic, 4000, now);
	out(LVT_TIMER, DEADLINE);
	write_deadline(now + 10000);
	lapic_init_signal(&lapic);
	out(SVR, 0x1ff);
	out(LVT_TIMER, DEADLINE);
	assert_false(lapic_can_interrupt_by_timer(&lapic));
	write_deadline(now + 10000);
	assert_int_equal(lapic_deadline(&lapic), now + 6000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lapic_test(the_tsc_deadline_is_a_value_of_the_guests_tsc),
		lapic_test(a_tsc_deadline_in_the_past_interrupts_at_once),
		lapic_test(a_new_tsc_deadline_replaces_the_old_and_0_disarms),
		lapic_test(a_new_tsc_offset_moves_the_deadline),
		lapic_test(the_guests_tsc_may_be_near_its_end),
		lapic_test(in_the_other_modes_there_is_no_tsc_deadline),
		lapic_test(to_tsc_deadline_mode_and_from_it_disarms),
		lapic_test(init_disarms_and_keeps_the_tsc_offset),
	};

	return cmocka_run_group_tests_name("lapic_tsc_deadline", tests, NULL, NULL);
}
