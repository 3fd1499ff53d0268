/*
 * Dates of the Gregorian calendar as numbers of days. Any work takes the same time; no part of a
 * date is trusted.
 */
#pragma once

#include <stdint.h>

#define CALENDAR_1970 719528 /* days from 1 January of year 0 */

struct date {
	uint32_t year;	/* 0 and above */
	uint32_t month; /* 1 to 12 */
	uint32_t day;	/* 1 to 31 */
};

/*
 * Days from 1 January of year 0. A month below 1 is the first and one above 12 the last; a day
 * beyond its month is in the next one, and day 0 in the one before, but none is before day 0.
 */
uint64_t calendar_days(struct date date);

/* The date so many days after 1 January of year 0; up to 2^40. */
struct date calendar_date(uint64_t days);

/* 0 for Sunday. */
static inline uint32_t calendar_weekday(uint64_t days)
{
	return (days + 6) % 7;
}
