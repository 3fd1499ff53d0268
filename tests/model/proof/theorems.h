/*
 * The three theorems of the proof. Every operation of fpu/owner.h, every step inside one that
 * leaves the world whole, and all that happens between two of them keeps each: THEOREMS in its
 * contract. docs/proof.md says why they are put like this.
 */
#pragma once

#include "tests/model/proof/ghosts.h"

/*@
// the owner that is recorded counts: the other half of the record names this CPU
predicate recorded(struct fpu_cpu *cpu) = cpu->owner != \null && cpu->owner->home == cpu;

// 1: the recorded owner is exactly the context whose newest value the registers hold. Where none
// is recorded they may still hold one's, but then a copy, and no other context is named
predicate exact_owner(struct fpu_cpu *cpu, integer holding, integer value) =
	(recorded(cpu) ==> (holding != 0 <==> cpu->owner == seen)) &&
	(holding != 0 ==> value == newest) &&
	(cpu->dirty ==> recorded(cpu)) &&
	(holding != 0 && !recorded(cpu) ==>
		image == newest && (cpu->owner == seen || cpu->owner == \null));

predicate theorem_owner =
	exact_owner(here, held, registers) && exact_owner(there, there_held, there_registers);

// the policies that show a guest nobody's data but its own
predicate isolates(struct fpu_cpu *cpu) =
	cpu->policy == FPU_SCRUB || cpu->policy == FPU_EAGER || cpu->policy == FPU_SWAP ||
	(cpu->policy == FPU_AUTO && cpu->leaks);

predicate own_or_initial(integer domain) =
	domain == FPU_RESIDUE_INITIAL || domain == seen->domain;

// 2: while a guest runs the registers hold no other domain's data. Only who is ready runs
predicate theorem_isolation =
	(here->ready == seen && isolates(here) ==> own_or_initial(registers_of)) &&
	(there->ready == seen && isolates(there) ==> own_or_initial(there_of));

// what a load would bring, after the flush that it must ask for
logic integer value_of_seen =
	here->owner == seen && seen->home == here && here->dirty ? registers :
	there->owner == seen && seen->home == there && there->dirty ? there_registers : image;

// 3: the context's value is the one it was, wherever it is now; its image is the one it was, or
// was saved
predicate theorem_frame{L1, L2} =
	\at(value_of_seen, L2) == \at(value_of_seen, L1) && \at(newest, L2) == \at(newest, L1) &&
	(\at(image, L2) == \at(image, L1) || \at(image, L2) == \at(value_of_seen, L2));
*/

#define THEOREMS                                                                                   \
	ensures theorem_owner : theorem_owner;                                                     \
	ensures theorem_isolation : theorem_isolation;                                             \
	ensures theorem_frame : theorem_frame{Old, Post};

/* The same, if the guest of one context, or who replaces its image, changes its value. */
#define THEOREMS_BUT_FOR(context)                                                                  \
	ensures theorem_owner : theorem_owner;                                                     \
	ensures theorem_isolation : theorem_isolation;                                             \
	ensures theorem_frame : context == seen || theorem_frame{Old, Post};
