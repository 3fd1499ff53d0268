/*
 * The real-time clock as a kernel meets it: time, interrupts, and what is in its memory.
 */
#include "tests/unit/mc146818_fixture.h"

#define KIB 1024ull
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

static void assert_clock(const char *expected)
{
	char clock[64];

	snprintf(clock, sizeof(clock), "%x %02x%02x-%02x-%02x %02x:%02x:%02x", in(6), in(0x32),
		 in(9), in(8), in(7), in(4), in(2), in(0));
	assert_string_equal(clock, expected);
}

static void set_clock(uint8_t hour, uint8_t minute, uint8_t second)
{
	out(4, hour);
	out(2, minute);
	out(0, second);
}

static void set_alarm(uint8_t hour, uint8_t minute, uint8_t second)
{
	out(5, hour);
	out(3, minute);
	out(1, second);
}

static void after_reset_it_shows_the_time_in_bcd(void **state)
{
	(void)state;
	assert_clock("4 2024-02-28 23:59:58");
	assert_int_equal(in(A), 0x26);
	assert_int_equal(in(B), H24);
	assert_int_equal(in(C), 0);
	assert_int_equal(in(D), 0x80);
	assert_false(mc146818_interrupts(&rtc));
	assert_true(deadline() == UINT64_MAX);
}

static void time_goes_on_over_a_leap_day(void **state)
{
	(void)state;
	now += SECOND - 1;
	assert_clock("4 2024-02-28 23:59:58");
	now++;
	assert_clock("4 2024-02-28 23:59:59");
	now += SECOND;
	assert_clock("5 2024-02-29 00:00:00");
	now += 86400ull * SECOND;
	assert_clock("6 2024-03-01 00:00:00");
	now += 86400ull * SECOND * 306;
	assert_clock("4 2025-01-01 00:00:00");
}

static void any_gap_is_caught_up_at_once(void **state)
{
	(void)state;
	now += 86400ull * SECOND * 146097 * 5;
	assert_clock("4 4024-02-28 23:59:58");
	now += 1ull << 62;
	in(0);
}

static void centuries_begin(void **state)
{
	(void)state;
	begin(946684799);
	assert_clock("6 1999-12-31 23:59:59");
	now += SECOND;
	assert_clock("7 2000-01-01 00:00:00");
	begin(4102444799);
	now += SECOND;
	assert_clock("6 2100-01-01 00:00:00");
	now += SECOND * 86400ull * 59;
	assert_clock("2 2100-03-01 00:00:00");
}

static void any_byte_of_the_time_may_be_the_first_to_be_read(void **state)
{
	static const uint8_t bytes[][2] = {{0, 0x00}, {2, 0x00}, {4, 0x00}, {6, 0x07},
					   {7, 0x01}, {8, 0x01}, {9, 0x00}, {0x32, 0x20}};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(bytes); i++) {
		begin(946684799);
		now += SECOND;
		assert_int_equal(in(bytes[i][0]), bytes[i][1]);
	}
}

static void binary_and_12_hours_are_formats_of_the_same(void **state)
{
	(void)state;
	out(B, DM | H24);
	set_clock(23, 59, 59);
	out(7, 30);
	out(8, 12);
	out(9, 99);
	out(0x32, 19);
	now += SECOND;
	assert_clock("5 1363-0c-1f 00:00:00");
	out(B, 0);
	set_clock(0x91, 0x59, 0x59); /* 11 pm */
	out(7, 0x31);
	out(8, 0x12);
	out(9, 0x99);
	out(0x32, 0x19);
	now += SECOND;
	assert_clock("6 2000-01-01 12:00:00");
	now += SECOND * 3600;
	assert_clock("6 2000-01-01 01:00:00");
	now += SECOND * 3600 * 11;
	assert_clock("6 2000-01-01 92:00:00");
	now += SECOND * 3600;
	assert_clock("6 2000-01-01 81:00:00");
	out(B, DM);
	out(4, 0x80 | 12);
	now += SECOND * 3600;
	assert_int_equal(in(4), 0x81);
}

