/*
 * Physical CPUs that run vCPUs for vmm/sched/turns.c and vmm/sched/balance.c, without threads: who
 * has which turn is counted in slices. One that is found in the wrong state fails the test.
 */
#pragma once

#include "tests/unit/unit.h"

#include "vmm/online.h"
#include "vmm/options.h"
#include "vmm/output.h"
#include "vmm/pcpu.h"
#include "vmm/sched/balance.h"
#include "vmm/sched/turns.h"
#include "vmm/vm.h"

#define SLICE	  1000u /* ticks */
#define VCPUS_MAX 40

static struct pcpu pcpus[MAX_CPUS];
static struct vm vms[VCPUS_MAX];
static struct vcpu vcpus[VCPUS_MAX];
static uint32_t vcpu_count;
static uint64_t now;
static uint64_t had[VCPUS_MAX]; /* slices */
static uint64_t nap[VCPUS_MAX]; /* slices that it sleeps after its next turn */
static bool kicked[MAX_CPUS];
static uint64_t kicks;
static uint64_t seed;

uint64_t fake_rdtsc(void)
{
	return now;
}

struct cpu *cpus[MAX_CPUS];
volatile uint32_t cpu_count;
volatile uint64_t online_cpus, online_wanted;
uint64_t output_period;

void mail_kick(struct pcpu *pcpu)
{
	kicks++;
	kicked[pcpu->cpu.id] = true;
}

/* What wakes it in these tests is its timer. */
bool vcpu_poll_events(struct vcpu *vcpu, uint64_t at)
{
	if (at >= vcpu->timer_deadline) {
		vcpu->timer_deadline = VCPU_TIMER_OFF;
		vcpu->state = VCPU_RUNNABLE;
	}
	return vcpu->state == VCPU_RUNNABLE;
}

static inline uint32_t number(const struct vcpu *vcpu)
{
	return (uint32_t)(vcpu - vcpus);
}

/* As run.c spreads them: each to the CPU where fewest wait. */
static inline void add(struct vcpu *vcpu)
{
	struct pcpu *best = NULL;

	for (uint32_t i = 0; i < cpu_count; i++)
		if ((balance_cpus(vcpu) & pcpu_bit(&pcpus[i])) &&
		    (!best || pcpus[i].queue.waiting < best->queue.waiting))
			best = &pcpus[i];
	vcpu->at = best;
	queue_add(&best->queue, &vcpu->place);
}

/* `count` that want a CPU always, each the vCPU of a VM of its own, in no queue yet. */
static inline void prepare(uint32_t with, uint32_t count, uint32_t migrate)
{
	struct options options = {.migrate = migrate};

	memset(pcpus, 0, sizeof(pcpus));
	memset(vms, 0, sizeof(vms));
	memset(vcpus, 0, sizeof(vcpus));
	memset(had, 0, sizeof(had));
	memset(nap, 0, sizeof(nap));
	memset(kicked, 0, sizeof(kicked));
	cpu_count = with;
	vcpu_count = count;
	now = kicks = 0;
	seed = 0x7045;
	for (uint32_t i = 0; i < cpu_count; i++) {
		cpus[i] = &pcpus[i].cpu;
		pcpus[i].cpu = (struct cpu){.self = &pcpus[i].cpu, .id = i};
	}
	for (uint32_t i = 0; i < count; i++) {
		vms[i].state = VM_RUNNING;
		vms[i].config.cpus = UINT64_MAX;
		vms[i].vcpu[0] = &vcpus[i];
		vms[i].vcpu_count = 1;
		vcpus[i].vm = &vms[i];
		vcpus[i].state = VCPU_RUNNABLE;
		vcpus[i].timer_deadline = VCPU_TIMER_OFF;
	}
	turns_init(&options, SLICE);
	online_cpus = pcpus_up();
	for (uint32_t i = 0; i < cpu_count; i++)
		balance_idle(&pcpus[i], false);
}

static inline void prepare_all(uint32_t with, uint32_t count, uint32_t migrate)
{
	prepare(with, count, migrate);
	for (uint32_t i = 0; i < count; i++)
		add(&vcpus[i]);
}

/* The end of a turn of one slice. */
static inline void put(struct pcpu *pcpu)
{
	struct vcpu *vcpu = pcpu->turn;

	if (!vcpu)
		return;
	vcpu->place.used += SLICE;
	had[number(vcpu)]++;
	if (nap[number(vcpu)]) {
		vcpu->state = VCPU_HALTED;
		vcpu->timer_deadline = now + nap[number(vcpu)] * SLICE;
		nap[number(vcpu)] = 0;
	}
	pcpu->turn = NULL;
	turns_put(pcpu, vcpu);
}

static inline struct vcpu *pick(struct pcpu *pcpu)
{
	struct vcpu *vcpu;

	balance_idle(pcpu, false);
	kicked[pcpu->cpu.id] = false;
	vcpu = turns_pick(pcpu);
	if (!vcpu) {
		balance_idle(pcpu, true);
		if (turns_any(pcpu) || balance_any(pcpu)) {
			balance_idle(pcpu, false);
			vcpu = turns_pick(pcpu);
		}
	}
	if (vcpu) {
		assert_true(balance_cpus(vcpu) & pcpu_bit(pcpu));
		for (uint32_t i = 0; i < cpu_count; i++)
			assert_true(&pcpus[i] == pcpu || pcpus[i].turn != vcpu);
		assert_ptr_equal(pcpu->turn, vcpu);
	}
	return vcpu;
}

/* How the CPUs' turns, which all end at the same time, follow each other. */
enum order {
	LOCKSTEP,    /* CPU 0 ends its turn and begins the next one, then CPU 1 */
	BACKWARDS,   /* the last CPU first */
	SHUFFLED,    /* in any order */
	INTERLEAVED, /* in any order, and others in between the end of one and the next one */
	ORDERS
};

static inline void shuffle(uint32_t *list, uint32_t count)
{
	for (uint32_t i = count; i > 1; i--) {
		uint32_t other = (uint32_t)(random_next(&seed) % i), last = list[i - 1];

		list[i - 1] = list[other];
		list[other] = last;
	}
}

/* All CPUs run a slice. */
static inline void step(enum order order)
{
	uint32_t list[2 * MAX_CPUS], count = order == INTERLEAVED ? 2 * cpu_count : cpu_count;
	bool ended[MAX_CPUS] = {false};

	for (uint32_t i = 0; i < count; i++)
		list[i] = (order == BACKWARDS ? count - 1 - i : i) % cpu_count;
	if (order >= SHUFFLED)
		shuffle(list, count);
	for (uint32_t i = 0; i < count; i++) {
		struct pcpu *pcpu = &pcpus[list[i]];

		if (!ended[list[i]])
			put(pcpu);
		if (ended[list[i]] || order != INTERLEAVED)
			pick(pcpu);
		ended[list[i]] = true;
	}
	/* those that halted and were kicked since */
	for (uint32_t i = 0; i < cpu_count; i++)
		if (kicked[i] && !pcpus[i].turn)
			pick(&pcpus[i]);
	now += SLICE;
}
