/*
 * The start of the other CPUs: each by INIT and start-up IPIs (SDM Vol. 3A 8.4.4), one after the
 * other, so that what they print is in order. First CPU, after clock_init() and paging_init().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct cpu;

/* Where a CPU has got to; it says so itself. */
enum cpu_stage {
	CPU_STARTS,
	CPU_MEASURES, /* its TSC against the first CPU's: boot/tsc_step.h */
	CPU_UP,
	CPU_LEFT_OUT, /* something is wrong with it, and was told: it halts for good */
	CPU_GIVEN_UP, /* it took too long: so it does, as soon as it sees that */
};

/* From one stage to the next; false: it is in another one meanwhile. */
bool smp_reach(struct cpu *cpu, uint32_t from, enum cpu_stage to);

struct smp_plan {
	const uint32_t *apic_id; /* of the CPUs that firmware names, this one among them */
	uint32_t count;		 /* 0: it names none, and whoever is there is called */
	uint32_t max;		 /* CPUs in all */
	/* A block for the next CPU, zeros but for its stacks; NULL: no memory, and that was told.
	 */
	struct cpu *(*new_cpu)(void);
	/* What it does then, on those stacks, with the page tables of boot/start.S. */
	void (*main)(struct cpu *cpu);
};

/* Starts as many as there may be. One that does not come, or is left out, is named. */
void smp_start(const struct smp_plan *plan);
