#include "lib/calendar.h"

/*
 * Years that begin in March have their leap day last, and months of which five have 153 days.
 * Counted from March of year -400, so that nothing is negative.
 */
#define DAYS_400_YEARS 146097
#define BEFORE_MARCH   60 /* January and February of year 0, which is a leap year */

uint64_t calendar_days(struct date date)
{
	uint32_t month = date.month < 1 ? 1 : date.month > 12 ? 12 : date.month;
	uint64_t year = (uint64_t)date.year + 400 - (month < 3);
	uint32_t march = month < 3 ? month + 9 : month - 3; /* months since March */
	uint64_t days = year * 365 + year / 4 - year / 100 + year / 400 + (march * 153 + 2) / 5 +
			date.day + BEFORE_MARCH - 1;

	return days < DAYS_400_YEARS ? 0 : days - DAYS_400_YEARS;
}

struct date calendar_date(uint64_t days)
{
	uint64_t since = days + DAYS_400_YEARS - BEFORE_MARCH;
	uint32_t day = since % DAYS_400_YEARS; /* of 400 years; then of the year */
	uint32_t year = (day - day / 1460 + day / 36524 - day / (DAYS_400_YEARS - 1)) / 365;
	uint32_t march;

	day -= year * 365 + year / 4 - year / 100;
	march = (day * 5 + 2) / 153;
	return (struct date){
		.year = since / DAYS_400_YEARS * 400 + year - 400 + (march >= 10),
		.month = march < 10 ? march + 3 : march - 9,
		.day = day - (march * 153 + 2) / 5 + 1,
	};
}
