#include "vmm/sched/turns.h"

#include <stddef.h>

#include "lib/min.h"
#include "lib/x86.h"
#include "vmm/interrupts.h"
#include "vmm/online.h"
#include "vmm/options.h"
#include "vmm/output.h"
#include "vmm/pcpu.h"
#include "vmm/sched/balance.h"
#include "vmm/vm.h"

/* Written at boot. */
static uint64_t slice;
static uint32_t migrate; /* turns after which a vCPU moves on, or 0 */

void turns_init(const struct options *options, uint64_t ticks)
{
	slice = ticks;
	migrate = options->migrate;
}

/* Of this CPU's own queue, under its lock. */
static struct vcpu *choose(struct run_queue *queue)
{
	struct vcpu *indebted = NULL;

	for (uint32_t left = queue->waiting; left; left--) {
		struct vcpu *vcpu = vcpu_at(queue_take(queue));
		struct vm *vm = vcpu->vm;

		if (!output_has_room(vm)) {
			queue_add(queue, &vcpu->place);
			continue;
		}
		if (vm->debt <= slice / 2) {
			if (indebted)
				queue_add(queue, &indebted->place);
			return vcpu;
		}
		vm_pays(vm, slice);
		if (indebted && indebted->vm->debt <= vm->debt) {
			queue_add(queue, &vcpu->place);
			continue;
		}
		if (indebted)
			queue_add(queue, &indebted->place);
		indebted = vcpu;
	}
	if (indebted)
		vm_pays(indebted->vm, UINT64_MAX);
	return indebted;
}

/*
 * One that gave up a turn has no claim to it any more. One that comes from a CPU where there was
 * more to do is a little ahead of others here, no more.
 */
static void catch_up(const struct run_queue *queue, struct vcpu *vcpu)
{
	uint64_t credit = vcpu->gave_up ? 0 : 2 * slice;

	if (vcpu->place.used + credit < queue->used)
		vcpu->place.used = queue->used - credit;
}

/* It has had a turn here: what catch_up() compares with, this turn included. */
static void keep_most(struct run_queue *queue, const struct vcpu *vcpu)
{
	if (vcpu->place.used > queue->used)
		queue->used = vcpu->place.used;
}

static struct vcpu *pick_own(struct pcpu *pcpu)
{
	struct run_queue *queue = &pcpu->queue;
	struct vcpu *vcpu, *next;

	spin_lock(&queue->lock);
	if (queue->sleepers)
		queue_wake_due(queue, rdtsc());
	vcpu = choose(queue);
	if (vcpu)
		pcpu->turn = vcpu; /* before the offer: what waits behind it may be taken */
	next = vcpu && queue->first ? vcpu_at(queue->first) : NULL;
	spin_unlock(&queue->lock);
	if (next)
		balance_offer(pcpu, next);
	return vcpu;
}

/* What the one that would be next has had; UINT64_MAX: none would. */
static uint64_t next_used(const struct run_queue *queue)
{
	const struct queue_place *first = queue_first(queue);

	return first ? first->used : UINT64_MAX;
}

struct vcpu *turns_pick(struct pcpu *pcpu)
{
	uint64_t used = next_used(&pcpu->queue);
	struct vcpu *vcpu = NULL;

	if (cpus_count() > 1 && used != UINT64_MAX)
		vcpu = balance_pull(pcpu, used, slice / 2);
	if (!vcpu)
		vcpu = pick_own(pcpu);
	if (!vcpu && cpus_count() > 1)
		vcpu = balance_pull(pcpu, UINT64_MAX, 0);
	if (!vcpu)
		return NULL;
	pcpu->turn = vcpu;
	catch_up(&pcpu->queue, vcpu);
	return vcpu;
}

static struct pcpu *place_for(struct pcpu *pcpu, struct vcpu *vcpu)
{
	bool stays = balance_cpus(vcpu) & pcpu_bit(pcpu);

	if (!migrate || ++vcpu->turns < migrate)
		return stays ? pcpu : balance_next(pcpu, vcpu);
	vcpu->turns = 0;
	return balance_next(pcpu, vcpu);
}

/* It has gone offline: it empties its queue after that, once. */
static __attribute__((noinline)) struct pcpu *lock_another(struct pcpu *here, struct pcpu *to,
							   struct vcpu *vcpu)
{
	do {
		spin_unlock(&to->queue.lock);
		to = balance_next(here, vcpu);
		spin_lock(&to->queue.lock);
	} while (to != here && !online_is(to));
	return to;
}

