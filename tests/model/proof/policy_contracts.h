/* What fpu/policy.c promises to the core. */
#pragma once

#include "tests/model/proof/world.h"

/*@ requires 0 <= policy < FPU_POLICIES;
    assigns \nothing;
    ensures text: \valid_read(\result); */
const char *fpu_policy_name(enum fpu_policy policy);

/*@ assigns \nothing;
    ensures exactly: \result <==> policy == FPU_UNLOAD || policy == FPU_SWAP; */
bool fpu_policy_unloads(enum fpu_policy policy);

/*@ predicate foreign(struct fpu_cpu *cpu, struct fpu_context *context) =
	cpu->residue != FPU_RESIDUE_INITIAL && cpu->residue != context->domain; */

/*@ requires \valid(context);
    assigns context->use;
    ensures looked: !context->use.watched; */
void fpu_policy_saw_use(struct fpu_context *context);

/*@ requires \valid(context);
    assigns context->use;
    ensures looked: !context->use.watched; */
void fpu_policy_saw_leave(struct fpu_context *context);

/*@ requires \valid(cpu) && \valid(context) && \separated(cpu, context);
    assigns context->use, cpu->counters.samples, context->counters.samples; */
static bool expects_use(struct fpu_cpu *cpu, struct fpu_context *context);

/*@ requires \valid_read(cpu) && \valid_read(context);
    assigns \nothing;
    ensures exactly: \result <==> cpu->leaks && cpu->residue != FPU_RESIDUE_INITIAL &&
	    cpu->residue != context->domain; */
static bool must_scrub(const struct fpu_cpu *cpu, const struct fpu_context *context);

/*@ requires \valid(cpu) && \valid(context) && \separated(cpu, context);
    assigns context->use, cpu->counters.samples, context->counters.samples;
    ensures one_of_three:
	    \result == FPU_CHOOSE_ARM || \result == FPU_CHOOSE_SCRUB || \result == FPU_CHOOSE_LOAD;
    ensures lazy: cpu->policy == FPU_LAZY || cpu->policy == FPU_UNLOAD ==>
	    \result == FPU_CHOOSE_ARM;
    ensures eager: cpu->policy == FPU_EAGER || cpu->policy == FPU_SWAP ==>
	    \result == FPU_CHOOSE_LOAD;
    ensures scrub: cpu->policy == FPU_SCRUB ==> \result ==
	    (cpu->residue == FPU_RESIDUE_INITIAL ? FPU_CHOOSE_ARM : FPU_CHOOSE_SCRUB);
    ensures auto_safe: cpu->policy == FPU_AUTO && cpu->leaks && \result == FPU_CHOOSE_ARM ==>
	    !foreign(cpu, context);
    ensures auto_minimal: cpu->policy == FPU_AUTO && \result == FPU_CHOOSE_SCRUB ==>
	    cpu->leaks && foreign(cpu, context); */
enum fpu_choice fpu_policy_choose(struct fpu_cpu *cpu, struct fpu_context *context);
