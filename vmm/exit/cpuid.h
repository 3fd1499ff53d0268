/*
 * CPUID. Handlers as vmm/exit/dispatch.h has them.
 */
#pragma once

struct vcpu;

void exit_cpuid(struct vcpu *vcpu);
