/*
 * IN and OUT. SDM Vol. 3C table 27-5. What is at the ports: vmm/device/bus.h. INS and OUTS:
 * string_io.h.
 */
#pragma once

struct vcpu;

void exit_io(struct vcpu *vcpu);
