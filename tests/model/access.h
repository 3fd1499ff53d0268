/*
 * Where an operation can be stopped, and what it may touch.
 *
 * fpu/owner.c, fpu/policy.c, vmm/mail.c, vmm/loaded.c and what the model has of the hypervisor
 * around them (hypervisor.c, run_loop.c) are compiled with -fsanitize=thread, which puts a call
 * before every access to memory. The functions that it calls are ours (access.c): they see each
 * access of the unchanged file before it happens, judge whether this CPU may make it, and stop
 * there where the other CPU could observe the difference.
 */
#pragma once

#include <stdbool.h>

#include "tests/model/world.h"

/* Something that is no access (hardware.c, vmx.c): stops before it in worlds of this grain on. */
void access_hook(const char *what, enum grain from);

/* The same, before an access to what has this name. */
void access_split(enum grain from, bool write, const char *name);

/* Before any access by the CPU whose fiber runs. */
void access_touch(const volatile void *address, bool write);

/* Whether something at this offset is, or is in, a member. */
#define ACCESS_AT(type, member, offset)                                                            \
	((offset)-offsetof(struct type, member) < sizeof(((struct type *)0)->member))

/* A question with several answers, all of which are explored. */
unsigned int access_choose(const char *what, unsigned int answers);

/* For traces: where this CPU stands. Kept up to date while `access_tracing`. */
const char *access_label(unsigned int cpu);
extern bool access_tracing;
