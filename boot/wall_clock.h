/*
 * The time of day, by the machine's real-time clock (MC146818A) as it was at boot and the TSC
 * since. It is taken for UTC, as guests take theirs.
 */
#pragma once

#include <stdint.h>

/* Reads the clock. A machine without one begins with the year 2000. At boot, after clock_init(). */
void wall_clock_init(void);

/* Seconds since 1970. */
uint64_t wall_clock_now(void);
