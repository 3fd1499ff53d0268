/*
 * What a vCPU's VMCS says: all of it at a reset, and the CR4 mask, which gives way later.
 */
#pragma once

#include <stdint.h>

struct guest_entry;
struct pcpu;
struct vcpu;

/*
 * Reset, and then the state at the start of a multiboot 1 kernel: 32-bit protected mode, flat
 * segments, paging and interrupts off (Multiboot 0.6.96 section 3.2). It is loaded here afterwards,
 * and was loaded nowhere else before.
 */
void vcpu_reset(struct pcpu *pcpu, struct vcpu *vcpu, const struct guest_entry *entry,
		uint64_t ept_pointer);

/* The host state of the current VMCS: this CPU's own, but for RSP. */
void vcpu_write_host_state(const struct pcpu *pcpu);

/* It gets CR4.PKE or XCR0's PKRU bit: from now on its PKRU is switched, and CR4.PKE its own. */
void vcpu_use_pkru(struct vcpu *vcpu);

/* It gets CR4.DE: from now on its own. */
void vcpu_use_de(struct vcpu *vcpu);
