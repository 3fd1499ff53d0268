/*
 * Control registers and XCR0. Handlers as vmm/exit/dispatch.h has them.
 */
#pragma once

struct vcpu;

void exit_cr_access(struct vcpu *vcpu);
void exit_xsetbv(struct vcpu *vcpu);
