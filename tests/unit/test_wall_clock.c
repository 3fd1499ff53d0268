/*
 * boot/wall_clock.c against a clock at ports 70h and 71h that is this file.
 */
#include "tests/unit/unit.h"

#include "boot/clock.h"
#include "boot/wall_clock.h"
#include "tests/unit/ports.h"

#define SECONDS	 0x00
#define MINUTES	 0x02
#define HOURS	 0x04
#define DAY	 0x07
#define MONTH	 0x08
#define YEAR	 0x09
#define STATUS_A 0x0a
#define STATUS_B 0x0b

#define UPDATING       0x80
#define HOURS_24       0x02
#define BINARY	       0x04
#define YEAR_2000      946684800ull /* seconds since 1970 */
#define TSC_KHZ	       1000
#define TSC_PER_SECOND 1000000

static uint8_t registers[128], selected;
static unsigned int updates; /* reads of status A that find an update in progress */
static unsigned int reads;
static bool absent;
static uint64_t tsc;

uint8_t device_inb(uint16_t port)
{
	assert_int_equal(port, 0x71);
	reads++;
	tsc++; /* a read takes a microsecond */
	if (absent)
		return 0xff;
	if (selected == STATUS_A && updates) {
		updates--;
		return UPDATING;
	}
	/* during an update the time is not to be relied on */
	return updates && selected < STATUS_A ? 0xff : registers[selected];
}

void device_outb(uint16_t port, uint8_t value)
{
	assert_int_equal(port, 0x70);
	selected = value & 0x7f;
}

uint64_t fake_rdtsc(void)
{
	return tsc;
}

uint64_t clock_tsc_khz(void)
{
	return TSC_KHZ;
}

uint64_t clock_us_to_tsc(uint64_t microseconds)
{
	return microseconds * TSC_KHZ / 1000;
}

static int start(void **state)
{
	(void)state;
	memset(registers, 0, sizeof(registers));
	absent = false;
	updates = reads = 0;
	tsc = 123456789;
	return 0;
}

/* 2026-02-03 17:45:59, in bytes of the clock's own kind. */
static void show(uint8_t status_b, uint8_t hours, const uint8_t others[5])
{
	registers[STATUS_B] = status_b;
	registers[HOURS] = hours;
	registers[YEAR] = others[0];
	registers[MONTH] = others[1];
	registers[DAY] = others[2];
	registers[MINUTES] = others[3];
	registers[SECONDS] = others[4];
}

#define SHOWN 1770140759ull

static const uint8_t bcd[] = {0x26, 0x02, 0x03, 0x45, 0x59};
static const uint8_t binary[] = {26, 2, 3, 45, 59};

static uint64_t read_clock(void)
{
	wall_clock_init();
	return wall_clock_now();
}

static void a_clock_is_read_in_bcd_and_binary_of_12_and_24_hours(void **state)
{
	(void)state;
	show(HOURS_24, 0x17, bcd);
	assert_int_equal(read_clock(), SHOWN);
	show(0, 0x80 | 0x05, bcd);
	assert_int_equal(read_clock(), SHOWN);
	show(HOURS_24 | BINARY, 17, binary);
	assert_int_equal(read_clock(), SHOWN);
	show(BINARY, 0x80 | 5, binary);
	assert_int_equal(read_clock(), SHOWN);
}

static void hours_of_12_begin_with_12(void **state)
{
	(void)state;
	show(0, 0x12, bcd); /* midnight */
	assert_int_equal(read_clock(), SHOWN - 17 * 3600);
	show(0, 0x80 | 0x12, bcd); /* noon */
	assert_int_equal(read_clock(), SHOWN - 5 * 3600);
	show(BINARY, 12, binary);
	assert_int_equal(read_clock(), SHOWN - 17 * 3600);
	show(BINARY, 0x80 | 12, binary);
	assert_int_equal(read_clock(), SHOWN - 5 * 3600);
	show(BINARY, 11, binary);
	assert_int_equal(read_clock(), SHOWN - 6 * 3600);
	show(BINARY, 0x80 | 11, binary);
	assert_int_equal(read_clock(), SHOWN + 6 * 3600);
}

static void an_update_is_waited_for(void **state)
{
	(void)state;
	show(HOURS_24, 0x17, bcd);
	updates = 1000;
	assert_int_equal(read_clock(), SHOWN);
	assert_int_equal(updates, 0);
}

static void a_machine_without_a_clock_begins_with_the_year_2000(void **state)
{
	(void)state;
	absent = true;
	assert_int_equal(read_clock(), YEAR_2000);
	assert_in_range(reads, 5000, 20000); /* not so many where a read takes longer */
}

/* A battery that is empty: any bytes give some time, and not one before the machine's. */
static void what_is_no_time_is_taken_for_one(void **state)
{
	uint64_t seed = 99;

	(void)state;
	for (unsigned int i = 0; i < 20000; i++) {
		for (unsigned int at = 0; at < STATUS_B + 1; at++)
			registers[at] = random_next(&seed) >> 40;
		registers[STATUS_A] = 0;
		assert_in_range(read_clock(), YEAR_2000, YEAR_2000 + 100ull * 366 * 86400);
	}
}

static void the_days_of_a_leap_year_are_counted(void **state)
{
	static const uint8_t february[] = {0x24, 0x02, 0x29, 0x59, 0x59};
	static const uint8_t march[] = {0x24, 0x03, 0x01, 0x00, 0x00};

	(void)state;
	show(HOURS_24, 0x23, february);
	assert_int_equal(read_clock(), 1709251199);
	show(HOURS_24, 0x00, march);
	assert_int_equal(read_clock(), 1709251200);
}

static void time_goes_on_by_the_tsc(void **state)
{
	(void)state;
	show(HOURS_24, 0x17, bcd);
	wall_clock_init();
	tsc += 90 * TSC_PER_SECOND - 1;
	assert_int_equal(wall_clock_now(), SHOWN + 89);
	tsc++;
	assert_int_equal(wall_clock_now(), SHOWN + 90);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_clock_is_read_in_bcd_and_binary_of_12_and_24_hours, start),
		cmocka_unit_test_setup(hours_of_12_begin_with_12, start),
		cmocka_unit_test_setup(an_update_is_waited_for, start),
		cmocka_unit_test_setup(a_machine_without_a_clock_begins_with_the_year_2000, start),
		cmocka_unit_test_setup(what_is_no_time_is_taken_for_one, start),
		cmocka_unit_test_setup(the_days_of_a_leap_year_are_counted, start),
		cmocka_unit_test_setup(time_goes_on_by_the_tsc, start),
	};

	return cmocka_run_group_tests_name("wall_clock", tests, NULL, NULL);
}
