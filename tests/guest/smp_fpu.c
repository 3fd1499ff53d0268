/* Patterns in all FPU registers of all CPUs at once, with turns of others in between. */
#include "smp.h"
#include "support/fpu.h"

static struct fpu_registers wanted[SMP_CPUS_MAX], found[SMP_CPUS_MAX];
static char why[SMP_CPUS_MAX][80];
static volatile unsigned differs[SMP_CPUS_MAX];
static unsigned rounds;

/* What is there is noted for all: one at a time. */
static void enable(unsigned self)
{
	static struct smp_lock lock;

	(void)self;
	smp_take(&lock);
	fpu_enable();
	smp_give(&lock);
}

static void compare(unsigned self)
{
	static const enum fpu_kind kinds[] = {FPU_FULL,	    FPU_PARTIAL,  FPU_MXCSR,
					      FPU_X87_ONLY, FPU_SSE_ONLY, FPU_SPECIAL};

	for (unsigned round = 0; round < rounds && !differs[self]; round++) {
		fpu_pattern(&wanted[self], self + 1, round, kinds[round % ARRAY_SIZE(kinds)]);
		fpu_load(&wanted[self]);
		if (round % 3)
			smp_relax();
		else
			apic_send((self + 1) % smp_cpus, VECTOR_TEST);
		fpu_store(&found[self]);
		if (!fpu_equal(&wanted[self], &found[self], why[self], sizeof(why[self])))
			differs[self]++;
	}
}

static void patterns(void)
{
	rounds = (unsigned)option_number("rounds", 24);
	smp_run(enable);
	fpu_calibrate_quietly(1);
	smp_run(compare);
	for (unsigned cpu = 0; cpu < smp_cpus; cpu++)
		expect(!differs[cpu], "CPU %u: %s", cpu, why[cpu]);
}

const struct check smp_fpu_checks[] = {
	{"fpu-patterns", patterns, 0},
};
const size_t smp_fpu_check_count = ARRAY_SIZE(smp_fpu_checks);
