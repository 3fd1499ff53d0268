#include "vmm/chip/mc146818_clock.h"

#include <stdbool.h>

#include "lib/calendar.h"

#define DAY	    86400
#define PM	    0x80 /* in an hour, of 12 */
#define DO_NOT_CARE 0xc0 /* and above: any second, minute or hour */
#define ANY	    60

static uint8_t decode(const uint8_t *cmos, uint8_t value)
{
	return cmos[MC146818_B] & MC146818_BINARY ? value : (value >> 4) * 10 + (value & 15);
}

static uint8_t encode(const uint8_t *cmos, uint8_t value)
{
	return cmos[MC146818_B] & MC146818_BINARY ? value : value / 10 << 4 | value % 10;
}

static uint8_t decode_hour(const uint8_t *cmos, uint8_t value)
{
	if (cmos[MC146818_B] & MC146818_24_HOURS)
		return decode(cmos, value);
	return decode(cmos, value & ~PM) % 12 + (value & PM ? 12 : 0);
}

static uint8_t encode_hour(const uint8_t *cmos, uint8_t hour)
{
	if (cmos[MC146818_B] & MC146818_24_HOURS)
		return encode(cmos, hour);
	return encode(cmos, hour % 12 ? hour % 12 : 12) | (hour < 12 ? 0 : PM);
}

static uint32_t time_of_day(const uint8_t *cmos)
{
	return decode_hour(cmos, cmos[MC146818_HOURS]) * 3600u +
	       decode(cmos, cmos[MC146818_MINUTES]) * 60u + decode(cmos, cmos[MC146818_SECONDS]);
}

static void set_time_of_day(uint8_t *cmos, uint32_t seconds)
{
	cmos[MC146818_SECONDS] = encode(cmos, seconds % 60);
	cmos[MC146818_MINUTES] = encode(cmos, seconds / 60 % 60);
	cmos[MC146818_HOURS] = encode_hour(cmos, seconds / 3600);
}

static uint64_t day_number(const uint8_t *cmos)
{
	struct date date = {
		.year = decode(cmos, cmos[MC146818_CENTURY]) * 100u +
			decode(cmos, cmos[MC146818_YEAR]),
		.month = decode(cmos, cmos[MC146818_MONTH]),
		.day = decode(cmos, cmos[MC146818_DAY]),
	};

	return calendar_days(date);
}

static void set_day_number(uint8_t *cmos, uint64_t days)
{
	struct date date = calendar_date(days);

	cmos[MC146818_DAY] = encode(cmos, date.day);
	cmos[MC146818_MONTH] = encode(cmos, date.month);
	cmos[MC146818_YEAR] = encode(cmos, date.year % 100);
	cmos[MC146818_CENTURY] = encode(cmos, date.year / 100 % 100);
}

void mc146818_clock_set(uint8_t *cmos, uint64_t seconds_since_1970)
{
	uint64_t days = CALENDAR_1970 + seconds_since_1970 / DAY % (UINT64_C(1) << 32);

	set_time_of_day(cmos, seconds_since_1970 % DAY);
	set_day_number(cmos, days);
	cmos[MC146818_WEEKDAY] = calendar_weekday(days) + 1;
}

void mc146818_clock_add(uint8_t *cmos, uint64_t seconds)
{
	uint64_t time = time_of_day(cmos) + seconds % (UINT64_C(1) << 49);
	uint64_t days = time / DAY;

	set_time_of_day(cmos, time % DAY);
	if (!days)
		return;
	set_day_number(cmos, day_number(cmos) + days);
	cmos[MC146818_WEEKDAY] = (cmos[MC146818_WEEKDAY] + 6 + days) % 7 + 1;
}

struct alarm {
	uint8_t second, minute, hour; /* or ANY */
};

/* False: one of its bytes is like none of the clock's, at any time. */
static bool read_alarm(const uint8_t *cmos, struct alarm *alarm)
{
	uint8_t second = cmos[MC146818_SECONDS_ALARM];
	uint8_t minute = cmos[MC146818_MINUTES_ALARM];
	uint8_t hour = cmos[MC146818_HOURS_ALARM];

	*alarm = (struct alarm){ANY, ANY, ANY};
	if (second < DO_NOT_CARE) {
		alarm->second = decode(cmos, second);
		if (alarm->second >= 60 || encode(cmos, alarm->second) != second)
			return false;
	}
	if (minute < DO_NOT_CARE) {
		alarm->minute = decode(cmos, minute);
		if (alarm->minute >= 60 || encode(cmos, alarm->minute) != minute)
			return false;
	}
	if (hour < DO_NOT_CARE) {
		alarm->hour = decode_hour(cmos, hour);
		if (alarm->hour >= 24 || encode_hour(cmos, alarm->hour) != hour)
			return false;
	}
	return true;
}

/* The first that is at least `from`; beyond the last one there is `end`. */
static uint32_t next_value(uint8_t value, uint32_t from, uint32_t end)
{
	if (value == ANY)
		return from;
	return from <= value ? value : end;
}

/* The first time of day from this one on; a later day's is above a DAY. */
static uint32_t next_match(struct alarm alarm, uint32_t from)
{
	uint32_t hour = from / 3600, minute = from / 60 % 60;
	uint32_t second = next_value(alarm.second, from % 60, 60);

	if (second == 60 || next_value(alarm.minute, minute, 60) != minute) {
		minute = next_value(alarm.minute, minute + (second == 60), 60);
		second = next_value(alarm.second, 0, 60);
	}
	if (minute == 60 || next_value(alarm.hour, hour, 24) != hour) {
		hour = next_value(alarm.hour, hour + (minute == 60), 24);
		minute = next_value(alarm.minute, 0, 60);
		second = next_value(alarm.second, 0, 60);
	}
	if (hour == 24)
		hour += next_value(alarm.hour, 0, 24);
	return hour * 3600 + minute * 60 + second;
}

uint64_t mc146818_clock_until_alarm(const uint8_t *cmos)
{
	uint32_t now = time_of_day(cmos) % DAY;
	struct alarm alarm;

	if (!read_alarm(cmos, &alarm))
		return MC146818_NO_ALARM;
	return next_match(alarm, now + 1) - now;
}
