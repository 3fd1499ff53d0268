/* What the core promises: invariants 1-3, 5 and 6, and the residue of 4. */
#pragma once

#include "tests/model/proof/step_contracts.h"

/*@ requires cpu == here && world && given(context);
    requires !cpu->in_host_section && !must_flush(cpu, context) && no_work;
    assigns cpu->owner, cpu->dirty, cpu->residue, cpu->xcr0, cpu->counters, context->home,
	    context->use, context->state, context->counters, cpu->owner->counters,
	    hardware_xcr0, xcr0_writes, registers, registers_of, image, saves, loads, scrubs,
	    seen_vmcs, state_writes, ts_reads;
    WORLD_HOLDS
    ensures given: given(context);
    ensures table_open: context->state == FPU_OPEN <==> resident(cpu, context);
    ensures table_closed: context == seen && !resident(cpu, seen) ==>
	    seen_vmcs == (seen_ts ? FPU_GUARDED : FPU_ARMED);
    ensures open_is_dirty: context->state == FPU_OPEN ==> cpu->dirty;
    ensures newest: context == seen && seen_vmcs == FPU_OPEN ==> registers == newest;
    ensures xcr0: hardware_xcr0 == context->xcr0;
    ensures root: !hardware_open;
    ensures no_nm: cpu->policy == FPU_EAGER || cpu->policy == FPU_SWAP ==>
	    context->state == FPU_OPEN;
    ensures nothing: \old(resident(cpu, context) && context->state == FPU_OPEN &&
			  cpu->xcr0 == context->xcr0) ==> no_work;
    ensures resident: \old(resident(cpu, context)) ==>
	    saves == 0 && loads == 0 && scrubs == 0 && ts_reads == 0 &&
	    state_writes == (\old(context->state) == FPU_OPEN ? 0 : 1) &&
	    xcr0_writes == (\old(cpu->xcr0) == context->xcr0 ? 0 : 1);
    ensures lazy: cpu->policy == FPU_LAZY || cpu->policy == FPU_UNLOAD ==>
	    saves == 0 && loads == 0 && scrubs == 0;
    ensures residue: context == seen &&
		     (cpu->policy == FPU_SCRUB || cpu->policy == FPU_EAGER ||
		      cpu->policy == FPU_SWAP || (cpu->policy == FPU_AUTO && cpu->leaks)) ==>
	    registers_of == FPU_RESIDUE_INITIAL || registers_of == context->domain;
*/
void fpu_enter(struct fpu_cpu *cpu, struct fpu_context *context);

/*@ requires cpu == here && world && given(context);
    requires context->state != FPU_OPEN && !resident(cpu, context);
    requires !cpu->in_host_section && !must_flush(cpu, context) && no_work;
    assigns cpu->owner, cpu->dirty, cpu->residue, cpu->xcr0, cpu->counters, context->home,
	    context->use, context->counters, cpu->owner->counters,
	    hardware_xcr0, xcr0_writes, registers, registers_of, image, saves, loads;
    WORLD_HOLDS
    ensures given: given(context);
    ensures loaded: resident(cpu, context);
    ensures newest: context == seen ==> registers == newest;
    ensures once: loads == 1 && saves <= 1 && xcr0_writes <= 1; */
void fpu_trap(struct fpu_cpu *cpu, struct fpu_context *context);
