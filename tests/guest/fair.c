/*
 * A busy guest that measures what of the CPU it gets: it reads the TSC in a tight loop, and where
 * two readings are far apart, others had the time between.
 *
 *   after=N  begins after so many milliseconds (default 0)
 *   ms=N     and measures so many (default 500)
 *   khz=N    the TSC's frequency (default 10000: Bochs as the tests configure it)
 *   uses     the FPU is used all the time
 *
 * Its last words: "fair: gap=US share=PERMILLE total=PERMILLE", the longest gap in microseconds,
 * the smallest share of any 100 ms (sliding, in steps of a millisecond), and the share of it all.
 */
#include "support/fpu.h"
#include "support/guest.h"

const char guest_name[] = "fair";

#define WINDOW 100 /* ms */
#define MS_MAX 20000
#define GAP    200 /* ticks: more than a turn of the loop */

/* Ticks that were its own, of each millisecond. */
static uint32_t own[MS_MAX];

static void add(uint64_t from, uint64_t to, uint64_t start, uint64_t khz, uint64_t ms)
{
	while (from < to) {
		uint64_t bucket = (from - start) / khz, end = start + (bucket + 1) * khz;

		if (bucket >= ms)
			return;
		end = end < to ? end : to;
		own[bucket] += (uint32_t)(end - from);
		from = end;
	}
}

static void report(uint64_t gap, uint64_t khz, uint64_t ms)
{
	uint64_t window = 0, smallest = UINT64_MAX, total = 0, at = 0;

	for (uint64_t i = 0; i < ms; i++) {
		total += own[i];
		window += own[i];
		if (i >= WINDOW)
			window -= own[i - WINDOW];
		if (i >= WINDOW - 1 && window < smallest) {
			smallest = window;
			at = i + 1 - WINDOW;
		}
	}
	print("fair: gap=%llu share=%llu total=%llu at=%llu\n",
	      (unsigned long long)(gap * 1000 / khz), (unsigned long long)(smallest * 10 / khz),
	      (unsigned long long)(total * 1000 / khz / ms), (unsigned long long)at);
}

int guest_main(void)
{
	uint64_t ms = option_number("ms", 500), khz = option_number("khz", 10000);
	uint64_t after = option_number("after", 0);
	bool uses = option("uses");
	uint64_t start, last, run, now, gap = 0;

	if (ms < WINDOW || ms > MS_MAX) {
		report_fail("fair", "ms=%llu: it is %u to %u", (unsigned long long)ms, WINDOW,
			    MS_MAX);
		return report_end();
	}
	if (uses)
		fpu_enable();
	now = rdtsc();
	do
		start = last = run = rdtsc();
	while (start - now < after * khz);
	while (last - start < ms * khz) {
		if (uses)
			fpu_touch(0);
		now = rdtsc();
		if (now - last > GAP) {
			gap = now - last > gap ? now - last : gap;
			add(run, last, start, khz, ms);
			run = now;
		}
		last = now;
	}
	add(run, last, start, khz, ms);
	report(gap, khz, ms);
	report_pass("fair");
	return report_end();
}
