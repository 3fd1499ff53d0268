#include <stddef.h>

#include "boot/clock.h"
#include "boot/power.h"
#include "fpu/trace.h"
#include "lib/assert.h"
#include "lib/console.h"
#include "lib/x86.h"
#include "vmm/command.h"
#include "vmm/exit.h"
#include "vmm/options.h"
#include "vmm/output.h"
#include "vmm/pcpu.h"
#include "vmm/provoke.h"
#include "vmm/run.h"
#include "vmm/stats.h"
#include "vmm/trace_records.h"
#include "vmm/vm.h"
#include "vmx/capabilities.h"
#include "vmx/entry.h"
#include "vmx/names.h"
#include "vmx/vmcs.h"

#define PREEMPTION_TIMER_MAX 0xffffffffull
#define NEVER		     UINT64_MAX

/* At most so often, between two slices: to read a port takes a PC about a microsecond. */
#define COMMAND_POLL_US 1000

static uint64_t min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The vCPU that ran last has left the CPU: another one is entered, or the CPU goes idle. */
static void deschedule(struct pcpu *pcpu)
{
	if (pcpu->scheduled)
		fpu_leave(&pcpu->fpu, &pcpu->scheduled->fpu.context);
	pcpu->scheduled = NULL;
}

/* The TSC value at which the VM has had its CPU time (`limit=`). */
static uint64_t limit_deadline(const struct vcpu *vcpu, uint64_t now)
{
	uint64_t limit;

	if (!vcpu->vm->config.limit_ms)
		return NEVER;
	limit = clock_us_to_tsc(vcpu->vm->config.limit_ms * 1000);
	return now + (limit > vcpu->ran ? limit - vcpu->ran : 0);
}

/* The guest exits when the TSC reaches `deadline`, or a little before or after. */
static void preempt_at(uint64_t now, uint64_t deadline)
{
	uint64_t ticks = (deadline - now) >> vmx_capabilities()->preemption_shift;

	if (vmx_capabilities()->preemption == PREEMPTION_VMX)
		vmcs_write(VMCS_PREEMPTION_TIMER, min(ticks, PREEMPTION_TIMER_MAX));
	else
		clock_interrupt_at(deadline);
}

static void enter_once(struct pcpu *pcpu, struct vcpu *vcpu, uint64_t now, uint64_t deadline)
{
	enum vmx_entry_result result;
	uint64_t entered;

	preempt_at(now, deadline);
	event_prepare_entry(&vcpu->events, vcpu->cr8);
	fpu_enter(&pcpu->fpu, &vcpu->fpu.context);
	entered = rdtsc();
	result = vmx_enter(&vcpu->registers, vcpu->launched, &pcpu->cpu.nmi_count, pcpu->nmi_seen);
	pcpu->guest_tsc += rdtsc() - entered;
	switch (result) {
	case VMX_EXITED:
		exit_dispatch(pcpu, vcpu);
		break;
	case VMX_NMI_FIRST:
		pcpu->nmi_first++;
		break;
	case VMX_FAIL_VALID:
		exit_entry_failed(vcpu,
				  vmx_instruction_error_name(vmcs_read(VMCS_INSTRUCTION_ERROR)));
		break;
	case VMX_FAIL_INVALID:
		exit_entry_failed(vcpu, "there is no current VMCS");
		break;
	}
}

/* Nobody here sends NMIs: the first is told of, and all are counted (@cpu). */
static void notice_nmis(struct pcpu *pcpu)
{
	if (!pcpu->nmi_seen && pcpu->cpu.nmi_count)
		log_warning(
			"CPU %u got an NMI from the machine (chipset, watchdog, debugger): NMIs "
			"are counted, and change nothing",
			pcpu->cpu.id);
	pcpu->nmi_seen = pcpu->cpu.nmi_count;
}

/* A turn that is under way: what has an end at which TSC value. */
struct turn {
	uint64_t start; /* or when others' time in it ended */
	uint64_t slice_end;
	uint64_t limit;
	uint64_t stop; /* the first of these, and of the console's */
};

static void set_stop(struct turn *turn)
{
	turn->stop = min(min(turn->slice_end, turn->limit), output_due_before(turn->slice_end));
}

/* The guest, until the turn has to stop or something is pending. Returns the time. */
static uint64_t run_guest(struct pcpu *pcpu, struct vcpu *vcpu, struct turn *turn, uint64_t now,
			  uint64_t slice, bool *extended)
{
	vcpu_poll(vcpu, now); /* its timer may have come due meanwhile */
	while (now < turn->stop) {
		uint64_t deadline = turn->stop, traps = vcpu->fpu.context.counters.nm;

		if (vcpu->timer_deadline)
			deadline = min(deadline, vcpu->timer_deadline);
		notice_nmis(pcpu);
		enter_once(pcpu, vcpu, now, deadline);
		now = rdtsc();
		if (vcpu->state != VCPU_RUNNABLE || vcpu->pending)
			break;
		vcpu_poll(vcpu, now);
		/* state that a trap just loaded is used before another guest may want the
		 * registers: once a slice, or a guest whose registers host sections clobber would
		 * keep the CPU
		 */
		if (vcpu->fpu.context.counters.nm != traps && !*extended &&
		    turn->slice_end < now + slice / 8) {
			turn->slice_end = now + slice / 8;
			*extended = true;
			set_stop(turn);
		}
	}
	return now;
}

