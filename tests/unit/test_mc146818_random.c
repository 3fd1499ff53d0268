/*
 * The real-time clock against one that steps with its crystal, with random use; and random bytes.
 */
#include "tests/unit/mc146818_fixture.h"

#include "tests/unit/mc146818_stepped.h"
#include "vmm/chip/mc146818_clock.h"

static struct mc146818_stepped stepped;

static void check_registers(void)
{
	assert_int_equal(mc146818_interrupts(&rtc), mc146818_stepped_interrupts(&stepped));
	for (unsigned int i = 0; i <= 13; i++)
		if (i != C)
			assert_int_equal(in(i), mc146818_stepped_read(&stepped, i));
	assert_int_equal(in(0x32), mc146818_stepped_read(&stepped, 0x32));
}

static void let_time_pass(uint64_t ticks)
{
	for (; ticks; ticks--) {
		bool before = mc146818_stepped_interrupts(&stepped);

		now++;
		mc146818_stepped_tick(&stepped);
		if (!before && mc146818_stepped_interrupts(&stepped))
			assert_int_equal(deadline(), now);
	}
	assert_int_equal(poll(), mc146818_stepped_interrupts(&stepped));
}

static void write_both(uint8_t index, uint8_t value)
{
	out(index, value);
	mc146818_stepped_write(&stepped, index, value);
}

/* As register B names it. */
static uint8_t in_format(uint8_t value)
{
	return stepped.cmos[B] & DM ? value : value / 10 << 4 | value % 10;
}

static uint8_t hour_in_format(uint8_t hour)
{
	if (stepped.cmos[B] & H24)
		return in_format(hour);
	return in_format(hour % 12 ? hour % 12 : 12) | (hour < 12 ? 0 : 0x80);
}

/* A moment that is often one before much changes, and an alarm that is near or anything. */
static void random_clock(uint64_t *seed)
{
	static const uint8_t last_day[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	unsigned int month = random_next(seed) % 12;
	uint64_t random = random_next(seed);

	write_both(B, random >> 40 & (SET | PIE | AIE | UIE | DM | H24));
	write_both(0, in_format(58 + random % 2));
	write_both(2, in_format(random & 4 ? 59 : random >> 8 & 31));
	write_both(4, hour_in_format(random & 8 ? 23 : (random >> 16) % 24));
	write_both(6, in_format(1 + (random >> 24) % 7));
	write_both(7, in_format(random & 16 ? last_day[month] : 28));
	write_both(8, in_format(month + 1));
	write_both(9, in_format(random & 32 ? 99 : (random >> 32) % 100));
	write_both(0x32, in_format((random >> 48) % 99));
	random = random_next(seed);
	write_both(1, random & 1 ? 0xff : in_format((random >> 8) % 62));
	write_both(3, random & 2 ? 0xff : in_format(random & 4 ? 0 : (random >> 16) % 62));
	write_both(5, random & 8 ? 0xc0 : hour_in_format(random & 16 ? 0 : (random >> 24) % 26));
}

static void random_use(uint64_t *seed)
{
	static const uint8_t dividers[] = {0x20, 0x20, 0x20, 0x20, 0x20, 0x60, 0x70, 0x00};
	uint64_t random = random_next(seed);

	switch (random % 16) {
	case 0:
		random_clock(seed);
		break;
	case 1:
		write_both(A, dividers[random >> 8 & 7] | (random >> 16 & 15));
		break;
	case 2 ... 3:
		write_both(B, (stepped.cmos[B] & (DM | H24)) |
				      (random >> 8 & (PIE | AIE | UIE | (random & 0x80))));
		break;
	case 4 ... 8:
		assert_int_equal(in(C), mc146818_stepped_read(&stepped, C));
		break;
	case 9:
		let_time_pass((random >> 8) % (3 * SECOND));
		break;
	case 10:
		let_time_pass((random >> 8) % SECOND);
		break;
	default:
		let_time_pass((random >> 8) % 300);
	}
}

static void random_use_is_what_a_clock_does_that_steps_with_its_crystal(void **state)
{
	uint64_t seed = 146818;

	(void)state;
	mc146818_stepped_begin(&stepped, rtc.cmos);
	for (unsigned int i = 0; i < 20000; i++) {
		random_use(&seed);
		check_registers();
	}
}

static bool matches(const uint8_t *cmos, uint32_t time)
{
	uint32_t hour = time / 3600, minute = time / 60 % 60, second = time % 60;

	return (cmos[1] >= 0xc0 || cmos[1] == second) && (cmos[3] >= 0xc0 || cmos[3] == minute) &&
	       (cmos[5] >= 0xc0 || cmos[5] == hour);
}

static uint64_t seconds_until_it_matches(const uint8_t *cmos, uint32_t time)
{
	for (uint32_t i = 1; i <= 86400; i++)
		if (matches(cmos, (time + i) % 86400))
			return i;
	return MC146818_NO_ALARM;
}

/* In binary. */
static void the_alarm_is_the_first_match_of_the_next_day(void **state)
{
	uint64_t seed = 12;

	(void)state;
	for (unsigned int i = 0; i < 3000; i++) {
		uint64_t random = random_next(&seed);
		uint32_t time = (random >> 32) % 86400;
		uint8_t cmos[MC146818_BYTES] = {
			[0] = time % 60, [2] = time / 60 % 60, [4] = time / 3600, [11] = DM | H24};

		random = random_next(&seed);
		cmos[1] = random & 1 ? 0xc0 + (random >> 8) % 0x40 : (random >> 16) % 62;
		cmos[3] = random & 2 ? 0xc0 + (random >> 24) % 0x40 : (random >> 32) % 62;
		cmos[5] = random & 4 ? 0xc0 + (random >> 40) % 0x40 : (random >> 48) % 26;
		assert_true(mc146818_clock_until_alarm(cmos) ==
			    seconds_until_it_matches(cmos, time));
	}
}

static void random_bytes_at_any_time_do_no_harm(void **state)
{
	uint64_t seed = 71;

	(void)state;
	rate = rate_of(MC146818_HZ, 2394230);
	for (unsigned int i = 0; i < 1000000; i++) {
		uint64_t random = random_next(&seed);
		uint8_t index = random & 0x80 ? random >> 8 : random >> 8 & 15;

		now += random_next(&seed) >> (24 + (random >> 16) % 40);
		if (now >> 62)
			now = 0;
		if (random >> 60 < 6)
			in(index);
		else if (random >> 60 < 12)
			out(index, random >> 32);
		else if (!poll())
			assert_true(deadline() > now);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		rtc_test(random_use_is_what_a_clock_does_that_steps_with_its_crystal),
		rtc_test(the_alarm_is_the_first_match_of_the_next_day),
		rtc_test(random_bytes_at_any_time_do_no_harm),
	};

	return cmocka_run_group_tests_name("mc146818 random", tests, NULL, NULL);
}
