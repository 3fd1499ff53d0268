/*
 * The six modes of the 8254, as its data sheet describes them.
 */
#include "tests/unit/i8254_fixture.h"

static void mode_0_rises_once_one_period_after_its_count(void **state)
{
	(void)state;
	program(0, 0, 1000);
	assert_false(output(0));
	assert_int_equal(i8254_deadline(&pit), now + 1001);
	now += 1000;
	assert_false(poll());
	assert_int_equal(latched(0), 1);
	now++;
	assert_true(poll());
	assert_true(output(0));
	assert_true(i8254_deadline(&pit) == UINT64_MAX);
	now += 10000000;
	assert_false(poll());
	assert_int_equal(latched(0), (uint16_t)-10000000);
}

static void mode_0_stops_at_the_first_of_two_bytes(void **state)
{
	(void)state;
	program(0, 0, 1000);
	now += 500;
	out(I8254_PORT, 0x34);
	now += 5000;
	assert_false(poll());
	assert_int_equal(latched(0), 501);
	out(I8254_PORT, 0x12);
	now += 1 + 0x1234;
	assert_true(poll());
}

static void the_gate_stops_mode_0_and_lets_it_go_on(void **state)
{
	(void)state;
	program(2, 0, 100);
	now += 1000;
	assert_int_equal(latched(2), 100);
	out(PORT_B, GATE2);
	now += 40;
	out(PORT_B, 0);
	now += 1000;
	assert_int_equal(latched(2), 60);
	out(PORT_B, GATE2);
	now += 59;
	assert_false(in(PORT_B)&OUT2);
	now++;
	assert_true(in(PORT_B)&OUT2);
}

static void mode_1_is_low_from_the_gate_s_edge_for_its_count(void **state)
{
	(void)state;
	program(2, 1, 100);
	now += 1000;
	assert_true(output(2));
	out(PORT_B, GATE2);
	now++;
	assert_false(output(2));
	out(PORT_B, 0);
	now += 50;
	out(PORT_B, GATE2); /* again */
	now += 100;
	assert_false(output(2));
	now++;
	assert_true(output(2));
}

static void mode_2_is_low_for_the_last_period(void **state)
{
	(void)state;
	program(0, 2, 100);
	poll();
	now += 1;
	for (unsigned int i = 0; i < 250; i++, now++) {
		assert_int_equal(latched(0), 100 - i % 100);
		assert_int_equal(output(0), i % 100 != 99);
		assert_int_equal(poll(), i && i % 100 == 0);
	}
}

static void mode_3_is_a_square_wave_that_counts_by_two(void **state)
{
	static const uint8_t even[] = {6, 4, 2, 6, 4, 2}, odd[] = {4, 2, 0, 4, 2};

	(void)state;
	program(0, 3, 6);
	now++;
	for (unsigned int i = 0; i < 30; i++, now++) {
		assert_int_equal(latched(0), even[i % 6]);
		assert_int_equal(output(0), i % 6 < 3);
	}
	program(0, 3, 5);
	now++;
	for (unsigned int i = 0; i < 30; i++, now++) {
		assert_int_equal(latched(0), odd[i % 5]);
		assert_int_equal(output(0), i % 5 < 3);
	}
}

static void mode_4_strobes_once(void **state)
{
	(void)state;
	program(0, 4, 1000);
	assert_true(output(0));
	now += 1001;
	assert_false(output(0));
	assert_false(poll());
	assert_int_equal(i8254_deadline(&pit), now + 1);
	now++;
	assert_true(output(0));
	assert_true(poll());
	now += 65535;
	assert_true(output(0));
	assert_false(poll());
	assert_true(i8254_deadline(&pit) == UINT64_MAX);
}

static void mode_5_strobes_after_the_gate_s_edge(void **state)
{
	(void)state;
	program(2, 5, 100);
	now += 500;
	assert_true(output(2));
	out(PORT_B, GATE2);
	now += 101;
	assert_false(output(2));
	now++;
	assert_true(output(2));
}

