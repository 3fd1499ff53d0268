/*
 * APIC virtualization, where the CPU has it (vmx/capabilities.h): accesses to TPR, and to CR8, and
 * EOI of what is in service take no exit. SDM Vol. 3C 24.6.8, chapter 29.
 *
 * While the guest runs its TPR is in the virtual-APIC page, and under virtual-interrupt delivery
 * its vectors in service are, too; all else of struct lapic is as ever, so that most of what is
 * done for the APIC need not look there. What would read or change these takes them back first:
 * vcpu_lapic(). They are given again before the next entry.
 *
 * Interrupts are delivered by software, as on other CPUs: virtual-interrupt delivery is on only
 * while nothing waits, so that no EOI can make anything deliverable. The one thing that the CPU
 * delivers is an IPI to the guest itself by the APIC's page, which then does not exit. While
 * something waits, EOI exits, and TPR does where it is set below what waits (TPR threshold).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct vcpu;

/* After a reset, when its VMCS is written: secondary controls without any of these. */
void apicv_write_controls(struct vcpu *vcpu, uint32_t secondary);

/* Takes back what was given. Its VMCS need not be current. */
void apicv_take(struct vcpu *vcpu);

/* Before an entry, after event_prepare_entry(), for an APIC whose state is all in struct lapic;
 * `waits`: something waits that could be delivered but for the guest's IF. */
void apicv_give(struct vcpu *vcpu, bool waits);

/*
 * The guest has sent something to itself while all is given: if TPR keeps it back, the CPU is told,
 * and nothing more is to be done.
 */
void apicv_keep_back(struct vcpu *vcpu);

/* The next entry is made without the APIC's page: what is accessed there is an EPT violation. */
void apicv_step_aside(struct vcpu *vcpu);
