/*
 * IN and OUT. SDM Vol. 3C table 27-5. What is at the ports: bus.h. INS and OUTS: exit_string_io.h.
 */
#pragma once

struct vcpu;

void exit_io(struct vcpu *vcpu);
