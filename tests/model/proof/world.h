/*
 * What is true of the ghosts and of the core's flags between two operations.
 */
#pragma once

#include "tests/model/proof/theorems.h"

/*@
// a vCPU's context, and not a CPU's own
predicate of_guest(struct fpu_context *context) =
	\valid(context) && \separated(context, here) && \separated(context, there);

// two contexts are one or do not overlap
predicate apart(struct fpu_context *a, struct fpu_context *b) =
	a == \null || b == \null || a == b || \separated(a, b);

predicate cpu_sound(struct fpu_cpu *cpu) =
	0 <= cpu->policy < FPU_POLICIES && has(cpu->superset) &&
	(cpu->owner == \null || cpu->owner == &cpu->host || of_guest(cpu->owner)) &&
	(cpu->dirty ==> of_guest(cpu->owner) && cpu->owner->home == cpu) &&
	(cpu->ready == \null || of_guest(cpu->ready)) &&
	(cpu->in_host_section ==> cpu->owner == &cpu->host);

// the core's idea of the hardware is right
predicate hardware_known =
	here->xcr0 == hardware_xcr0 && here->in_host_section == hardware_open &&
	here->residue == registers_of && there->xcr0 == there_xcr0 &&
	there->in_host_section == there_open && there->residue == there_of;

predicate seen_placed =
	of_guest(seen) && apart(seen, here->owner) && apart(seen, there->owner) &&
	(seen->home == \null || seen->home == here || seen->home == there);

predicate seen_known = seen->state == seen_vmcs;

// invariants 1 and 5: what a guest would find if it were entered OPEN
predicate found =
	(resident(here, seen) ==> registers == newest && registers_of == seen->domain) &&
	(resident(there, seen) ==> there_registers == newest && there_of == seen->domain);

// invariant 3: the newest value is somewhere
predicate somewhere =
	image == newest || (holds(here, seen) && registers == newest) ||
	(holds(there, seen) && there_registers == newest);

// what fpu_enter() leaves behind; of a context that is not OPEN, but for the guest's own TS
predicate set_up(struct fpu_cpu *cpu, struct fpu_context *context) =
	(context->state == FPU_OPEN <==> resident(cpu, context)) &&
	(context->state == FPU_OPEN ==> cpu->dirty) &&
	cpu->xcr0 == context->xcr0 && !cpu->in_host_section && !must_flush(cpu, context) &&
	(cpu->policy == FPU_EAGER || cpu->policy == FPU_SWAP ==> context->state == FPU_OPEN) &&
	(cpu->policy == FPU_SCRUB || (cpu->policy == FPU_AUTO && cpu->leaks) ==>
		cpu->residue == FPU_RESIDUE_INITIAL || cpu->residue == context->domain);

predicate as_its_ts_asks =
	seen->state == FPU_OPEN || seen->state == (seen_ts ? FPU_GUARDED : FPU_ARMED);

// invariant 7: who is ready may be entered as it is
predicate kept =
	(here->ready == seen ==> set_up(here, seen) && as_its_ts_asks) &&
	(there->ready == seen ==> set_up(there, seen) && as_its_ts_asks);

// nobody else may enter the context before that CPU has left it
predicate left_there(struct fpu_context *context) = there->ready != context;

predicate two_cpus =
	\valid(here) && \valid(there) && \separated(here, there) &&
	\separated(here->owner, there) && \separated(there->owner, here) &&
	apart(here->owner, there->owner);

predicate machine = two_cpus && cpu_sound(here) && cpu_sound(there) && hardware_known;

predicate world = machine && seen_placed && seen_known && found && somewhere && kept &&
	theorem_owner;

// a context that the caller passes: any, whose home may be a third CPU
predicate placed(struct fpu_context *context) =
	of_guest(context) && apart(context, seen) && apart(context, here->owner) &&
	apart(context, there->owner);

predicate given(struct fpu_context *context) =
	placed(context) &&
	(context->home == \null || context->home == here || context->home == there ||
	 (\valid(context->home) && \separated(context->home, here) &&
	  \separated(context->home, there) && \separated(context->home, context) &&
	  \separated(context->home, seen) &&
	  (here->owner == \null || \separated(context->home, here->owner))));

predicate no_work =
	saves == 0 && loads == 0 && scrubs == 0 && xcr0_writes == 0 && state_writes == 0 &&
	ts_reads == 0 && sections == 0;
*/

/* `world` after an operation, a goal for each part. */
#define WORLD_HOLDS                                                                                \
	ensures machine : two_cpus;                                                                \
	ensures here : cpu_sound(here);                                                            \
	ensures there : cpu_sound(there);                                                          \
	ensures hardware : hardware_known;                                                         \
	ensures placed : seen_placed;                                                              \
	ensures vmcs : seen_known;                                                                 \
	ensures found : found;                                                                     \
	ensures somewhere : somewhere;                                                             \
	ensures kept : kept;

/* Nobody gets ready, and whoever is not any more has been told of. */
#define DROPS_ARE_TOLD                                                                             \
	ensures told : \old(here->ready) != seen || here->ready == seen || told;                   \
	ensures stays_told : !\old(told) || told;                                                  \
	ensures none_else : here->ready == \null || here->ready == \old(here->ready);
