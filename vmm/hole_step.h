/*
 * Instructions that are not emulated, at guest-physical memory that is not there: the CPU itself
 * executes them. A page of ones is lent to the guest for one instruction (vmx/ept.h), after which
 * the monitor trap flag exits (SDM Vol. 3C 25.5.2); what was written to it is forgotten. Where the
 * CPU has no such flag nothing is done. Of several vCPUs one does so at a time; what another does
 * at that page meanwhile is as if it was written and read at a device's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct vcpu;
struct vm;

/*
 * In the run loop, after an EPT violation by an operand at `gpa`, where nothing is. True: the
 * instruction is to run again. False: it cannot be done.
 */
bool hole_step_begin(struct vcpu *vcpu, uint64_t gpa);

/* Whether the CPU has it, and its exit follows the next instruction. The vCPU's VMCS is current. */
void monitor_trap_set(struct vcpu *vcpu, bool on);

/* Whether it has such an instruction to execute still, by that flag. */
bool hole_step_is_under_way(const struct vcpu *vcpu);

/* That exit. */
void exit_monitor_trap(struct vcpu *vcpu);

/* Before the VM's vCPU starts anew, on this CPU: what was begun is over. */
void hole_step_forget(struct vm *vm, uint32_t cpu);

/* Before the EPT is given back: gives back what is its own. No vCPU uses it any more. */
void hole_step_destroy(struct vm *vm);
