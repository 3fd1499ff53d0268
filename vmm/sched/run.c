#include <stddef.h>

#include "boot/clock.h"
#include "boot/power.h"
#include "fpu/trace.h"
#include "lib/assert.h"
#include "lib/console.h"
#include "lib/x86.h"
#include "vmm/command.h"
#include "vmm/exit/provoke.h"
#include "vmm/options.h"
#include "vmm/output.h"
#include "vmm/pcpu.h"
#include "vmm/sched/enter.h"
#include "vmm/sched/run.h"
#include "vmm/sched/slice.h"
#include "vmm/stats.h"
#include "vmm/trace_records.h"
#include "vmm/vm.h"
#include "vmm/vm_settle.h"

/* At most so often, between two slices: to read a port takes a PC about a microsecond. */
#define COMMAND_POLL_US 1000

/* A turn of a VM that is being started, reset or ended. */
static void settle(struct pcpu *pcpu, struct vm *vm, uint64_t length)
{
	uint64_t now = rdtsc(), end = now + length;

	do {
		uint64_t sent;

		vm_settle(pcpu, vm, end);
		now = rdtsc();
		if (now < output_due_before(end))
			continue;
		output_send();
		sent = rdtsc();
		end += sent - now;
		now = sent;
	} while (vm_settles(vm) && output_has_room(vm) && now < end);
	if (now > end)
		vm->debt += now - end;
}

static void take_turn(struct pcpu *pcpu, struct vcpu *vcpu, uint64_t slice)
{
	struct vm *vm = vcpu->vm;
	uint64_t length = slice - vm->debt;

	vm->debt = 0;
	pcpu->output = vm;
	if (vm->state == VM_RUNNING && !vm->request)
		run_slice(pcpu, vcpu, slice, length);
	else if (vm_settles(vm))
		settle(pcpu, vm, length);
	if (vm->request)
		vm_carry_out(vm);
	pcpu->output = NULL;
}

static struct vcpu *vcpu_at(struct queue_place *place)
{
	return (struct vcpu *)((char *)place - offsetof(struct vcpu, place));
}

/* After its turn, or instead of one: where it is to wait for the next. */
static void put_back(struct pcpu *pcpu, struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;

	if (vm->state == VM_ENDED)
		return;
	if (vm->state != VM_RUNNING || vm->request || vcpu_poll(vcpu, rdtsc())) {
		queue_add(&pcpu->queue, &vcpu->place);
		return;
	}
	/* a guest that halts has a timer that wakes it, or has ended: see exit_hlt() */
	assert(vcpu->timer_deadline != VCPU_TIMER_OFF);
	queue_sleep(&pcpu->queue, &vcpu->place, vcpu->timer_deadline);
}

/*
 * The next vCPU that has something to do; NULL: none has. While a VM starts or ends its first vCPU
 * stands for it. One that has used most of a slice outside of its turns has had this turn, unless
 * nobody else wants it: of several, the one that owes least then. One whose output must wait stays
 * where it is.
 */
static struct vcpu *pick(struct pcpu *pcpu, uint64_t slice)
{
	struct run_queue *queue = &pcpu->queue;
	struct vcpu *indebted = NULL;

	queue_wake_due(queue, rdtsc());
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
		vm->debt -= vm->debt < slice ? vm->debt : slice;
		if (indebted && indebted->vm->debt <= vm->debt) {
			queue_add(queue, &vcpu->place);
			continue;
		}
		if (indebted)
			queue_add(queue, &indebted->place);
		indebted = vcpu;
	}
	if (indebted)
		indebted->vm->debt = 0;
	return indebted;
}

/* Whether one that waited for the console can go on. */
static bool any_has_room(const struct run_queue *queue)
{
	for (struct queue_place *place = queue->first; place; place = place->next)
		if (output_has_room(vcpu_at(place)->vm))
			return true;
	return false;
}

/* Nothing can run until a timer is due, or the console has taken something. */
static void idle(struct pcpu *pcpu, const struct options *options)
{
	uint64_t deadline = queue_next_due(&pcpu->queue);

	if (options->crash == PROVOKE_IDLE)
		panic("crash=idle");
	if (output_due() != OUTPUT_NEVER && output_send())
		return;
	if (any_has_room(&pcpu->queue))
		return;
	if (output_due() < deadline)
		deadline = output_due();
	if (deadline <= rdtsc())
		return;
	deschedule(pcpu);
	fpu_trace(&pcpu->fpu, &pcpu->fpu.host, FPU_TRACE_IDLE);
	pcpu->idles++;
	clock_halt_until(deadline);
	notice_nmis(pcpu);
}

static _Noreturn void finish(const struct pcpu *pcpu, const struct options *options, bool complete)
{
	bool success = complete && vms_count() > 0, any_ran = false;

	output_end();
	trace_print();
	stats_print(pcpu, options->stats);
	provoke_report((enum provoke)options->crash);
	for (uint32_t i = 0; i < vms_count(); i++) {
		success = success && vm_at(i)->status == 0;
		any_ran = any_ran || vm_at(i)->runs > 0;
	}
	if (!any_ran) /* why not is to be read, and a PC that is off shows nothing */
		power_panic();
	power_end(success ? 0 : 1);
}

void run(const struct options *options, bool complete)
{
	struct pcpu *pcpu = this_pcpu();
	uint64_t slice = clock_us_to_tsc(options->slice_us);
	uint64_t poll_period = clock_us_to_tsc(COMMAND_POLL_US), polled = rdtsc();

	for (uint32_t i = 0; i < vms_count(); i++)
		if (vm_at(i)->vcpu_count)
			put_back(pcpu, vm_at(i)->vcpu[0]);
	output_start();
	while (vms_alive) {
		uint64_t now = rdtsc();
		struct vcpu *vcpu;

		if (now - polled >= poll_period && output_own_has_room()) {
			command_poll(&pcpu->fpu);
			polled = now;
		}
		if (now >= output_due())
			output_send();
		vcpu = pick(pcpu, slice);
		if (vcpu) {
			take_turn(pcpu, vcpu, slice);
			put_back(pcpu, vcpu);
		} else {
			idle(pcpu, options);
		}
	}
	finish(pcpu, options, complete);
}
