/*
 * Interrupts on their way to a vCPU: from the PC's lines through the 8259s or the I/O APIC, and
 * from its local APIC's own sources; and the timers that they come of. For the CPU that has the
 * vCPU's turn.
 *
 * Where anything of this has changed, interrupts_changed() is called: what waits for the vCPU is
 * looked at before the next entry, and an earlier deadline is kept.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm/apicv.h"
#include "vmm/pcpu.h"
#include "vmm/vcpu.h"
#include "vmm/vm.h"

/* Of a VM's vCPUs the one that has its turn on this CPU: whose exit, or turn, this is in. */
static inline struct vcpu *vcpu_here(struct vm *vm)
{
	return vm_is_shared(vm) ? this_pcpu()->turn : vm->vcpu[0];
}

/* After a reset: the local APIC as firmware leaves it on the first CPU. */
void interrupts_reset(struct vcpu *vcpu);

/* Of a VM's chips, or of this vCPU's local APIC. */
void interrupts_changed(struct vcpu *vcpu);

/* The same, after what takes as long as many other exits: another look at the time follows. */
void interrupts_changed_at_length(struct vcpu *vcpu);

/*
 * VCPU_INTERRUPT was asked: other vCPUs' CPUs have put something into its inbox, or have changed
 * what the first vCPU sees to. In its turn, or before that begins.
 */
void interrupts_arrived(struct vcpu *vcpu);

/*
 * The same, after an EOI, or a write of TPR or of SELF IPI, and nothing else: no line and no
 * deadline is another. Its VMCS is current.
 */
static inline void interrupts_priority_changed(struct vcpu *vcpu)
{
	if (vcpu->apicv.given)
		apicv_keep_back(vcpu);
	if (vcpu->lapic.signals || lapic_highest(&vcpu->lapic) >= 0)
		interrupts_changed(vcpu);
}

/*
 * Its local APIC, for who reads or changes its priorities, or what apicv_concerns(): they are taken
 * back from where a CPU that virtualizes APICs has them.
 */
static inline struct lapic *vcpu_lapic(struct vcpu *vcpu)
{
	if (vcpu->apicv.given)
		apicv_take(vcpu);
	return &vcpu->lapic;
}

/* The same, for an access to one of its registers: its offset / 16, or its MSR - 800H. */
static inline struct lapic *vcpu_lapic_for(struct vcpu *vcpu, uint32_t number)
{
	return apicv_concerns(number) ? vcpu_lapic(vcpu) : &vcpu->lapic;
}

/* An interrupt waits that the vCPU would take if RFLAGS.IF and blocking let it. */
bool interrupts_wait(struct vcpu *vcpu);

/* As things are set, can one ever come to a guest that halts with interrupts on? */
bool interrupts_may_come(const struct vcpu *vcpu);

/* Before an entry, with events.attend: hands over what is to be delivered. Its VMCS is current. */
void interrupts_prepare(struct vcpu *vcpu);

/* The class of its task priority: CR8. */
static inline uint8_t vcpu_cr8(const struct vcpu *vcpu)
{
	return (vcpu->apicv.given ? apicv_tpr(&vcpu->apicv) : lapic_tpr(&vcpu->lapic)) >> 4;
}

/* The guest's TSC is the host's and this. Its VMCS is current. */
void vcpu_set_tsc_offset(struct vcpu *vcpu, uint64_t offset);

/* After a timer of it has been set: the earliest one counts. Under the VM's lock. */
void vcpu_set_deadline(struct vcpu *vcpu);

/* A timer of it is due, or it halts: what comes of it. */
bool vcpu_poll_events(struct vcpu *vcpu, uint64_t now);

/* Wakes it if a timer of it is due; true if it can run. VMCS not needed. */
static inline bool vcpu_poll(struct vcpu *vcpu, uint64_t now)
{
	if (now < vcpu->timer_deadline && vcpu->state != VCPU_HALTED)
		return vcpu->state == VCPU_RUNNABLE;
	return vcpu_poll_events(vcpu, now);
}
