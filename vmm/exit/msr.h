/*
 * RDMSR and WRMSR. Handlers as vmm/exit/dispatch.h has them.
 */
#pragma once

struct vcpu;

void exit_rdmsr(struct vcpu *vcpu);
void exit_wrmsr(struct vcpu *vcpu);