static void modes_1_and_5_of_counter_0_wait_for_ever(void **state)
{
	(void)state;
	for (unsigned int mode = 1; mode <= 5; mode += 4) {
		program(0, mode, 100);
		poll();
		assert_true(i8254_deadline(&pit) == UINT64_MAX);
		now += 1000000;
		assert_false(poll());
		assert_true(output(0));
	}
}

static void a_new_count_waits_for_the_end_of_the_period(void **state)
{
	(void)state;
	program(0, 2, 1000);
	now += 501;
	poll();
	out(I8254_PORT, 2000 & 0xff);
	out(I8254_PORT, 2000 >> 8);
	assert_int_equal(status(0) & 0x40, 0x40);
	assert_int_equal(i8254_deadline(&pit), now + 500);
	now += 500;
	assert_true(poll());
	assert_int_equal(status(0) & 0x40, 0);
	assert_int_equal(latched(0), 2000);
	assert_int_equal(i8254_deadline(&pit), now + 2000);
}

static void a_control_word_stops_counting_until_a_count_is_written(void **state)
{
	(void)state;
	poll();
	now += 100;
	out(CONTROL, WORD(0, 0));
	assert_false(output(0));
	poll();
	assert_true(i8254_deadline(&pit) == UINT64_MAX);
	now += 10000000;
	assert_false(poll());
	assert_int_equal(latched(0), 65536 - 200);
}

static void leaving_mode_0_before_its_end_is_an_edge(void **state)
{
	(void)state;
	program(0, 0, 1000);
	poll();
	out(CONTROL, WORD(0, 2));
	assert_int_equal(i8254_deadline(&pit), now);
	assert_true(poll());
}

static void bcd_counts_in_decimal(void **state)
{
	(void)state;
	out(CONTROL, WORD(0, 0) | 1);
	out(I8254_PORT, 0x00);
	out(I8254_PORT, 0x10);
	now += 1 + 1;
	assert_int_equal(latched(0), 0x0999);
	now += 999;
	assert_true(poll());
	now++;
	assert_int_equal(latched(0), 0x9999);
	out(CONTROL, WORD(0, 2) | 1);
	out(I8254_PORT, 0);
	out(I8254_PORT, 0);
	now++;
	assert_int_equal(latched(0), 0);
	poll();
	assert_int_equal(i8254_deadline(&pit), now + 10000);
}

static void ticks_missed_are_one_edge(void **state)
{
	(void)state;
	program(0, 2, 1000);
	poll();
	now += 1 + 1000 * 1000000000ull + 300;
	assert_true(poll());
	assert_false(poll());
	assert_int_equal(i8254_deadline(&pit), now + 700);
	assert_int_equal(latched(0), 700);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		i8254_test(mode_0_rises_once_one_period_after_its_count),
		i8254_test(mode_0_stops_at_the_first_of_two_bytes),
		i8254_test(the_gate_stops_mode_0_and_lets_it_go_on),
		i8254_test(mode_1_is_low_from_the_gate_s_edge_for_its_count),
		i8254_test(mode_2_is_low_for_the_last_period),
		i8254_test(mode_3_is_a_square_wave_that_counts_by_two),
		i8254_test(mode_4_strobes_once),
		i8254_test(mode_5_strobes_after_the_gate_s_edge),
		i8254_test(modes_1_and_5_of_counter_0_wait_for_ever),
		i8254_test(a_new_count_waits_for_the_end_of_the_period),
		i8254_test(a_control_word_stops_counting_until_a_count_is_written),
		i8254_test(leaving_mode_0_before_its_end_is_an_edge),
		i8254_test(bcd_counts_in_decimal),
		i8254_test(ticks_missed_are_one_edge),
	};

	return cmocka_run_group_tests_name("i8254 modes", tests, NULL, NULL);
}
