/*
 * The 8254 as a kernel meets it: ports, latches, and when it is to be polled.
 */
#include "tests/unit/i8254_fixture.h"

static void after_reset_counter_0_interrupts_every_65536_periods(void **state)
{
	(void)state;
	assert_false(poll());
	assert_int_equal(status(0), 0xb6);
	assert_int_equal(i8254_deadline(&pit), 1000000 + 65536);
	now += 65535;
	assert_false(poll());
	now++;
	assert_true(poll());
	assert_false(poll());
	assert_int_equal(i8254_deadline(&pit), now + 65536);
}

static void after_reset_counter_1_refreshes_and_counter_2_is_held(void **state)
{
	(void)state;
	assert_int_equal(status(1), 0x94);
	assert_int_equal(status(2), 0xb6);
	now += 17;
	assert_false(output(1));
	assert_true(output(2));
	assert_int_equal(latched(2), 0);
	now++;
	assert_true(output(1));
}

static void a_kernel_calibrates_its_tsc_with_counter_2(void **state)
{
	const uint32_t tsc_khz = 2394230;
	const unsigned int ms = 50;
	uint64_t begin;

	(void)state;
	rate = rate_of(I8254_HZ, tsc_khz);
	out(PORT_B, (in(PORT_B) & ~0x02) | GATE2);
	program(2, 0, I8254_HZ * ms / 1000);
	for (begin = now; !(in(PORT_B)&OUT2); now += 3000)
		assert_true(now - begin < 1ull << 32);
	assert_in_range((now - begin) / ms, tsc_khz, tsc_khz + 200);
}

static void one_byte_of_a_count_makes_the_other_0(void **state)
{
	(void)state;
	out(CONTROL, 0x10);
	out(I8254_PORT, 0x34);
	now++;
	assert_int_equal(in(I8254_PORT), 0x34);
	assert_int_equal(in(I8254_PORT), 0x34);
	out(CONTROL, 0x20);
	out(I8254_PORT, 0x12);
	now++;
	assert_int_equal(in(I8254_PORT), 0x12);
	now++;
	assert_int_equal(in(I8254_PORT), 0x11);
}

static void a_latch_holds_until_it_is_read(void **state)
{
	(void)state;
	program(0, 2, 0x8000);
	now += 1 + 0x123;
	out(CONTROL, 0x00);
	now += 0x1000;
	out(CONTROL, 0x00); /* does nothing */
	assert_int_equal(in(I8254_PORT), 0xdd);
	now += 0x1000;
	assert_int_equal(in(I8254_PORT), 0x7e);
	assert_int_equal(read_word(0), 0x5edd);
}

static void a_latch_begins_with_the_low_byte(void **state)
{
	(void)state;
	program(0, 2, 0x1234);
	now++;
	assert_int_equal(in(I8254_PORT), 0x34);
	out(CONTROL, 0x00);
	assert_int_equal(read_word(0), 0x1234);
}

static void a_control_word_forgets_a_latch_and_half_a_count(void **state)
{
	(void)state;
	out(CONTROL, 0xc2); /* status and count */
	out(I8254_PORT, 0x77);
	program(0, 2, 0x1234);
	now++;
	assert_int_equal(read_word(0), 0x1234);
}

static void read_back_gives_the_status_before_the_count(void **state)
{
	(void)state;
	program(0, 2, 0x4000);
	program(2, 3, 0x2000);
	out(CONTROL, 0xca); /* of 0 and 2 */
	assert_int_equal(in(I8254_PORT + 2), 0xf6);
	assert_int_equal(in(I8254_PORT), 0xf4);
	now++;
	out(CONTROL, 0xc2); /* the count is latched already: the status only */
	assert_int_equal(in(I8254_PORT), 0xb4);
	in(I8254_PORT);
	in(I8254_PORT);
	assert_int_equal(read_word(0), 0x4000);
	assert_int_equal(status(1), 0x94);
}

static void port_61h_keeps_four_bits_and_shows_refresh_and_out2(void **state)
{
	uint64_t toggles = 0;

	(void)state;
	out(PORT_B, 0xff);
	assert_int_equal(in(PORT_B) & ~0x30, 0x0f);
	out(PORT_B, 0x00);
	assert_int_equal(in(PORT_B) & ~0x30, 0x00);
	for (uint8_t last = in(PORT_B), next; now < 1000000 + 1800; last = next) {
		now++;
		next = in(PORT_B);
		toggles += (last ^ next) >> 4 & 1;
	}
	assert_int_equal(toggles, 100);
}

static void the_control_register_cannot_be_read(void **state)
{
	(void)state;
	assert_int_equal(in(CONTROL), 0xff);
}

static void a_read_loses_no_edge(void **state)
{
	(void)state;
	program(0, 2, 1000);
	poll();
	now += 2500;
	latched(0);
	read_word(0);
	assert_true(i8254_deadline(&pit) < now);
	assert_true(poll());
}

static void short_periods_are_waited_for_20_us_at_a_time(void **state)
{
	const uint64_t us = 1000;

	(void)state;
	rate = rate_of(I8254_HZ, 1000 * us);
	program(0, 2, 2);
	poll();
	for (unsigned int i = 0; i < 1000; i++) {
		uint64_t last = now;

		now = i8254_deadline(&pit);
		assert_in_range(now - last, 20 * us, 22 * us);
		assert_true(poll());
	}
}

static void a_clock_that_goes_back_does_no_harm(void **state)
{
	(void)state;
	program(0, 2, 1000);
	now += 2600;
	assert_true(poll());
	now -= 2000;
	assert_false(poll());
	assert_int_equal(latched(0), 401);
	now = 0;
	assert_int_equal(latched(0), 401);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		i8254_test(after_reset_counter_0_interrupts_every_65536_periods),
		i8254_test(after_reset_counter_1_refreshes_and_counter_2_is_held),
		i8254_test(a_kernel_calibrates_its_tsc_with_counter_2),
		i8254_test(one_byte_of_a_count_makes_the_other_0),
		i8254_test(a_latch_holds_until_it_is_read),
		i8254_test(a_latch_begins_with_the_low_byte),
		i8254_test(a_control_word_forgets_a_latch_and_half_a_count),
		i8254_test(read_back_gives_the_status_before_the_count),
		i8254_test(port_61h_keeps_four_bits_and_shows_refresh_and_out2),
		i8254_test(the_control_register_cannot_be_read),
		i8254_test(a_read_loses_no_edge),
		i8254_test(short_periods_are_waited_for_20_us_at_a_time),
		i8254_test(a_clock_that_goes_back_does_no_harm),
	};

	return cmocka_run_group_tests_name("i8254", tests, NULL, NULL);
}
