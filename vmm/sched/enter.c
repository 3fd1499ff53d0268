#include "boot/clock.h"
#include "fpu/clobber.h"
#include "lib/console.h"
#include "lib/refusal.h"
#include "lib/x86.h"
#include "vmm/entry_watch.h"
#include "vmm/exit/dispatch.h"
#include "vmm/interrupts.h"
#include "vmm/pcpu.h"
#include "vmm/sched/enter.h"
#include "vmm/vcpu.h"
#include "vmx/capabilities.h"
#include "vmx/checks/entry_here.h"
#include "vmx/mitigate.h"
#include "vmx/names.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"

#define PREEMPTION_TIMER_MAX 0xffffffffull

/*
 * How many entries are made before the loop looks at the time again: the VMX-preemption timer does
 * not count what exits take. Where an exit does not save it, it would start anew with each of them,
 * and the APIC timer's interrupt may wait in the CPU for an exit to be seen (Bochs takes none from
 * a guest with IF=0): there the loop looks after every one. Where another hypervisor is below us,
 * it sees the interrupt, at the latest before it lets us have the next exit.
 */
#define ENTRIES_AT_ONCE 64

#define FAR_OFF_US 1000000

void enter_init(struct pcpu *pcpu, bool clobber_at_exits)
{
	const struct vmx_capabilities *c = &pcpu->vmx;
	bool comes_in_time =
		c->preemption == PREEMPTION_VMX ? c->exit & EXIT_SAVE_PREEMPTION_TIMER : c->nested;

	bool looked_at = clobber_at_exits || entry_watch_on();

	pcpu->clobber_at_exits = clobber_at_exits;
	pcpu->enters_slowly = c->preemption != PREEMPTION_VMX || entry_watch_on();
	pcpu->entries_at_once = comes_in_time && !looked_at ? ENTRIES_AT_ONCE : 1;
}

static void write_preemption_timer(const struct pcpu *pcpu, uint64_t now, uint64_t deadline)
{
	uint64_t ticks = (deadline - now) >> pcpu->vmx.preemption_shift;

	vmcs_write(VMCS_PREEMPTION_TIMER,
		   ticks < PREEMPTION_TIMER_MAX ? ticks : PREEMPTION_TIMER_MAX);
}

/*
 * Asking the rules takes longer than a short slice. The guest has its time all the same: neither
 * may the APIC's interrupt for the entry before come meanwhile, which would exit at once.
 */
static void ask_the_rules(struct pcpu *pcpu)
{
	if (pcpu->vmx.preemption != PREEMPTION_VMX)
		clock_interrupt_at(rdtsc() + clock_us_to_tsc(FAR_OFF_US));
	entry_watch_before(pcpu);
}

static __attribute__((noinline)) void preempt_slowly(struct pcpu *pcpu, uint64_t now,
						     uint64_t deadline)
{
	uint64_t left = deadline - now;

	if (entry_watch_on()) {
		ask_the_rules(pcpu);
		now = rdtsc();
		deadline = now + left;
	}
	if (pcpu->vmx.preemption == PREEMPTION_VMX)
		write_preemption_timer(pcpu, now, deadline);
	else
		clock_interrupt_at(deadline);
}

/* The guest exits when the TSC reaches `deadline`, or a little before or after. */
static void preempt_at(struct pcpu *pcpu, uint64_t now, uint64_t deadline)
{
	if (__builtin_expect(pcpu->enters_slowly, 0))
		preempt_slowly(pcpu, now, deadline);
	else
		write_preemption_timer(pcpu, now, deadline);
}

void notice_nmis(struct pcpu *pcpu)
{
	if (!pcpu->nmi_told && pcpu->cpu.nmi_count > pcpu->mail.nmis) {
		pcpu->nmi_told = true;
		log_warning(
			"CPU %u got an NMI from the machine (chipset, watchdog, debugger): NMIs "
			"are counted, and change nothing",
			pcpu->cpu.id);
	}
	pcpu->nmi_seen = pcpu->cpu.nmi_count;
}

static __attribute__((noinline)) void report_no_entry(struct vcpu *vcpu, uint64_t result)
{
	struct refusal refusal;
	uint32_t error;

	entry_watch_failed(vcpu->pcpu);
	if (result != VMX_FAIL_VALID) {
		exit_entry_failed(vcpu, "there is no current VMCS");
		return;
	}
	error = vmcs_read(VMCS_INSTRUCTION_ERROR);
	if (entry_here_explain(&refusal, error))
		exit_entry_failed(vcpu, refusal.text);
	else
		exit_entry_failed(vcpu, vmx_instruction_error_name(error));
}

uint64_t enter_guest(struct pcpu *pcpu, struct vcpu *vcpu, uint64_t now, uint64_t deadline)
{
	bool prepared = vcpu->events.attend;
	struct vmx_outcome outcome;
	uint64_t start;
	int32_t granted;

	if (prepared)
		interrupts_prepare(vcpu);
	/* what could not be delivered is tried again after each exit */
	granted = vcpu->events.attend ? 1 : pcpu->entries_at_once;
	vcpu_grant_entries(vcpu, granted);
	/* what is asked after this look comes with an NMI, which is in entries_left */
	if (vcpu->pending || pcpu->mail.from)
		vmx_ask_to_return(&vcpu->guest.entries_left);
	if (pcpu->cpu.nmi_count != pcpu->nmi_seen)
		notice_nmis(pcpu);
	if (!fpu_ready(&pcpu->fpu, &vcpu->fpu.context))
		fpu_enter(&pcpu->fpu, &vcpu->fpu.context);
	/* by the loop's time: what comes before the entry leaves some of the shortest slice */
	preempt_at(pcpu, now, deadline);
	start = rdtsc();
	outcome = vmx_way.enter(&vcpu->guest, vcpu->launched);
	now = rdtsc();
	pcpu->guest_tsc += now - start;
	if (vmx_entry_failed(outcome))
		vcpu->guest.entries_left++; /* that one was not made */
	vcpu_count_entries(vcpu);
	if (vmx_entries_made(&vcpu->guest, granted))
		vcpu->launched = true;
	else if (prepared)
		event_take_back(&vcpu->events);
	if (outcome.result == VMX_EXITED) {
		exit_dispatch(vcpu, outcome.reason);
		now = rdtsc();
	} else if (outcome.result == VMX_ASKED) {
		pcpu->nmi_first += pcpu->cpu.nmi_count != pcpu->nmi_seen;
	} else {
		report_no_entry(vcpu, outcome.result);
	}
	if (pcpu->clobber_at_exits && !vcpu->state_loaded)
		fpu_clobber(&pcpu->fpu);
	return now;
}
