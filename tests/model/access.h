/*
 * Where an operation can be stopped, and what it may touch.
 *
 * fpu/owner.c, fpu/policy.c and what the hypervisor around them reads (operations.c) are compiled
 * with -fsanitize=thread, which puts a call before every access to memory. The functions that it
 * calls are ours (access.c): they see each access of the unchanged file before it happens, judge
 * whether this CPU may make it, and stop there where the other CPU could observe the difference.
 */
#pragma once

#include <stdbool.h>

/* A hook of the core (hardware.c): stops here under GRAIN_EVERY only, or always if `shared`. */
void access_hook(const char *what, bool shared);

/* A question with several answers, all of which are explored. */
unsigned int access_choose(const char *what, unsigned int answers);

/* For traces: where this CPU stands. Kept up to date while `access_tracing`. */
const char *access_label(unsigned int cpu);
extern bool access_tracing;