/* This one if it is online or the CPU here, or else another, with its queue locked. */
static inline struct pcpu *lock_place(struct pcpu *here, struct pcpu *to, struct vcpu *vcpu)
{
	spin_lock(&to->queue.lock);
	return to == here || online_is(to) ? to : lock_another(here, to, vcpu);
}

/* One that halts may have drawn something that nobody has looked at yet. */
static uint64_t sleeps_until(const struct vcpu *vcpu)
{
	const struct vm *vm = vcpu->vm;

	return vm->screen_waits ? min_u64(vcpu->timer_deadline, vm->screen_due)
				: vcpu->timer_deadline;
}

/* Apart from turns_put(), like all that a vCPU that goes on running does not need. */
static __attribute__((noinline)) void sleep_on(struct pcpu *to, struct vcpu *vcpu, bool stopped)
{
	queue_sleep(&to->queue, &vcpu->place, stopped ? QUEUE_NEVER : sleeps_until(vcpu));
}

static __attribute__((noinline)) bool is_woken(struct vcpu *vcpu)
{
	return !vm_is_stopped(vcpu->vm) && vcpu_poll(vcpu, rdtsc());
}

void turns_put(struct pcpu *pcpu, struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	struct pcpu *to;
	bool ready = true, stopped;

	keep_most(&pcpu->queue, vcpu);
	if (vm->state == VM_ENDED)
		return;
	if (vm->state == VM_RUNNING && !vm->request) {
		ready = vcpu->state == VCPU_RUNNABLE || is_woken(vcpu);
	} else if (vcpu->id) {
		__atomic_fetch_add(&vm->parked, 1, __ATOMIC_SEQ_CST);
		return;
	}
	to = lock_place(pcpu, place_for(pcpu, vcpu), vcpu);
	stopped = vm_is_stopped(vm);
	/* one that had a CPU for itself does not wait until all here have had as much */
	if (to != pcpu && vcpu->place.used > to->queue.used + 2 * slice)
		vcpu->place.used = to->queue.used + 2 * slice;
	/* before the look at what is pending: see vmm/request.c */
	__atomic_store_n(&vcpu->at, to, __ATOMIC_SEQ_CST);
	if (!stopped && (ready || vcpu->pending))
		queue_add(&to->queue, &vcpu->place);
	else
		sleep_on(to, vcpu, stopped);
	spin_unlock(&to->queue.lock);
	if (to != pcpu)
		balance_offer(to, vcpu);
}

/* It had left its CPU: its first place since, on this one or another. */
static void resume(struct pcpu *to, struct vcpu *vcpu)
{
	bool waits;

	if (vcpu->place.used > to->queue.used + 2 * slice)
		vcpu->place.used = to->queue.used + 2 * slice;
	__atomic_store_n(&vcpu->at, to, __ATOMIC_SEQ_CST);
	waits = vcpu->state == VCPU_WAITS && !vcpu->pending;
	if (waits)
		queue_sleep(&to->queue, &vcpu->place, QUEUE_NEVER);
	else
		queue_add(&to->queue, &vcpu->place);
	spin_unlock(&to->queue.lock);
	if (!waits)
		balance_offer(to, vcpu);
}

void turns_resume(struct pcpu *pcpu, struct vm *vm)
{
	struct pcpu *to = pcpu;

	/* before the first: it may leave its CPU again while others have not come to one */
	__atomic_store_n(&vm->parked, 0, __ATOMIC_SEQ_CST);
	for (uint32_t i = 1; i < vm->vcpu_count; i++) {
		to = lock_place(pcpu, balance_next(to, vm->vcpu[i]), vm->vcpu[i]);
		resume(to, vm->vcpu[i]);
	}
}

struct vcpu *turns_take_any(struct pcpu *pcpu)
{
	struct run_queue *queue = &pcpu->queue;
	struct queue_place *place;

	spin_lock(&queue->lock);
	if (!queue->waiting && queue->sleepers)
		queue_wake(queue, queue->heap[0]);
	place = queue_take(queue);
	spin_unlock(&queue->lock);
	return place ? vcpu_at(place) : NULL;
}

bool turns_any(struct pcpu *pcpu)
{
	struct run_queue *queue = &pcpu->queue;
	bool any = false;

	if (!queue->waiting)
		return false;
	spin_lock(&queue->lock);
	for (struct queue_place *place = queue->first; place && !any; place = place->next)
		any = output_has_room(vcpu_at(place)->vm);
	spin_unlock(&queue->lock);
	return any;
}
