#include "vmm/sched/step.h"

#include "boot/clock.h"
#include "lib/min.h"
#include "lib/x86.h"
#include "vmm/debugged.h"
#include "vmm/exit/debug.h"
#include "vmm/hole_step.h"
#include "vmm/interrupts.h"
#include "vmm/mail.h"
#include "vmm/pcpu.h"
#include "vmm/request.h"
#include "vmm/sched/enter.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"

#define ENTRY_US 100 /* what one instruction is given before another look */

/*
 * Interrupts wait over one instruction as they do after STI. What is being delivered already is
 * no part of that, nor what has just woken the guest. One that steps itself would have a #DB by it
 * (SDM Vol. 3C 26.3.1.5).
 */
static bool hold_interrupts(struct vcpu *vcpu)
{
	uint32_t blocking = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY);

	if ((vmcs_read(VMCS_GUEST_RFLAGS) & (RFLAGS_IF | RFLAGS_TF)) != RFLAGS_IF ||
	    (vcpu->events.info & INTERRUPTION_VALID) ||
	    (blocking & (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS)))
		return false;
	vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, blocking | BLOCKING_BY_STI);
	event_go_on();
	return true;
}

/* It executed nothing. */
static void release_interrupts(void)
{
	uint32_t blocking = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY);

	vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, blocking & ~BLOCKING_BY_STI);
}

/* Whether the instruction is done: one that the hypervisor completed exits without the flag's exit.
 */
static bool enter_once(struct pcpu *pcpu, struct vcpu *vcpu, uint64_t *now, bool woken)
{
	struct debugged_vcpu *own = debugged_vcpu(vcpu);
	int32_t entries = pcpu->entries_at_once;
	uint64_t rip = vmcs_read(VMCS_GUEST_RIP);
	bool held = !woken && hold_interrupts(vcpu), done;

	own->trapped = false;
	monitor_trap_set(vcpu, true);
	pcpu->entries_at_once = 1;
	vcpu->state_loaded = false;
	*now = enter_guest(pcpu, vcpu, *now, *now + clock_us_to_tsc(ENTRY_US));
	pcpu->entries_at_once = entries;
	monitor_trap_set(vcpu, hole_step_is_under_way(vcpu));
	done = own->trapped || vmcs_read(VMCS_GUEST_RIP) != rip || vcpu->state != VCPU_RUNNABLE;
	if (held && !done)
		release_interrupts();
	return done;
}

uint64_t step(struct pcpu *pcpu, struct vcpu *vcpu, uint64_t deadline)
{
	struct debugged_vcpu *own = debugged_vcpu(vcpu);
	uint64_t now = rdtsc();

	do {
		bool halted = vcpu->state == VCPU_HALTED, done;

		if (!vcpu_poll(vcpu, now))
			break;
		/* what is asked of its VM is there to be seen */
		if (__atomic_exchange_n(&vcpu->pending, 0, __ATOMIC_SEQ_CST) & VCPU_INTERRUPT)
			interrupts_arrived(vcpu);
		done = enter_once(pcpu, vcpu, &now, halted);
		if (pcpu->mail.from)
			mail_serve(pcpu);
		if (done) {
			own->steps = false;
			if (!debug_takes_pending(vcpu))
				debugged_stop(vcpu, DEBUG_STEPPED, NULL);
		}
	} while (own->steps && !vcpu->vm->stopped && !vcpu->vm->request && now < deadline);
	if (own->steps)
		vcpu_request(vcpu, VCPU_YIELD);
	return now;
}
