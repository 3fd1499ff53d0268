/*
 * A VM whose vCPUs have all halted for good.
 */
#pragma once

#include <stdbool.h>

struct vm;

/*
 * Beside a vCPU that has just halted with nothing of its own to wake it, or that does not run and
 * has looked at what others had sent it: whether none of the others can wake any either, and the VM
 * is not about to begin anew or to end. Under the VM's lock.
 */
bool vm_sleeps_for_ever(const struct vm *vm);

/* Ends a VM that halted with nothing to wake it. One that never printed gets a hint. */
void vm_halted(struct vm *vm);
