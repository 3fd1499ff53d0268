/*
 * Measures in ticks of the TSC, the least of some batches each:
 *
 *   exits=N   N times an FPU instruction and a CPUID exit, its state resident (default 200)
 *   turns=N   N times an FPU instruction and a yield (default 0: left out)
 *   partner   measures nothing: an FPU instruction and a yield, until it is alone
 */
#include "support/fpu.h"
#include "support/guest.h"

const char guest_name[] = "ticks";

#define BATCHES 8

static void use_fpu(void)
{
	asm volatile("fld1; fstp %st(0)");
}

static void leave_by_cpuid(void)
{
	use_fpu();
	cpuid(0, 0);
}

static void leave_by_yield(void)
{
	use_fpu();
	yield();
}

static void measure(const char *what, uint64_t count, void (*leave)(void))
{
	uint64_t least = UINT64_MAX;

	for (unsigned batch = 0; batch < BATCHES; batch++) {
		uint64_t start = rdtsc(), ticks;

		for (uint64_t i = 0; i < count; i++)
			leave();
		ticks = rdtsc() - start;
		least = ticks < least ? ticks : least;
	}
	print("ticks: %s=%llu ticks=%llu\n", what, (unsigned long long)count,
	      (unsigned long long)least);
	report_pass(what);
}

int guest_main(void)
{
	uint64_t turns = option_number("turns", 0);
	struct hypercall_stats stats;

	fpu_enable();
	if (!have_hypercalls()) {
		report_fail("ticks", "there are no hypercalls here");
		return report_end();
	}
	if (option("partner")) {
		do {
			leave_by_yield();
			get_stats(&stats, 0);
		} while (stats.vms_running > 1 || stats.vms_settling);
		report_pass("partner");
		return report_end();
	}
	do {
		yield();
		get_stats(&stats, 0);
	} while (stats.vms_settling || (turns && stats.vms_running < 2));
	measure("exits", option_number("exits", 200), leave_by_cpuid);
	if (turns)
		measure("turns", turns, leave_by_yield);
	return report_end();
}