static void the_weekday_is_whatever_the_guest_calls_it(void **state)
{
	(void)state;
	out(6, 7);
	now += 2 * SECOND;
	assert_int_equal(in(6), 1);
	now += 10ull * 86400 * SECOND;
	assert_int_equal(in(6), 4);
}

static void set_stops_updates_and_clears_uie(void **state)
{
	(void)state;
	out(B, SET | UIE | H24);
	assert_int_equal(in(B), SET | H24);
	set_clock(0x10, 0x20, 0x30);
	now += 100 * SECOND - 1;
	assert_int_equal(in(A)&UIP, 0);
	assert_clock("4 2024-02-28 10:20:30");
	assert_int_equal(in(C)&UIE, 0);
	out(B, H24);
	now++;
	assert_clock("4 2024-02-28 10:20:31");
}

static void a_divider_that_is_reset_starts_half_a_second_before_an_update(void **state)
{
	(void)state;
	now += SECOND / 4;
	in(C);
	out(A, 0x76);
	now += 1000 * SECOND;
	assert_clock("4 2024-02-28 23:59:58");
	assert_int_equal(in(C), 0);
	out(A, 0x26);
	now += SECOND / 2 - 1;
	assert_clock("4 2024-02-28 23:59:58");
	now++;
	assert_clock("4 2024-02-28 23:59:59");
	now += SECOND;
	assert_clock("5 2024-02-29 00:00:00");
}

static void uip_is_set_for_244_us_before_an_update(void **state)
{
	(void)state;
	assert_int_equal(in(A)&UIP, 0);
	for (unsigned int i = 0; i < 3 * SECOND; i++, now++)
		assert_int_equal(in(A)&UIP, i % SECOND >= SECOND - 8 ? UIP : 0);
	out(A, 0xff);
	assert_int_equal(in(A), 0x7f);
}

static void a_kernel_that_waits_for_uip_sees_it_begin_and_end(void **state)
{
	const uint64_t khz = 2394230;
	uint64_t begin_at;

	(void)state;
	rate = rate_of(MC146818_HZ, khz);
	while (!(in(A)&UIP))
		now += 10000;
	begin_at = now;
	while (in(A)&UIP)
		now += 10000;
	assert_in_range((now - begin_at) * 1000 / khz, 235, 250);
	assert_int_equal(in(0), 0x59);
}

static void the_periodic_flag_comes_at_the_rate_of_register_a(void **state)
{
	static const uint16_t ticks[16] = {0,	128, 256, 4,	8,    16,   32,	  64,
					   128, 256, 512, 1024, 2048, 4096, 8192, 16384};

	(void)state;
	for (unsigned int i = 1; i < 16; i++) {
		out(A, 0x20 | i);
		out(B, PIE | H24);
		now += SECOND - (now - 1000000) % SECOND;
		in(C);
		assert_int_equal(deadline(), now + ticks[i]);
		for (unsigned int j = 0; j < 5; j++) {
			now += ticks[i] - 1;
			assert_false(poll());
			now++;
			assert_true(poll());
			assert_true(deadline() == UINT64_MAX);
			assert_int_equal(in(C) & ~UIE, 0xc0);
			assert_false(mc146818_interrupts(&rtc));
			assert_int_equal(deadline(), now + ticks[i]);
		}
	}
	out(A, 0x20);
	in(C);
	assert_true(deadline() == UINT64_MAX);
	now += SECOND;
	assert_int_equal(in(C), UIE);
}

static void flags_come_without_being_enabled_and_interrupt_when_they_are(void **state)
{
	(void)state;
	now += SECOND;
	assert_false(poll());
	out(B, UIE | H24);
	assert_true(mc146818_interrupts(&rtc));
	out(B, H24);
	assert_false(mc146818_interrupts(&rtc));
	assert_int_equal(in(C), 0x50);
	assert_int_equal(in(C), 0);
}