/* Output that is due goes out, in time that is not the turn's. Returns the time. */
static uint64_t send_output(struct vcpu *vcpu, struct turn *turn, uint64_t now)
{
	uint64_t sent;

	if (now < output_due())
		return now;
	vcpu->ran += now - turn->start;
	output_send();
	sent = rdtsc();
	turn->start = sent;
	turn->slice_end += sent - now;
	turn->limit = limit_deadline(vcpu, sent);
	return sent;
}

static void run_slice(struct pcpu *pcpu, struct vcpu *vcpu, uint64_t slice, uint64_t length)
{
	uint64_t now = rdtsc();
	struct turn turn = {
		.start = now,
		.slice_end = now + length,
		.limit = limit_deadline(vcpu, now),
	};
	bool extended = false;

	if (pcpu->scheduled != vcpu) {
		deschedule(pcpu);
		fpu_trace(&pcpu->fpu, &vcpu->fpu.context, FPU_TRACE_RUN);
	}
	vcpu_switch_to(pcpu, vcpu);
	pcpu->scheduled = vcpu;
	do {
		vcpu->pending = 0;
		set_stop(&turn);
		now = run_guest(pcpu, vcpu, &turn, now, slice, &extended);
		now = send_output(vcpu, &turn, now);
	} while (vcpu->state == VCPU_RUNNABLE && !(vcpu->pending & VCPU_YIELD) &&
		 output_has_room(vcpu->vm) && now < min(turn.slice_end, turn.limit));
	vcpu->ran += now - turn.start;
	if (now > turn.slice_end)
		vcpu->vm->debt += now - turn.slice_end;
	if (vcpu->state != VCPU_STOPPED && now >= turn.limit)
		vm_fail(vcpu, "limit",
			"it has had the CPU for the %lu ms of its module line (limit=)",
			vcpu->vm->config.limit_ms);
}

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

static void take_turn(struct pcpu *pcpu, struct vm *vm, uint64_t slice)
{
	uint64_t length = slice - vm->debt;

	vm->debt = 0;
	pcpu->output = vm;
	if (vm->state == VM_RUNNING)
		run_slice(pcpu, &vm->vcpu, slice, length);
	else
		settle(pcpu, vm, length);
	pcpu->output = NULL;
}

static bool has_work(struct vm *vm, uint64_t now)
{
	if (vm->state == VM_ENDED || !output_has_room(vm))
		return false;
	return vm->state != VM_RUNNING || vcpu_poll(&vm->vcpu, now);
}

/*
 * The next VM after the current one that has something to do; NULL: none has. One that has used
 * most of a slice outside of its turns has had this turn, unless nobody else wants it.
 */
static struct vm *pick(uint32_t *turn, uint64_t slice)
{
	uint64_t now = rdtsc();
	uint32_t count = vms_count();
	struct vm *indebted = NULL;

	for (uint32_t i = 0; i < count; i++) {
		struct vm *vm;

		*turn = *turn + 1 < count ? *turn + 1 : 0;
		vm = vm_at(*turn);
		if (!has_work(vm, now))
			continue;
		if (vm->debt <= slice / 2)
			return vm;
		vm->debt -= min(vm->debt, slice);
		if (!indebted)
			indebted = vm;
	}
	if (indebted)
		indebted->debt = 0;
	return indebted;
}

/* Nothing can run until a timer is due, or the console has taken something. */
static void idle(struct pcpu *pcpu, const struct options *options)
{
	uint64_t deadline, now;

	if (options->crash == PROVOKE_IDLE)
		panic("crash=idle");
	if (output_due() != OUTPUT_NEVER && output_send())
		return;
	deadline = output_due();
	now = rdtsc();
	for (uint32_t i = 0; i < vms_count(); i++) {
		struct vm *vm = vm_at(i);

		if (has_work(vm, now)) /* it has waited for the console */
			return;
		if (vm->state != VM_RUNNING || !output_has_room(vm))
			continue;
		/* a guest that halts has a timer that wakes it, or has ended: see exit_hlt() */
		assert(vm->vcpu.timer_deadline);
		deadline = min(deadline, vm->vcpu.timer_deadline);
	}
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
	uint32_t turn = vms_count() - 1;

	output_start();
	while (vms_in_state(VM_ENDED) < vms_count()) {
		uint64_t now = rdtsc();
		struct vm *vm;

		if (now - polled >= poll_period && output_own_has_room()) {
			command_poll(&pcpu->fpu);
			polled = now;
		}
		if (now >= output_due())
			output_send();
		vm = pick(&turn, slice);
		if (vm)
			take_turn(pcpu, vm, slice);
		else
			idle(pcpu, options);
	}
	finish(pcpu, options, complete);
}
