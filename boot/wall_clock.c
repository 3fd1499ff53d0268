#include "boot/wall_clock.h"

#include <stdbool.h>

#include "boot/clock.h"
#include "lib/calendar.h"
#include "lib/x86.h"

#define INDEX_PORT 0x70
#define DATA_PORT  0x71

/* Registers */
#define SECONDS	 0x00
#define MINUTES	 0x02
#define HOURS	 0x04
#define DAY	 0x07
#define MONTH	 0x08
#define YEAR	 0x09
#define STATUS_A 0x0a
#define STATUS_B 0x0b

#define A_UPDATE_IN_PROGRESS BIT(7)
#define B_24_HOURS	     BIT(1)
#define B_BINARY	     BIT(2)
#define HOURS_PM	     0x80

#define UPDATE_US      10000 /* and more than it takes, with room for a slow emulator */
#define CENTURY	       2000  /* a PC that has VMX is of this one */
#define SECONDS_OF_DAY 86400ull

static uint64_t at_boot, tsc_at_boot;

static uint8_t read_register(uint8_t index)
{
	outb(INDEX_PORT, index);
	return inb(DATA_PORT);
}

static unsigned int number(uint8_t value, uint8_t status_b)
{
	return status_b & B_BINARY ? value : (value >> 4) * 10 + (value & 0xf);
}

static unsigned int hour(uint8_t value, uint8_t status_b)
{
	unsigned int hours = number(value & ~HOURS_PM, status_b);

	if (status_b & B_24_HOURS)
		return number(value, status_b);
	return hours % 12 + (value & HOURS_PM ? 12 : 0);
}

/* False: there is no clock. */
static bool wait_for_update(void)
{
	uint64_t end = rdtsc() + clock_us_to_tsc(UPDATE_US);

	do {
		if (!(read_register(STATUS_A) & A_UPDATE_IN_PROGRESS))
			return true;
	} while (rdtsc() < end);
	return false;
}

void wall_clock_init(void)
{
	struct date date = {CENTURY, 1, 1};
	unsigned int seconds = 0, minutes = 0, hours = 0;

	if (wait_for_update()) {
		uint8_t status_b = read_register(STATUS_B);

		seconds = number(read_register(SECONDS), status_b) % 60;
		minutes = number(read_register(MINUTES), status_b) % 60;
		hours = hour(read_register(HOURS), status_b) % 24;
		date.day = number(read_register(DAY), status_b);
		date.month = number(read_register(MONTH), status_b);
		date.year = CENTURY + number(read_register(YEAR), status_b) % 100;
	}
	if (date.month < 1 || date.month > 12 || date.day < 1 || date.day > 31)
		date = (struct date){CENTURY, 1, 1};
	at_boot = (calendar_days(date) - CALENDAR_1970) * SECONDS_OF_DAY +
		  (hours * 60 + minutes) * 60 + seconds;
	tsc_at_boot = rdtsc();
}

uint64_t wall_clock_now(void)
{
	return at_boot + (rdtsc() - tsc_at_boot) / (clock_tsc_khz() * 1000);
}
