/*
 * IN, OUT, INS and OUTS. Handlers as vmm/exit.h has them.
 */
#pragma once

struct vcpu;

void exit_io(struct vcpu *vcpu);
