/*
 * An MC146818A that is stepped by each tick of its crystal, and counts in its registers from second
 * to year as the data sheet has it. Slow, and nothing to share with vmm/chip/mc146818.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct mc146818_stepped {
	uint32_t divider;
	uint8_t cmos[128];
};

static inline void mc146818_stepped_begin(struct mc146818_stepped *c, const uint8_t *cmos)
{
	c->divider = 0;
	memcpy(c->cmos, cmos, sizeof(c->cmos));
}

static inline bool mc146818_stepped_interrupts(const struct mc146818_stepped *c)
{
	return c->cmos[11] & c->cmos[12] & 0x70;
}

static inline bool mc146818_stepped_runs(const struct mc146818_stepped *c)
{
	return (c->cmos[10] >> 4) == 2;
}

static inline uint8_t mc146818_stepped_read(struct mc146818_stepped *c, uint8_t index)
{
	uint8_t value = c->cmos[index];

	if (index == 10 && mc146818_stepped_runs(c) && !(c->cmos[11] & 0x80) &&
	    c->divider % 32768 >= 32760)
		value |= 0x80;
	if (index == 12) {
		if (mc146818_stepped_interrupts(c))
			value |= 0x80;
		c->cmos[12] = 0;
	}
	return value;
}

static inline void mc146818_stepped_write(struct mc146818_stepped *c, uint8_t index, uint8_t value)
{
	bool ran = mc146818_stepped_runs(c);

	if (index == 11 && value & 0x80)
		value &= ~0x10;
	c->cmos[index] = value;
	if (index == 10 && !ran)
		c->divider = 16384;
}

/* One more in its format; true if it was the last and is the first again. */
static inline bool mc146818_stepped_count(struct mc146818_stepped *c, uint8_t index, uint8_t first,
					  uint8_t last)
{
	uint8_t *value = &c->cmos[index];
	bool binary = c->cmos[11] & 4;

	if (*value == (binary ? last : last / 10 * 16 + last % 10)) {
		*value = first;
		return true;
	}
	++*value;
	if (!binary && (*value & 15) == 10)
		*value += 6;
	return false;
}

static inline bool mc146818_stepped_hour(struct mc146818_stepped *c)
{
	uint8_t pm = c->cmos[4] & 0x80;
	uint8_t eleven = c->cmos[11] & 4 ? 11 : 0x11;
	bool noon;

	if (c->cmos[11] & 2)
		return mc146818_stepped_count(c, 4, 0, 23);
	c->cmos[4] &= 0x7f;
	noon = c->cmos[4] == eleven;
	mc146818_stepped_count(c, 4, 1, 12);
	c->cmos[4] |= noon ? pm ^ 0x80 : pm;
	return noon && pm;
}

static inline uint8_t mc146818_stepped_days(const struct mc146818_stepped *c)
{
	bool binary = c->cmos[11] & 4;
	uint8_t month = binary ? c->cmos[8] : c->cmos[8] / 16 * 10 + c->cmos[8] % 16;
	uint8_t year = binary ? c->cmos[9] : c->cmos[9] / 16 * 10 + c->cmos[9] % 16;
	uint8_t century = binary ? c->cmos[0x32] : c->cmos[0x32] / 16 * 10 + c->cmos[0x32] % 16;

	if (month == 2)
		return (year ? year : century) % 4 ? 28 : 29;
	return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

static inline void mc146818_stepped_day(struct mc146818_stepped *c)
{
	mc146818_stepped_count(c, 6, 1, 7);
	if (mc146818_stepped_count(c, 7, 1, mc146818_stepped_days(c)) &&
	    mc146818_stepped_count(c, 8, 1, 12) && mc146818_stepped_count(c, 9, 0, 99))
		mc146818_stepped_count(c, 0x32, 0, 99);
}

static inline void mc146818_stepped_update(struct mc146818_stepped *c)
{
	bool alarm = true;

	if (mc146818_stepped_count(c, 0, 0, 59) && mc146818_stepped_count(c, 2, 0, 59) &&
	    mc146818_stepped_hour(c))
		mc146818_stepped_day(c);
	for (unsigned int i = 0; i < 6; i += 2)
		alarm &= c->cmos[i + 1] >= 0xc0 || c->cmos[i + 1] == c->cmos[i];
	c->cmos[12] |= 0x10 | (alarm ? 0x20 : 0);
}

static inline void mc146818_stepped_tick(struct mc146818_stepped *c)
{
	static const uint16_t ticks[16] = {0,	128, 256, 4,	8,    16,   32,	  64,
					   128, 256, 512, 1024, 2048, 4096, 8192, 16384};
	uint16_t period = ticks[c->cmos[10] & 15];

	if (!mc146818_stepped_runs(c))
		return;
	c->divider++;
	if (period && c->divider % period == 0)
		c->cmos[12] |= 0x40;
	if (c->divider % 32768 == 0 && !(c->cmos[11] & 0x80))
		mc146818_stepped_update(c);
}