static void an_update_interrupts(void **state)
{
	(void)state;
	now += 100;
	set_alarm(0x12, 0x00, 0x00);
	out(B, UIE | H24);
	assert_int_equal(deadline(), 1000000 + SECOND);
	now = deadline() + 10ull * SECOND;
	assert_true(poll());
	assert_int_equal(in(C), 0xd0);
	assert_int_equal(deadline(), now + SECOND);
}

static void the_alarm_comes_at_its_time(void **state)
{
	static const struct {
		uint8_t hour, minute, second;
		uint64_t seconds; /* after 23:59:58 */
	} alarms[] = {
		{0x23, 0x59, 0x59, 1},
		{0x23, 0x59, 0x58, 86400},
		{0xff, 0xff, 0xff, 1},
		{0xc0, 0xc0, 0x00, 2},
		{0xff, 0x00, 0x00, 2},
		{0xff, 0x00, 0xff, 2},
		{0x00, 0x00, 0x01, 3},
		{0x07, 0xff, 0xff, 2 + 7 * 3600},
		{0xff, 0x30, 0x15, 1817},
		{0x12, 0xff, 0x15, 2 + 12 * 3600 + 15},
		{0x23, 0xff, 0x57, 86400 - 3600 + 59},
		{0x23, 0x59, 0x57, 86399},
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(alarms); i++) {
		begin(Y2024_02_28_23_59_58);
		set_alarm(alarms[i].hour, alarms[i].minute, alarms[i].second);
		in(C);
		out(B, AIE | H24);
		assert_int_equal(deadline(), now + alarms[i].seconds * SECOND);
		now = deadline() - 1;
		assert_false(poll());
		now++;
		assert_true(poll());
		assert_int_equal(in(C)&0xa0, 0xa0);
	}
}

static void an_alarm_that_is_no_time_never_comes(void **state)
{
	static const uint8_t alarms[][3] = {
		{0x24, 0xff, 0xff}, {0xff, 0x60, 0xff}, {0xff, 0xff, 0x60}, {0xff, 0xff, 0x0a}};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(alarms); i++) {
		begin(Y2024_02_28_23_59_58);
		set_alarm(alarms[i][0], alarms[i][1], alarms[i][2]);
		out(B, AIE | H24);
		assert_true(deadline() == UINT64_MAX);
		now += 1000000ull * SECOND;
		assert_false(poll());
		assert_int_equal(in(C)&AIE, 0);
	}
}

static void the_alarm_is_in_the_format_of_the_time(void **state)
{
	(void)state;
	out(B, AIE);
	set_clock(0x91, 0x59, 0x58); /* 11 pm */
	set_alarm(0x12, 0x00, 0x00);
	assert_int_equal(deadline(), now + 2 * SECOND);
	set_alarm(0x92, 0x00, 0x00);
	assert_int_equal(deadline(), now + (2 + 12 * 3600) * SECOND);
	out(B, AIE | DM | H24);
	set_clock(23, 59, 58);
	set_alarm(13, 14, 15);
	assert_int_equal(deadline(), now + (2 + 13 * 3600 + 14 * 60 + 15) * SECOND);
}

static void the_nmi_mask_is_bit_7_of_port_70h(void **state)
{
	(void)state;
	assert_false(rtc.nmi_masked);
	mc146818_write(&rtc, &rate, 0x70, 0x8d, now);
	assert_true(rtc.nmi_masked);
	assert_int_equal(mc146818_read(&rtc, &rate, 0x71, now), 0x80);
	assert_int_equal(mc146818_read(&rtc, &rate, 0x70, now), 0xff);
	in(0);
	assert_false(rtc.nmi_masked);
}

static void registers_c_and_d_and_bit_7_of_the_seconds_cannot_be_written(void **state)
{
	(void)state;
	out(C, 0xff);
	out(D, 0);
	assert_int_equal(in(C), 0);
	assert_int_equal(in(D), 0x80);
	out(0, 0xd8);
	assert_int_equal(in(0), 0x58);
}

