/*
 * What of a vCPU is on a CPU, and outlasts its turns there: its VMCS, which the CPU may keep in
 * itself (SDM Vol. 3C 24.11.1), the registers that VMX does not switch, translations under its
 * VPID, FPU registers. vcpu->pcpu names the CPU, and nothing of it is on any other, but for FPU
 * registers that are in its image too: before it runs elsewhere that one gives it up. Of all vCPUs
 * that a CPU has anything of, one is loaded: pcpu->loaded, which nobody else writes. Root mode of
 * that CPU, interrupts off, no lock held.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm/switch.h"

struct pcpu;
struct vcpu;

/*
 * It is the one that this CPU's VMCS pointer and registers belong to, and no other CPU's: if
 * another one has it, that is asked to give it up. For the CPU whose turn the vCPU has.
 */
void loaded_take(struct pcpu *pcpu, struct vcpu *vcpu);

/* As far as that: from now on nothing of it is on another CPU. */
void loaded_fetch(struct pcpu *pcpu, struct vcpu *vcpu);

/*
 * All of it goes to memory. vcpu->pcpu is NULL then, and another CPU may take it. What its FPU
 * registers hold that its image does not is saved; it stays at home in them. Nothing happens if
 * nothing of it is here.
 */
void loaded_give_up(struct pcpu *pcpu, struct vcpu *vcpu);

/* Its VM ends: what this CPU's FPU registers hold of it is dropped, and not saved any more. */
void loaded_release(struct pcpu *pcpu, struct vcpu *vcpu);

/*
 * A VM has ended: nothing of its vCPUs and no translation of its memory is left in this CPU. By
 * mail, on every CPU, before its memory is used for anything else.
 */
void loaded_forget(struct pcpu *pcpu, void *vm);

/*
 * A vCPU that is loaded gets this value in an MSR, at once. False: the CPU refuses it, and nothing
 * has changed.
 */
bool loaded_write_msr(struct vcpu *vcpu, enum unswitched_msr index, uint64_t value);
