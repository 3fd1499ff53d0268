/*
 * A clock that counts at a rate of its own, read by the TSC: whole ticks since both were 0. No
 * floating point, and no error that grows: less than one tick, at any time.
 */
#pragma once

#include <stdint.h>

struct rate {
	/* ticks of the clock for one of the TSC, and the other way about */
	struct {
		uint64_t whole, fraction; /* of 2^64 */
	} forth, back;
};

#define RATE_NEVER UINT64_MAX

/* Of a clock of `hz`, where the TSC counts `tsc_khz` in a millisecond; neither is 0. */
struct rate rate_of(uint64_t hz, uint64_t tsc_khz);

/* The clock's ticks after so many of the TSC, rounded down. Modulo 2^64. */
static inline uint64_t rate_ticks(const struct rate *rate, uint64_t tsc)
{
	return tsc * rate->forth.whole +
	       (uint64_t)((unsigned __int128)tsc * rate->forth.fraction >> 64);
}

/*
 * The least number of TSC ticks after which the clock has made `ticks`: of a deadline. Where the
 * TSC has run for more than a month it may be early by less than a tick. RATE_NEVER: it does not
 * fit into 64 bits.
 */
uint64_t rate_tsc(const struct rate *rate, uint64_t ticks);
