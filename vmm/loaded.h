/*
 * What of a vCPU is on a CPU, and outlasts its turns there: its VMCS, which the CPU may keep in
 * itself (SDM Vol. 3C 24.11.1), the registers that VMX does not switch, translations under its
 * VPID, FPU registers. vcpu->pcpu names the CPU, and nothing of it is on any other: before it runs
 * elsewhere that one gives it up. Of all vCPUs that a CPU has anything of, one is loaded:
 * pcpu->loaded, which nobody else writes. Root mode of that CPU, interrupts off.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm/switch.h"

struct pcpu;
struct vcpu;

/* It is the one that this CPU's VMCS pointer and registers belong to, and no other CPU's. */
void loaded_take(struct pcpu *pcpu, struct vcpu *vcpu);

/*
 * All of it goes to memory, and this CPU no longer names it. vcpu->pcpu is NULL then: another CPU
 * may take it, or its memory be used again. What its FPU registers hold is saved, unless it was
 * released before. Nothing happens if nothing of it is here.
 */
void loaded_give_up(struct pcpu *pcpu, struct vcpu *vcpu);

/*
 * A vCPU that is loaded gets this value in an MSR, at once. False: the CPU refuses it, and nothing
 * has changed.
 */
bool loaded_write_msr(struct vcpu *vcpu, enum unswitched_msr index, uint64_t value);
