#include <stddef.h>

#include "boot/clock.h"
#include "boot/machine.h"
#include "boot/options.h"
#include "fpu/trace.h"
#include "lib/assert.h"
#include "lib/console.h"
#include "lib/x86.h"
#include "vmm/command.h"
#include "vmm/exit.h"
#include "vmm/pcpu.h"
#include "vmm/run.h"
#include "vmm/stats.h"
#include "vmm/trace_records.h"
#include "vmm/vm.h"
#include "vmx/capabilities.h"
#include "vmx/dump.h"
#include "vmx/entry.h"
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

static void run_slice(struct pcpu *pcpu, struct vcpu *vcpu, uint64_t slice)
{
	uint64_t start = rdtsc(), now = start, slice_end = start + slice;
	uint64_t limit = limit_deadline(vcpu, start);
	bool extended = false;

	if (pcpu->scheduled != vcpu) {
		deschedule(pcpu);
		fpu_trace(&pcpu->fpu, &vcpu->fpu.context, FPU_TRACE_RUN);
	}
	vcpu_switch_to(pcpu, vcpu);
	pcpu->scheduled = vcpu;
	vcpu->yield = false;
	vcpu_poll(vcpu, start); /* its timer may have come due since it was picked */
	while (now < min(slice_end, limit)) {
		uint64_t deadline = min(slice_end, limit), traps = vcpu->fpu.context.counters.nm;

		if (vcpu->timer_deadline)
			deadline = min(deadline, vcpu->timer_deadline);
		notice_nmis(pcpu);
		enter_once(pcpu, vcpu, now, deadline);
		now = rdtsc();
		if (vcpu->state != VCPU_RUNNABLE || vcpu->yield)
			break;
		vcpu_poll(vcpu, now);
		/* state that a trap just loaded is used before another guest may want the
		 * registers: once a slice, or a guest whose registers host sections clobber would
		 * keep the CPU
		 */
		if (vcpu->fpu.context.counters.nm != traps && !extended &&
		    slice_end < now + slice / 8) {
			slice_end = now + slice / 8;
			extended = true;
		}
	}
	vcpu->ran += now - start;
	if (vcpu->state != VCPU_STOPPED && now >= limit)
		vm_fail(vcpu, "limit",
			"it has had the CPU for the %llu ms of its module line (limit=)",
			(unsigned long long)vcpu->vm->config.limit_ms);
}

/* The next vCPU after the current one that can run; NULL: none can. */
static struct vcpu *pick(uint32_t *turn)
{
	uint64_t now = rdtsc();

	for (uint32_t i = 0; i < vms_count(); i++) {
		struct vm *vm = vm_at(++*turn % vms_count());

		if (vm->state == VM_RUNNING && vcpu_poll(&vm->vcpu, now)) {
			*turn %= vms_count();
			return &vm->vcpu;
		}
	}
	return NULL;
}

/* Nothing can run until a timer is due. */
static void idle(struct pcpu *pcpu)
{
	uint64_t deadline = NEVER;

	deschedule(pcpu);
	fpu_trace(&pcpu->fpu, &pcpu->fpu.host, FPU_TRACE_IDLE);
	for (uint32_t i = 0; i < vms_count(); i++) {
		struct vm *vm = vm_at(i);

		if (vm->state != VM_RUNNING)
			continue;
		/* a guest that halts has a timer that wakes it, or has ended: see exit_hlt() */
		assert(vm->vcpu.timer_deadline);
		deadline = min(deadline, vm->vcpu.timer_deadline);
	}
	pcpu->idles += clock_halt_until(deadline);
	notice_nmis(pcpu);
}

static _Noreturn void finish(const struct pcpu *pcpu, const struct options *options, bool complete)
{
	bool success = complete && vms_count() > 0;

	trace_print();
	stats_print(pcpu, options->stats);
	for (uint32_t i = 0; i < vms_count(); i++)
		success = success && vm_at(i)->status == 0;
	machine_end(success ? 0 : 1);
}

void run(const struct options *options, bool complete)
{
	struct pcpu *pcpu = this_pcpu();
	uint64_t slice = clock_us_to_tsc(options->slice_us);
	uint64_t poll_period = clock_us_to_tsc(COMMAND_POLL_US), polled = rdtsc();
	uint32_t turn = vms_count() - 1;

	while (vms_in_state(VM_ENDED) < vms_count()) {
		bool settling = vms_settle_step(pcpu);
		struct vcpu *vcpu = pick(&turn);
		uint64_t now = rdtsc();

		if (now - polled >= poll_period) {
			command_poll(&pcpu->fpu);
			polled = now;
		}
		if (vcpu)
			run_slice(pcpu, vcpu, slice);
		else if (!settling)
			idle(pcpu);
	}
	finish(pcpu, options, complete);
}
