#include "boot/tsc_step.h"

#include "lib/x86.h"

#define MSR_IA32_TSC_ADJUST   0x3b
#define CPUID7_EBX_TSC_ADJUST BIT(1)

#define ROUNDS	 32 /* of which the one that took least time counts */
#define ATTEMPTS 3

/* One CPU asks, the other answers what its TSC was then. */
static volatile uint32_t question, answered;
static volatile uint64_t answer;

/* Not before what stands above it was done. */
static uint64_t rdtsc_ordered(void)
{
	__asm__ volatile("lfence" : : : "memory");
	return rdtsc();
}

void tsc_step_first(const volatile uint32_t *stage, uint32_t value, uint64_t end)
{
	while (*stage == value && rdtsc() < end) {
		if (answered == question)
			continue;
		answer = rdtsc_ordered();
		answered = question;
	}
}

struct difference {
	int64_t ahead;	/* of this CPU's TSC, as it seems */
	uint64_t error; /* and by how much that may be wrong */
};

static struct difference measure_once(void)
{
	uint64_t before = rdtsc(), after;

	question++;
	while (answered != question)
		cpu_relax();
	after = rdtsc_ordered();
	return (struct difference){
		.ahead = (int64_t)(before + (after - before) / 2 - answer),
		.error = (after - before) / 2 + 1,
	};
}

static int64_t measure_ahead(void)
{
	struct difference best = measure_once();

	for (unsigned int i = 1; i < ROUNDS; i++) {
		struct difference d = measure_once();

		if (d.error < best.error)
			best = d;
	}
	if (best.ahead <= (int64_t)best.error && -best.ahead <= (int64_t)best.error)
		return 0;
	return best.ahead;
}

static void set_back(int64_t ticks)
{
	uint64_t adjust;

	if (cpuid_max_leaf() >= 7 && (cpuid(7).ebx & CPUID7_EBX_TSC_ADJUST) &&
	    rdmsr_if_present(MSR_IA32_TSC_ADJUST, &adjust))
		wrmsr(MSR_IA32_TSC_ADJUST, adjust - ticks);
	else
		wrmsr(MSR_IA32_TSC, rdtsc() - ticks);
}

int64_t tsc_step_other(int64_t *found)
{
	int64_t ahead = measure_ahead();

	*found = ahead;
	for (unsigned int i = 0; ahead && i < ATTEMPTS; i++) {
		set_back(ahead);
		ahead = measure_ahead();
	}
	return ahead;
}
