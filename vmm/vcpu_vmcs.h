/*
 * What a vCPU's VMCS says: all of it at a reset, and the CR4 mask, which gives way later.
 */
#pragma once

#include <stdint.h>

#include "vmm/vcpu.h"
#include "vmx/vmcs.h"

struct guest_entry;
struct pcpu;

/*
 * Reset, and then the state at the start of a multiboot 1 kernel: 32-bit protected mode, flat
 * segments, paging and interrupts off (Multiboot 0.6.96 section 3.2); NULL: it waits for a start-up
 * message. It is loaded here afterwards.
 */
void vcpu_reset(struct pcpu *pcpu, struct vcpu *vcpu, const struct guest_entry *entry,
		uint64_t ept_pointer);

/*
 * INIT, and the start-up message that its local APIC has (SDM Vol. 3A 8.4, table 9-1): real mode,
 * at the page that this names. What INIT leaves alone stays: FPU, TSC, most MSRs. Before its turn.
 */
void vcpu_start_up(struct pcpu *pcpu, struct vcpu *vcpu);

/* The host state of the current VMCS: this CPU's own, but for RSP. */
void vcpu_write_host_state(const struct pcpu *pcpu);

/* It gets CR4.PKE or XCR0's PKRU bit: from now on its PKRU is switched, and CR4.PKE its own. */
void vcpu_use_pkru(struct vcpu *vcpu);

/* It gets CR4.DE: from now on its own. */
void vcpu_use_de(struct vcpu *vcpu);

/*
 * IA32_EFER as it is from the next entry on. Nothing else changes it, so that a look at vcpu->efer
 * takes no VMREAD, which would be an exit of its own where another hypervisor is below us.
 */
static inline void vcpu_set_efer(struct vcpu *vcpu, uint64_t value)
{
	vcpu->efer = value;
	vmcs_write(VMCS_GUEST_IA32_EFER, value);
}
