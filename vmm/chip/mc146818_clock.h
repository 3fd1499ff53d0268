/*
 * The time, calendar and alarm bytes of an MC146818A (data sheet, "Time, calendar, and alarm
 * locations"), and the byte in which a PC keeps the century. They count in the format that register
 * B names, BCD or binary, 12 or 24 hours, whatever was written to them: what is no time is taken
 * for one, and is one after an update. Leap years are those of the Gregorian calendar. Daylight
 * saving (DSE) is not done, as on today's chips. `cmos` is all of a chip's bytes.
 */
#pragma once

#include <stdint.h>

enum mc146818_register {
	MC146818_SECONDS,
	MC146818_SECONDS_ALARM,
	MC146818_MINUTES,
	MC146818_MINUTES_ALARM,
	MC146818_HOURS,
	MC146818_HOURS_ALARM,
	MC146818_WEEKDAY, /* 1: Sunday */
	MC146818_DAY,
	MC146818_MONTH,
	MC146818_YEAR,
	MC146818_A,
	MC146818_B,
	MC146818_C,
	MC146818_D,
	MC146818_CENTURY = 0x32,
};

#define MC146818_24_HOURS 0x02 /* in register B */
#define MC146818_BINARY	  0x04

#define MC146818_NO_ALARM UINT64_MAX

void mc146818_clock_set(uint8_t *cmos, uint64_t seconds_since_1970);
/* So many updates, one a second. */
void mc146818_clock_add(uint8_t *cmos, uint64_t seconds);
/* The update that is the next with which the alarm matches: 1 to 86400, or MC146818_NO_ALARM. */
uint64_t mc146818_clock_until_alarm(const uint8_t *cmos);
