#include "boot/measure.h"

#include "lib/signature.h"

#define MEASUREMENTS 5
#define MAJORITY     (MEASUREMENTS / 2 + 1)
#define READINGS     8

/*
 * The slowest counter, 838 ns a tick, is read in 20 ns at the least: one that is the same so often
 * does not count. A measurement of 10 ms takes fewer than the other number.
 */
#define STUCK_READS 20000
#define READS_MAX   1000000

#define DISAGREE 256 /* the majority must be within this part of each other */

#define RATIO_SHIFT 20

struct reading {
	uint64_t tsc;
	uint32_t count;
};

/* Both at one moment: the reading that took the least time, as nothing came between its parts. */
static struct reading read_both(const struct measure_counter *counter, uint64_t (*tsc)(void))
{
	struct reading best = {0, 0};
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < READINGS; i++) {
		uint64_t before = tsc();
		uint32_t count = counter->read();
		uint64_t took = tsc() - before;

		if (took < least) {
			least = took;
			best = (struct reading){before + took / 2, count & counter->mask};
		}
	}
	return best;
}

static uint32_t counted(const struct measure_counter *counter, uint32_t from, uint32_t to)
{
	return (counter->down ? from - to : to - from) & counter->mask;
}

static bool wait(const struct measure_counter *counter, uint64_t (*tsc)(void),
		 const struct reading *start, const struct measure_span *least)
{
	uint32_t last = start->count, same = 0;

	for (uint32_t reads = 0; reads < READS_MAX && same < STUCK_READS; reads++) {
		uint32_t count = counter->read() & counter->mask;

		same = count == last ? same + 1 : 0;
		last = count;
		if (counted(counter, start->count, count) >= least->count &&
		    tsc() - start->tsc >= least->tsc)
			return true;
	}
	return false;
}

static uint64_t ratio(const struct measure_span *span)
{
	return (span->tsc << RATIO_SHIFT) / span->count;
}

static bool measure_once(const struct measure_counter *counter, uint64_t (*tsc)(void),
			 const struct measure_span *least, struct measure_span *result)
{
	struct reading start = read_both(counter, tsc), end;

	if (!wait(counter, tsc, &start, least))
		return false;
	end = read_both(counter, tsc);
	result->tsc = end.tsc - start.tsc;
	result->count = counted(counter, start.count, end.count);
	return result->tsc && result->count;
}

/* The median of the majority that lies closest together, if that is close enough. */
static bool agree(const struct measure_span *sorted, struct measure_span *result)
{
	uint64_t closest = UINT64_MAX;

	for (int i = 0; i + MAJORITY <= MEASUREMENTS; i++) {
		uint64_t spread = ratio(&sorted[i + MAJORITY - 1]) - ratio(&sorted[i]);

		if (spread < closest) {
			closest = spread;
			*result = sorted[i + MAJORITY / 2];
		}
	}
	return closest <= ratio(result) / DISAGREE;
}

bool measure(const struct measure_counter *counter, uint64_t (*tsc)(void),
	     const struct measure_span *least, struct measure_span *result)
{
	struct measure_span sorted[MEASUREMENTS];

	for (int i = 0; i < MEASUREMENTS; i++) {
		struct measure_span span;
		int at = i;

		if (!measure_once(counter, tsc, least, &span))
			return false;
		for (; at > 0 && ratio(&sorted[at - 1]) > ratio(&span); at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = span;
	}
	return agree(sorted, result);
}

/* The one Intel part with a ratio in leaf 15h, no crystal frequency, and no leaf 16h: Denverton. */
static bool has_25_mhz_crystal(uint32_t signature)
{
	return signature_family(signature) == 6 && signature_model(signature) == 0x5f;
}

uint64_t measure_cpuid_khz(const struct measure_cpuid *cpuid)
{
	uint64_t crystal_hz = cpuid->crystal_hz;

	if (cpuid->max_leaf >= 0x15 && cpuid->denominator && cpuid->numerator) {
		if (!crystal_hz && has_25_mhz_crystal(cpuid->signature))
			crystal_hz = 25000000;
		if (crystal_hz)
			return crystal_hz * cpuid->numerator / cpuid->denominator / 1000;
	}
	/* the ratio times the crystal is the base frequency, which leaf 16h rounds to MHz */
	if (cpuid->max_leaf >= 0x16)
		return (uint64_t)(cpuid->base_mhz & 0xffff) * 1000;
	return 0;
}
