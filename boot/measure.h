/*
 * How fast one counter runs, told by the TSC or the other way round. No hardware in here: the
 * counters are read through functions, and the unit tests have clocks of their own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct measure_counter {
	uint32_t (*read)(void);
	uint32_t mask; /* ones as wide as it counts */
	bool down;
};

/* So many ticks of the TSC and of the counter took the same time. */
struct measure_span {
	uint64_t tsc;
	uint64_t count;
};

/*
 * Measures several times, each for at least `least`, which the counter must not exceed by wrapping,
 * and returns the median of the majority that agrees. An SMI or the like does not shift a result:
 * it would have to strike within a reading, each of the times that it is repeated, in most of the
 * measurements. False if the counter does not count, or if there is no such majority. The number of
 * reads is bounded.
 */
bool measure(const struct measure_counter *counter, uint64_t (*tsc)(void),
	     const struct measure_span *least, struct measure_span *result);

/* The registers of CPUID, as far as they tell a frequency. */
struct measure_cpuid {
	uint32_t max_leaf;
	uint32_t signature;			     /* leaf 1, EAX: family, model, stepping */
	uint32_t denominator, numerator, crystal_hz; /* leaf 15h: EAX, EBX, ECX */
	uint32_t base_mhz;			     /* leaf 16h: EAX */
};

/*
 * The TSC's frequency by what CPUID says of it, in kHz; 0 if it says nothing. SDM Vol. 3B 18.7.3,
 * "Determining the Processor Base Frequency".
 */
uint64_t measure_cpuid_khz(const struct measure_cpuid *cpuid);
