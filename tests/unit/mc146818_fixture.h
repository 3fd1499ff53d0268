/*
 * A real-time clock whose crystal is the TSC, but where a test sets another rate, and its ports.
 */
#pragma once

#include "tests/unit/unit.h"

#include "vmm/chip/mc146818.h"

#define SECOND 32768

enum { A = 10, B, C, D };

#define UIP 0x80
#define SET 0x80
#define PIE 0x40
#define AIE 0x20
#define UIE 0x10
#define DM  0x04
#define H24 0x02

#define Y2024_02_28_23_59_58 1709164798 /* a Wednesday */

static struct mc146818 rtc;
static struct rate rate;
static uint64_t now;

static inline void begin(uint64_t seconds)
{
	memset(&rtc, 0xff, sizeof(rtc));
	mc146818_reset(&rtc, seconds, 512 << 20, 0, now);
}

static inline int start(void **state)
{
	(void)state;
	rate = rate_of(1000, 1);
	now = 1000000;
	begin(Y2024_02_28_23_59_58);
	return 0;
}

static inline uint8_t in(uint8_t index)
{
	mc146818_write(&rtc, &rate, 0x70, index, now);
	return mc146818_read(&rtc, &rate, 0x71, now);
}

static inline void out(uint8_t index, uint8_t value)
{
	mc146818_write(&rtc, &rate, 0x70, index, now);
	mc146818_write(&rtc, &rate, 0x71, value, now);
}

static inline bool poll(void)
{
	return mc146818_poll(&rtc, &rate, now);
}

static inline uint64_t deadline(void)
{
	return mc146818_deadline(&rtc);
}

#define rtc_test(name) cmocka_unit_test_setup(name, start)
