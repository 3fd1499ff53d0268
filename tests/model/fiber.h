/*
 * Each CPU runs its operation on a stack of its own, at a fixed address, and can be stopped in the
 * middle: what it would go on with is then plain bytes, from the stack pointer to the top.
 */
#pragma once

#include <stdint.h>

#define FIBER_STACK 8192

/* Runs body() on this CPU's stack until it stops or ends. */
void fiber_start(unsigned int cpu, void (*body)(void));

/* Goes on from where it stopped, with the answer to what it asked. */
void fiber_resume(unsigned int cpu, unsigned int answer);

/* The CPU whose fiber runs, or -1. */
int fiber_current(void);

/*
 * From a fiber: stops here, and whoever explores decides who goes on. Returns the answer, 0 to
 * answers - 1. `label` is a constant, or what access.c says of an access: for traces.
 */
unsigned int fiber_stop(unsigned int answers);

/* Ends the fiber that runs, for good. */
_Noreturn void fiber_abort(void);

/* The bytes of a fiber that has stopped: none if it has ended. */
unsigned int fiber_bytes(unsigned int cpu, const uint8_t **bytes);

/* As it was when these were its bytes. */
void fiber_restore(unsigned int cpu, const uint8_t *bytes, unsigned int size);
