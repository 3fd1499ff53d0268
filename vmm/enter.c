#include "boot/clock.h"
#include "fpu/clobber.h"
#include "lib/console.h"
#include "lib/x86.h"
#include "vmm/enter.h"
#include "vmm/exit.h"
#include "vmm/pcpu.h"
#include "vmx/vmcs_bits.h"
#include "vmx/capabilities.h"
#include "vmx/names.h"
#include "vmx/vmcs.h"

#define PREEMPTION_TIMER_MAX 0xffffffffull
#define ENTRIES_AT_ONCE	     64

/* The guest exits when the TSC reaches `deadline`, or a little before or after. */
static void preempt_at(uint64_t now, uint64_t deadline)
{
	uint64_t left = deadline > now ? deadline - now : 0;
	uint64_t ticks = left >> vmx_capabilities()->preemption_shift;

	if (vmx_capabilities()->preemption == PREEMPTION_VMX)
		vmcs_write(VMCS_PREEMPTION_TIMER,
			   ticks < PREEMPTION_TIMER_MAX ? ticks : PREEMPTION_TIMER_MAX);
	else
		clock_interrupt_at(deadline);
}

void notice_nmis(struct pcpu *pcpu)
{
	if (!pcpu->nmi_seen && pcpu->cpu.nmi_count)
		log_warning(
			"CPU %u got an NMI from the machine (chipset, watchdog, debugger): NMIs "
			"are counted, and change nothing",
			pcpu->cpu.id);
	pcpu->nmi_seen = pcpu->cpu.nmi_count;
}

/*
 * How many entries are made before the loop looks at the time again: the VMX-preemption timer does
 * not count what exits take. Where an exit does not save it, it would start anew with each of them.
 */
static uint32_t entries_at_once(const struct vcpu *vcpu)
{
	const struct vmx_capabilities *c = vmx_capabilities();

	if (vcpu->events.attend || vcpu->pcpu->clobber_at_exits)
		return 1;
	return c->preemption == PREEMPTION_APIC || (c->exit & EXIT_SAVE_PREEMPTION_TIMER)
		       ? ENTRIES_AT_ONCE
		       : 1;
}

uint64_t enter_guest(struct pcpu *pcpu, struct vcpu *vcpu, uint64_t deadline)
{
	bool prepared = vcpu->events.attend;
	enum vmx_entry_result result;
	uint64_t start, now;
	uint32_t granted, made;

	if (prepared)
		event_prepare_entry(&vcpu->events, vcpu->cr8);
	granted = entries_at_once(vcpu);
	vcpu_grant_entries(vcpu, granted);
	notice_nmis(pcpu); /* one that comes from here on is in entries_left */
	if (!fpu_ready(&pcpu->fpu, &vcpu->fpu.context))
		fpu_enter(&pcpu->fpu, &vcpu->fpu.context);
	start = rdtsc();
	preempt_at(start, deadline);
	result = vmx_enter(&vcpu->guest, vcpu->launched);
	now = rdtsc();
	pcpu->guest_tsc += now - start;
	vcpu_count_entries(vcpu);
	made = vmx_entries_made(&vcpu->guest, granted);
	switch (result) {
	case VMX_EXITED:
		made -= !exit_dispatch(vcpu);
		now = rdtsc();
		break;
	case VMX_ASKED:
		pcpu->nmi_first += pcpu->cpu.nmi_count != pcpu->nmi_seen;
		break;
	case VMX_FAIL_VALID:
		exit_entry_failed(vcpu,
				  vmx_instruction_error_name(vmcs_read(VMCS_INSTRUCTION_ERROR)));
		break;
	case VMX_FAIL_INVALID:
		exit_entry_failed(vcpu, "there is no current VMCS");
		break;
	}
	if (pcpu->clobber_at_exits && !vcpu->state_loaded)
		fpu_clobber(&pcpu->fpu);
	if (made)
		vcpu->launched = true;
	else if (prepared)
		event_take_back(&vcpu->events);
	return now;
}
