/*
 * A VM whose last vCPU has halted for good.
 */
#pragma once

struct vm;

/* Ends a VM that halted with nothing to wake it. One that never printed gets a hint. */
void vm_halted(struct vm *vm);
