/*
 * The debug registers of a vCPU while a debugger has them (vmm/debugged.h): its points are in them,
 * in their order, and MOV to and from them exits (vmm/exit/debug.h), with the guest's own values,
 * which do not act. DR6 stays the guest's. SDM Vol. 3B 17.2. With the vCPU loaded.
 */
#pragma once

struct vcpu;

void debug_registers_take(struct vcpu *vcpu);
void debug_registers_give_back(struct vcpu *vcpu);

/* INIT has reset the guest's: the debugger's are back, if it had them. */
void debug_registers_after_init(struct vcpu *vcpu);
