/*
 * Every policy that could be written, in the place of fpu/policy.c: at each entry of a context that
 * is not resident, and at each deschedule, all choices are explored.
 */
#include "fpu/policy.h"
#include "tests/model/access.h"
#include "tests/model/configurations.h"

const bool policy_is_demon = true;

enum fpu_choice fpu_policy_choose(struct fpu_cpu *cpu, struct fpu_context *context)
{
	static const enum fpu_choice choice[] = {FPU_CHOOSE_ARM, FPU_CHOOSE_SCRUB, FPU_CHOOSE_LOAD};

	(void)cpu;
	(void)context;
	return choice[access_choose("arm, scrub or load", 3)];
}

bool fpu_policy_unloads(enum fpu_policy policy)
{
	(void)policy;
	return access_choose("keep or unload", 2);
}

void fpu_policy_saw_use(struct fpu_context *context)
{
	(void)context;
}

void fpu_policy_saw_leave(struct fpu_context *context)
{
	(void)context;
}
