/*
 * A vCPU that a debugger lets execute one instruction (vmm/debugged.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct pcpu;
struct vcpu;

/*
 * In the vCPU's turn, loaded here: it executes one instruction, or what comes of one: a handler of
 * an exception that it raised has not begun then. External interrupts wait meanwhile. Then all of
 * its VM stops. If that has not come about until `deadline`, as where it halts, its next turn goes
 * on with it. Returns the TSC.
 */
uint64_t step(struct pcpu *pcpu, struct vcpu *vcpu, uint64_t deadline);
