/*
 * Which CPUs run guests. One that is offline runs none, no vCPU waits for it and nothing of one is
 * left in it; it does what other CPUs ask of it, and halts. Each CPU goes offline and comes back by
 * itself, between two turns (vmm/sched/offline.c), when it sees that it is to.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm/pcpu.h"

struct refusal;

/* Those that do, a bit each. At boot all that are up; then each CPU changes its own bit. */
extern volatile uint64_t online_cpus;

/* Those that are to. Written by the first CPU. */
extern volatile uint64_t online_wanted;

/* At boot, when all CPUs are up: which of them. */
void online_init(uint64_t cpus);

static inline bool online_is(const struct pcpu *pcpu)
{
	return online_cpus >> pcpu->cpu.id & 1; /* BT: no mask is made */
}

/* Whether it has to go offline, or to come back. */
static inline bool online_changes(const struct pcpu *pcpu)
{
	return (online_cpus ^ online_wanted) >> pcpu->cpu.id & 1;
}

/*
 * Has a CPU go offline, or come back; a @cpu-state record tells when it has. -EINVAL, with a
 * refusal: it is not up, it is the last one, or a VM may run on no other. First CPU.
 */
int online_ask(uint32_t cpu, bool online, struct refusal *refusal);