static void what_is_written_to_memory_stays(void **state)
{
	(void)state;
	for (unsigned int i = 0x0e; i < 0x80; i++)
		if (i != 0x32)
			out(i, i ^ 0x5a);
	now += 1000ull * SECOND;
	for (unsigned int i = 0x0e; i < 0x80; i++)
		if (i != 0x32)
			assert_int_equal(in(i), i ^ 0x5a);
}

static uint32_t memory(uint8_t index, unsigned int bytes)
{
	uint32_t value = 0;

	for (unsigned int i = 0; i < bytes; i++)
		value |= (uint32_t)in(index + i) << 8 * i;
	return value;
}

static void the_memory_says_how_much_ram_there_is(void **state)
{
	static const struct {
		uint64_t low, high;
		uint32_t base, extended, above_16_mib, above_4_gib;
	} machines[] = {
		{512 * KIB, 0, 512, 0, 0, 0},
		{1 * MIB, 0, 640, 0, 0, 0},
		{16 * MIB, 0, 640, 15360, 0, 0},
		{64 * MIB, 0, 640, 64512, 768, 0},
		{3 * GIB, 5 * GIB, 640, 65535, 48896, 81920},
		{4 * GIB, 1ull << 50, 640, 65535, 65280, 0xffffff},
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(machines); i++) {
		mc146818_reset(&rtc, 0, machines[i].low, machines[i].high, now);
		assert_int_equal(memory(0x15, 2), machines[i].base);
		assert_int_equal(memory(0x17, 2), machines[i].extended);
		assert_int_equal(memory(0x30, 2), machines[i].extended);
		assert_int_equal(memory(0x34, 2), machines[i].above_16_mib);
		assert_int_equal(memory(0x5b, 3), machines[i].above_4_gib);
	}
}

static void the_memory_says_which_display_and_its_sum_is_right(void **state)
{
	uint16_t sum = 0;

	(void)state;
	assert_int_equal(in(0x14), 0x22);
	for (unsigned int i = 0x10; i <= 0x2d; i++)
		sum += in(i);
	assert_int_equal(in(0x2e) << 8 | in(0x2f), sum);
}

static void a_clock_that_goes_back_does_no_harm(void **state)
{
	(void)state;
	now += 2 * SECOND;
	assert_clock("5 2024-02-29 00:00:00");
	now = 0;
	assert_clock("5 2024-02-29 00:00:00");
	assert_false(poll());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		rtc_test(after_reset_it_shows_the_time_in_bcd),
		rtc_test(time_goes_on_over_a_leap_day),
		rtc_test(any_gap_is_caught_up_at_once),
		rtc_test(centuries_begin),
		rtc_test(any_byte_of_the_time_may_be_the_first_to_be_read),
		rtc_test(binary_and_12_hours_are_formats_of_the_same),
		rtc_test(the_weekday_is_whatever_the_guest_calls_it),
		rtc_test(set_stops_updates_and_clears_uie),
		rtc_test(a_divider_that_is_reset_starts_half_a_second_before_an_update),
		rtc_test(uip_is_set_for_244_us_before_an_update),
		rtc_test(a_kernel_that_waits_for_uip_sees_it_begin_and_end),
		rtc_test(the_periodic_flag_comes_at_the_rate_of_register_a),
		rtc_test(flags_come_without_being_enabled_and_interrupt_when_they_are),
		rtc_test(an_update_interrupts),
		rtc_test(the_alarm_comes_at_its_time),
		rtc_test(an_alarm_that_is_no_time_never_comes),
		rtc_test(the_alarm_is_in_the_format_of_the_time),
		rtc_test(the_nmi_mask_is_bit_7_of_port_70h),
		rtc_test(registers_c_and_d_and_bit_7_of_the_seconds_cannot_be_written),
		rtc_test(what_is_written_to_memory_stays),
		rtc_test(the_memory_says_how_much_ram_there_is),
		rtc_test(the_memory_says_which_display_and_its_sum_is_right),
		rtc_test(a_clock_that_goes_back_does_no_harm),
	};

	return cmocka_run_group_tests_name("mc146818", tests, NULL, NULL);
}
