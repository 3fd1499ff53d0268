/*
 * Which CPU a vCPU waits on. Each CPU has a queue of its own; one that has nothing to do takes from
 * the others, and so does one whose own vCPUs have had more than another's.
 *
 * What a vCPU has had (place.used) is CPU time in ticks of the TSC, compared across CPUs. Within a
 * queue turns go round; of vCPUs that always want a CPU, on the same set of CPUs, none gets ahead
 * of another by more than a slice. One that has slept, or comes to a CPU whose vCPUs have had more,
 * does not get it all back: turns_pick().
 *
 * A vCPU whose registers are live in its CPU is the last to be taken away.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm/online.h"
#include "vmm/vcpu.h"
#include "vmm/vm.h"

struct pcpu;

/*
 * The CPUs that may run it and are online, a bit each: at least one. One whose VM may run on none
 * is to be given back, by any.
 */
static inline uint64_t balance_cpus(const struct vcpu *vcpu)
{
	uint64_t online = online_cpus, cpus = vcpu->vm->config.cpus & online;

	return cpus ? cpus : online;
}

/*
 * Takes a vCPU from another CPU's queue for this one: one that waits there, has had less than
 * `used` by more than `margin`, and may run here. NULL: there is none.
 */
struct vcpu *balance_pull(struct pcpu *pcpu, uint64_t used, uint64_t margin);

/* Whether there may be one, for a CPU that has nothing to do. */
bool balance_any(const struct pcpu *pcpu);

/* The next CPU after this one that may run it, round and round: for migrate=. */
struct pcpu *balance_next(const struct pcpu *pcpu, const struct vcpu *vcpu);

/*
 * CPUs that halt. Between balance_idle(true) and the halt the CPU looks for work once more; whoever
 * has some for it afterwards sees that it halts.
 */
void balance_idle(const struct pcpu *pcpu, bool idle);

/* A vCPU waits in a CPU's queue: one that halts is kicked, the queue's own first. */
void balance_offer(const struct pcpu *at, const struct vcpu *vcpu);

/* When the next sleeper is due on a CPU that does not halt itself; QUEUE_NEVER: none is. */
uint64_t balance_next_due(const struct pcpu *pcpu);
