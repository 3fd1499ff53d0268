#include "fpu/policy.h"

/*
 * `auto` arms a context to see whether it uses the FPU, and keeps a score of what it saw. A trap
 * that a load would have avoided costs at least as much as USE_WEIGHT loads and saves that were for
 * nothing (docs/fpu.md has the figures). So a use adds USE_WEIGHT and a turn without one takes 1:
 * the score rises if more than one turn in six uses the FPU. One use alone is not enough to load.
 *
 * A context that is loaded cannot be seen. It is armed again after INTERVAL_MIN loads, then after
 * four times as many, up to INTERVAL_MAX, while it is seen to use the FPU; half as many each time
 * it is not. One trap in 257 loads is a few per cent of what the loads themselves cost, and a
 * context that has stopped is loaded at most 256 + 128 + 64 + 32 + 16 times more. Powers of two of
 * loads between two looks, so that a guest that uses the FPU in every second turn is not always
 * looked at in the same one.
 */
#define USE_WEIGHT   5
#define SCORE_MAX    (2 * USE_WEIGHT)
#define INTERVAL_MIN 2
#define INTERVAL_MAX 256

const char *fpu_policy_name(enum fpu_policy policy)
{
	static const char *const name[] = {
		[FPU_LAZY] = "lazy",	 [FPU_SCRUB] = "scrub", [FPU_EAGER] = "eager",
		[FPU_UNLOAD] = "unload", [FPU_SWAP] = "swap",	[FPU_AUTO] = "auto",
	};

	return name[policy];
}

/* Whether a context is worth loading; else it is armed, and watched until it leaves the CPU. */
static bool expects_use(struct fpu_cpu *cpu, struct fpu_context *context)
{
	struct fpu_use *use = &context->use;

	if (use->watched)
		return false;
	if (use->left) {
		use->left--;
		return true;
	}
	use->watched = true;
	if (use->interval) {
		cpu->counters.samples++;
		context->counters.samples++;
	}
	return false;
}

void fpu_policy_saw_use(struct fpu_context *context)
{
	struct fpu_use *use = &context->use;

	if (!use->watched)
		return;
	use->watched = false;
	use->score = use->score < SCORE_MAX - USE_WEIGHT ? use->score + USE_WEIGHT : SCORE_MAX;
	if (use->score <= USE_WEIGHT)
		return;
	use->interval = use->interval ? 4 * use->interval : INTERVAL_MIN;
	if (use->interval > INTERVAL_MAX)
		use->interval = INTERVAL_MAX;
	use->left = use->interval;
}

void fpu_policy_saw_leave(struct fpu_context *context)
{
	struct fpu_use *use = &context->use;

	if (!use->watched)
		return;
	use->watched = false;
	if (use->score)
		use->score--;
	if (use->score <= USE_WEIGHT)
		use->interval = 0;
	else if (use->interval > INTERVAL_MIN)
		use->interval /= 2;
	use->left = use->interval;
}

/* Arming would let a CPU that speculates past #NM show the guest another domain's data. */
static bool must_scrub(const struct fpu_cpu *cpu, const struct fpu_context *context)
{
	return cpu->leaks && cpu->residue != FPU_RESIDUE_INITIAL && cpu->residue != context->domain;
}

enum fpu_choice fpu_policy_choose(struct fpu_cpu *cpu, struct fpu_context *context)
{
	switch (cpu->policy) {
	case FPU_SCRUB:
		return cpu->residue == FPU_RESIDUE_INITIAL ? FPU_CHOOSE_ARM : FPU_CHOOSE_SCRUB;
	case FPU_EAGER:
	case FPU_SWAP:
		return FPU_CHOOSE_LOAD;
	case FPU_AUTO:
		if (expects_use(cpu, context))
			return FPU_CHOOSE_LOAD;
		return must_scrub(cpu, context) ? FPU_CHOOSE_SCRUB : FPU_CHOOSE_ARM;
	default:
		return FPU_CHOOSE_ARM;
	}
}

bool fpu_policy_unloads(enum fpu_policy policy)
{
	return policy == FPU_UNLOAD || policy == FPU_SWAP;
}
