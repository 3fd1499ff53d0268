/*
 * Dates and day numbers, against a calendar that turns one leaf a day.
 */
#include "tests/unit/unit.h"

#include "lib/calendar.h"

#define DAYS_400_YEARS 146097

static void assert_date(struct date date, uint32_t year, uint32_t month, uint32_t day)
{
	assert_int_equal(date.year, year);
	assert_int_equal(date.month, month);
	assert_int_equal(date.day, day);
}

static uint32_t days_of_month(struct date date)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = date.year % 4 == 0 && (date.year % 100 != 0 || date.year % 400 == 0);

	return days[date.month - 1] + (leap && date.month == 2);
}

static void turn(struct date *date)
{
	if (date->day++ < days_of_month(*date))
		return;
	date->day = 1;
	if (date->month++ < 12)
		return;
	date->month = 1;
	date->year++;
}

static void days_follow_each_other_for_3000_years(void **state)
{
	struct date date = {0, 1, 1};

	(void)state;
	for (uint64_t days = 0; date.year < 3000; days++, turn(&date)) {
		assert_int_equal(calendar_days(date), days);
		assert_date(calendar_date(days), date.year, date.month, date.day);
	}
}

static void the_1st_of_january_1970_was_a_thursday(void **state)
{
	(void)state;
	assert_date(calendar_date(CALENDAR_1970), 1970, 1, 1);
	for (uint64_t week = 0; week < 20000; week++)
		for (unsigned int day = 0; day < 7; day++)
			assert_int_equal(calendar_weekday(CALENDAR_1970 + 7 * week + day),
					 (4 + day) % 7);
}

static void what_is_no_date_is_taken_for_one(void **state)
{
	(void)state;
	assert_int_equal(calendar_days((struct date){2024, 0, 5}),
			 calendar_days((struct date){2024, 1, 5}));
	assert_int_equal(calendar_days((struct date){2024, 255, 5}),
			 calendar_days((struct date){2024, 12, 5}));
	assert_int_equal(calendar_days((struct date){2023, 2, 30}),
			 calendar_days((struct date){2023, 3, 2}));
	assert_int_equal(calendar_days((struct date){2024, 3, 0}),
			 calendar_days((struct date){2024, 2, 29}));
	assert_int_equal(calendar_days((struct date){0, 1, 0}), 0);
	assert_int_equal(calendar_days((struct date){UINT32_MAX, 12, UINT32_MAX}) >> 41, 0);
}

static void far_dates_repeat_every_400_years(void **state)
{
	uint64_t seed = 1582;

	(void)state;
	for (unsigned int i = 0; i < 100000; i++) {
		uint64_t days = random_next(&seed) >> 24;
		struct date near = calendar_date(days % DAYS_400_YEARS);

		assert_date(calendar_date(days), near.year + days / DAYS_400_YEARS * 400,
			    near.month, near.day);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(days_follow_each_other_for_3000_years),
		cmocka_unit_test(the_1st_of_january_1970_was_a_thursday),
		cmocka_unit_test(what_is_no_date_is_taken_for_one),
		cmocka_unit_test(far_dates_repeat_every_400_years),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
