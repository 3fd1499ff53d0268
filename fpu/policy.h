/*
 * The policies: each is one small decision of the ownership core, at a VM entry whose state is not
 * in the registers, and at a deschedule. No hardware, no state but the context's struct fpu_use.
 */
#pragma once

#include "fpu/context.h"

/* `fpu=` on the command line, policy= in @ records. */
const char *fpu_policy_name(enum fpu_policy policy);

enum fpu_choice {
	FPU_CHOOSE_ARM,	  /* leave the registers as they are */
	FPU_CHOOSE_SCRUB, /* make them initial, and arm */
	FPU_CHOOSE_LOAD,  /* load the context's state */
};

/* For a context that is not resident and about to be entered; counts the samples of `auto`. */
enum fpu_choice fpu_policy_choose(struct fpu_cpu *cpu, struct fpu_context *context);

/* A deschedule saves and leaves no owner. */
bool fpu_policy_unloads(enum fpu_policy policy);

/* For `auto`: an armed context used the FPU; a context leaves the CPU. */
void fpu_policy_saw_use(struct fpu_context *context);
void fpu_policy_saw_leave(struct fpu_context *context);
