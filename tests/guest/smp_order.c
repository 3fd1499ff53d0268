/* What CPUs agree on: the time, and whose turn it is. */
#include "smp.h"

#define LOOKS  100
#define ROUNDS 200
#define LATER  (1ull << 40)

static struct smp_lock lock;
static uint64_t last;
static volatile unsigned backwards, counter;

static void look_at_the_time(unsigned self)
{
	(void)self;
	for (unsigned i = 0; i < LOOKS; i++) {
		uint64_t now;

		smp_take(&lock);
		now = rdtsc();
		backwards += now <= last;
		last = now;
		smp_give(&lock);
		asm volatile("pause");
	}
}

static void tsc_order(void)
{
	last = 0;
	backwards = 0;
	smp_run(look_at_the_time);
	expect(backwards == 0, "time went back %u times", backwards);
}

static volatile unsigned long adjusted[SMP_CPUS_MAX], jumped[SMP_CPUS_MAX];

static void read_adjust(unsigned self)
{
	adjusted[self] = (unsigned long)(rdmsr(MSR_TSC_ADJUST) >> 32);
	jumped[self] = rdtsc() >= LATER;
}

static void move_own_time(unsigned self)
{
	(void)self;
	wrmsr(MSR_TSC_ADJUST, rdmsr(MSR_TSC_ADJUST) + LATER);
}

static void move_it_back(unsigned self)
{
	(void)self;
	wrmsr(MSR_TSC_ADJUST, rdmsr(MSR_TSC_ADJUST) - LATER);
}

static void run_on(unsigned cpu, void (*work)(unsigned self))
{
	if (cpu) {
		smp_begin(cpu, work);
		smp_finish(cpu);
	} else {
		work(0);
	}
}

/* IA32_TSC_ADJUST is each CPU's own, and tells how to come into step again. */
static void tsc_adjust(void)
{
	unsigned odd = smp_cpus - 1;

	run_on(odd, move_own_time);
	smp_run(read_adjust);
	for (unsigned cpu = 0; cpu < smp_cpus; cpu++)
		expect((cpu == odd) == (adjusted[cpu] != 0) && (cpu == odd) == jumped[cpu],
		       "CPU %u: %lx, %lu", cpu, adjusted[cpu], jumped[cpu]);
	run_on(odd, move_it_back);
	tsc_order();
}

static void count(unsigned self)
{
	(void)self;
	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned seen;

		smp_take(&lock);
		seen = counter;
		for (unsigned n = 0; n < 8; n++)
			asm volatile("" : : : "memory");
		counter = seen + 1;
		smp_give(&lock);
	}
}

static void locks(void)
{
	counter = 0;
	smp_run(count);
	expect(counter == ROUNDS * smp_cpus, "%u instead of %u", counter, ROUNDS * smp_cpus);
}

static volatile unsigned baton, baton_end;

static void pass_it_on(unsigned self)
{
	unsigned own = self;

	for (; own < baton_end; own += smp_cpus) {
		while (baton != own)
			asm volatile("pause");
		baton = own + 1;
	}
}

void smp_pass_the_baton(unsigned times)
{
	uint64_t start = rdtsc();

	baton = 0;
	baton_end = times;
	smp_run(pass_it_on);
	print("BATON times=%u ticks=%lu\n", times, (unsigned long)(rdtsc() - start));
}

const struct check smp_order_checks[] = {
	{"tsc-order", tsc_order, 0},
	{"tsc-adjust", tsc_adjust, NEEDS_HYPERCALL},
	{"locks", locks, 0},
};
const size_t smp_order_check_count = ARRAY_SIZE(smp_order_checks);
