#include "lib/rate.h"

/* The first 64 bits after the point of `rest` / `divisor`, which is below 1. */
static uint64_t fraction(uint64_t rest, uint64_t divisor)
{
	uint64_t result = 0;

	for (unsigned int i = 0; i < 64; i++) {
		rest <<= 1;
		result <<= 1;
		if (rest < divisor)
			continue;
		rest -= divisor;
		result |= 1;
	}
	return result;
}

struct rate rate_of(uint64_t hz, uint64_t tsc_khz)
{
	uint64_t tsc_hz = tsc_khz * 1000;

	return (struct rate){
		.forth = {hz / tsc_hz, fraction(hz % tsc_hz, tsc_hz)},
		.back = {tsc_hz / hz, fraction(tsc_hz % hz, hz)},
	};
}

uint64_t rate_tsc(const struct rate *rate, uint64_t ticks)
{
	uint64_t tsc;

	if (__builtin_mul_overflow(ticks, rate->back.whole, &tsc) ||
	    __builtin_add_overflow(
		    tsc, (uint64_t)((unsigned __int128)ticks * rate->back.fraction >> 64), &tsc))
		return RATE_NEVER;
	/* what was cut off is less than two ticks of the TSC, for a month */
	for (unsigned int i = 0; i < 2 && rate_ticks(rate, tsc) < ticks && tsc < RATE_NEVER; i++)
		tsc++;
	return tsc;
}
