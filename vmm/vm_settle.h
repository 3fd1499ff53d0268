/*
 * What a VM goes through while it does not run: it is started, reset or ended, in pieces.
 */
#pragma once

#include <stdint.h>

struct pcpu;
struct vm;

/*
 * Carries out what was asked of a VM that runs: from now on it settles, or a piece more of what it
 * does has been told (VM_TELL). For the scheduler, with
 * none of its vCPUs in use.
 */
void vm_carry_out(struct pcpu *pcpu, struct vm *vm);

/*
 * Goes on with a VM that settles, in pieces of some ten microseconds, until the TSC has reached
 * `deadline`, it no longer settles, or there is something to be done for the console or another
 * CPU. Root mode of the CPU where it has its turn.
 */
void vm_settle(struct pcpu *pcpu, struct vm *vm, uint64_t deadline);
