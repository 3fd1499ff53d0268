/*
 * VMCALL: the interface is vmm/hypercall.h. Handlers as vmm/exit/dispatch.h has them.
 */
#pragma once

struct vcpu;

void exit_vmcall(struct vcpu *vcpu);
