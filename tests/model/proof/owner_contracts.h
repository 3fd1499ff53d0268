/*
 * What the core promises, by the names that docs/proof.md explains. `requires` beyond `cpu == here
 * && world` is what fpu/owner.h asks of a caller; no_work counts the hooks from here on.
 */
#pragma once

#include "tests/model/proof/step_contracts.h"

/*@ requires cpu == here && world && given(context);
    requires !cpu->in_host_section && !must_flush(cpu, context) && no_work;
    requires left_there(context);
    assigns cpu->owner, cpu->dirty, cpu->ready, cpu->residue, cpu->xcr0, cpu->counters,
	    context->home, context->use, context->state, context->counters, cpu->owner->counters,
	    hardware_xcr0, xcr0_writes, registers, registers_of, held, image, saves, loads, scrubs,
	    seen_vmcs, state_writes, ts_reads;
    WORLD_HOLDS
    THEOREMS
    ensures ready: cpu->ready == context;
    ensures table_open: context->state == FPU_OPEN <==> resident(cpu, context);
    ensures table_closed: context == seen && !resident(cpu, seen) ==>
	    seen_vmcs == (seen_ts ? FPU_GUARDED : FPU_ARMED);
    ensures open_is_dirty: context->state == FPU_OPEN ==> cpu->dirty;
    ensures theorem_owner: context->state == FPU_OPEN ==> (held <==> context == seen);
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
    assigns cpu->counters.entries, cpu->counters.armed, context->counters.entries,
	    context->counters.armed;
    WORLD_HOLDS
    THEOREMS */
void fpu_entered(struct fpu_cpu *cpu, struct fpu_context *context, uint64_t entries);

/*@ requires cpu == here && world && given(context);
    requires context->state != FPU_OPEN && !resident(cpu, context);
    requires !cpu->in_host_section && !must_flush(cpu, context) && no_work;
    requires left_there(context);
    assigns cpu->owner, cpu->dirty, cpu->ready, cpu->residue, cpu->xcr0, cpu->counters,
	    context->home, context->use, context->counters, cpu->owner->counters, told,
	    hardware_xcr0, xcr0_writes, registers, registers_of, held, image, saves, loads;
    WORLD_HOLDS
    THEOREMS
    DROPS_ARE_TOLD
    ensures loaded: resident(cpu, context);
    ensures theorem_owner: held <==> context == seen;
    ensures newest: context == seen ==> registers == newest;
    ensures once: loads == 1 && saves <= 1 && xcr0_writes <= 1; */
void fpu_trap(struct fpu_cpu *cpu, struct fpu_context *context);

// the guest's TS is another one, and nothing else
/*@ requires cpu == here && machine && seen_placed && seen_known && found && somewhere &&
	    theorem_owner;
    requires given(context) && left_there(context);
    requires cpu->ready == seen ==> set_up(here, seen) && (context != seen ==> as_its_ts_asks);
    requires there->ready == seen ==> set_up(there, seen) && as_its_ts_asks;
    requires no_work && (context == seen ==> ts == seen_ts);
    assigns cpu->ready, context->state, cpu->counters.ts_writes, context->counters.ts_writes,
	    seen_vmcs, state_writes;
    WORLD_HOLDS
    THEOREMS
    ensures ready: cpu->ready == \old(cpu->ready);
    ensures open: \old(context->state) == FPU_OPEN ==> no_work;
    ensures table_closed: context == seen && \old(context->state) != FPU_OPEN ==>
	    seen_vmcs == (seen_ts ? FPU_GUARDED : FPU_ARMED); */
void fpu_guest_ts_changed(struct fpu_cpu *cpu, struct fpu_context *context, bool ts);

/*@ requires cpu == here && world && given(context) && left_there(context) && no_work;
    assigns context->xcr0, cpu->xcr0, cpu->counters.xcr0, hardware_xcr0, xcr0_writes;
    WORLD_HOLDS
    THEOREMS
    ensures set: context->xcr0 == value;
    ensures at_once: cpu->ready == context ==> hardware_xcr0 == value;
    ensures else_later: cpu->ready != context ==> no_work; */
void fpu_set_xcr0(struct fpu_cpu *cpu, struct fpu_context *context, uint64_t value);

/*@ requires cpu == here && world && given(context) && no_work;
    assigns cpu->owner, cpu->dirty, cpu->ready, cpu->xcr0, cpu->counters, context->use,
	    cpu->owner->counters, told, hardware_xcr0, xcr0_writes, image, saves;
    WORLD_HOLDS
    THEOREMS
    DROPS_ARE_TOLD
    ensures left: cpu->ready != context;
    ensures unloaded: cpu->policy == FPU_UNLOAD || cpu->policy == FPU_SWAP ==>
	    !resident(cpu, context);
    ensures stays: cpu->policy != FPU_UNLOAD && cpu->policy != FPU_SWAP ==>
	    no_work && cpu->owner == \old(cpu->owner) && cpu->dirty == \old(cpu->dirty);
    ensures once: saves <= 1 && xcr0_writes <= 1; */
void fpu_leave(struct fpu_cpu *cpu, struct fpu_context *context);

/*@ requires cpu == here && world && no_work;
    assigns cpu->dirty, cpu->ready, cpu->xcr0, cpu->counters, cpu->owner->counters, told,
	    hardware_xcr0, xcr0_writes, image, saves;
    WORLD_HOLDS
    THEOREMS
    DROPS_ARE_TOLD
    ensures saved: !cpu->dirty;
    ensures flushed: \old(holds(cpu, seen)) ==> image == newest && resident(cpu, seen);
    ensures once: saves == (\old(cpu->dirty) ? 1 : 0) && xcr0_writes <= saves; */
void fpu_flush(struct fpu_cpu *cpu);

/*@ requires cpu == here && world && no_work;
    requires !cpu->in_host_section;
    assigns cpu->owner, cpu->dirty, cpu->ready, cpu->xcr0, cpu->counters,
	    cpu->owner->counters, told, hardware_xcr0, xcr0_writes, image, saves;
    WORLD_HOLDS
    THEOREMS
    DROPS_ARE_TOLD
    ensures nobodys: cpu->owner == \null && !cpu->dirty && cpu->ready == \null;
    ensures flushed: \old(holds(cpu, seen)) ==> image == newest;
    ensures once: saves == (\old(cpu->dirty) ? 1 : 0) && xcr0_writes <= saves; */
void fpu_offline(struct fpu_cpu *cpu);

/*@ requires cpu == here && world && 0 <= policy < FPU_POLICIES;
    assigns cpu->policy, cpu->ready, told;
    WORLD_HOLDS
    THEOREMS
    DROPS_ARE_TOLD
    ensures set: cpu->policy == policy; */
void fpu_set_policy(struct fpu_cpu *cpu, enum fpu_policy policy);

/*@ requires cpu == here && world && no_work;
    requires !cpu->in_host_section;
    assigns cpu->owner, cpu->host.home, cpu->dirty, cpu->ready, cpu->residue,
	    cpu->in_host_section, cpu->xcr0, cpu->counters, cpu->owner->counters, told,
	    hardware_xcr0, xcr0_writes, hardware_open, registers, registers_of, held, sections,
	    image, saves;
    WORLD_HOLDS
    THEOREMS
    DROPS_ARE_TOLD
    ensures open: hardware_open && cpu->in_host_section && has(hardware_xcr0);
    ensures nobodys: !resident(cpu, seen) && registers_of == FPU_DOMAIN_HOST;
    ensures once: saves <= 1 && xcr0_writes <= 1; */
void fpu_host_begin(struct fpu_cpu *cpu);

/*@ requires cpu == here && world;
    requires cpu->in_host_section;
    assigns cpu->in_host_section, hardware_open, registers, registers_of, held, sections;
    WORLD_HOLDS
    THEOREMS
    ensures closed: !hardware_open && !cpu->in_host_section;
    ensures nobodys: !resident(cpu, seen); */
void fpu_host_end(struct fpu_cpu *cpu);

/*@ requires cpu == here && world && given(context) && no_work;
    requires !must_flush(cpu, context);
    assigns cpu->dirty, cpu->ready, cpu->xcr0, cpu->counters, cpu->owner->counters, told,
	    hardware_xcr0, xcr0_writes, image, saves;
    WORLD_HOLDS
    THEOREMS
    DROPS_ARE_TOLD
    ensures newest: context == seen ==> image == newest;
    ensures nothing: !\old(holds(cpu, context)) ==> no_work;
    ensures clean: !must_flush(cpu, context) && !holds(cpu, context);
    ensures once: saves <= 1 && xcr0_writes <= 1; */
void fpu_read(struct fpu_cpu *cpu, struct fpu_context *context);

/*@ requires cpu == here && world && given(context) && no_work;
    requires !must_flush(cpu, context);
    requires left_there(context);
    assigns cpu->owner, cpu->dirty, cpu->ready, cpu->xcr0, cpu->counters,
	    cpu->owner->counters, context->home, told, hardware_xcr0, xcr0_writes, image, saves;
    WORLD_HOLDS
    THEOREMS
    DROPS_ARE_TOLD
    ensures newest: context == seen ==> image == newest;
    ensures nowhere: context->home == \null && !resident(here, context) &&
	    !resident(there, context);
    ensures once: saves <= 1 && xcr0_writes <= 1; */
void fpu_write(struct fpu_cpu *cpu, struct fpu_context *context);

// its VMCS is set for OPEN already
/*@ requires cpu == here && machine && seen_placed && found && somewhere && kept &&
	    theorem_owner && no_work;
    requires context == seen ? seen_vmcs == FPU_OPEN : seen_known;
    requires given(context) && !must_flush(cpu, context) && left_there(context);
    assigns cpu->owner, cpu->dirty, cpu->ready, cpu->xcr0, cpu->counters,
	    cpu->owner->counters, context->home, context->state, context->xcr0, told,
	    hardware_xcr0, xcr0_writes, image, saves;
    WORLD_HOLDS
    THEOREMS
    DROPS_ARE_TOLD
    ensures open: context->state == FPU_OPEN && context->xcr0 == xcr0;
    ensures dropped: cpu->ready == \null;
    ensures nowhere: context->home == \null && !resident(here, context) &&
	    !resident(there, context);
    ensures once: saves <= 1 && xcr0_writes <= 1; */
void fpu_reset(struct fpu_cpu *cpu, struct fpu_context *context, uint64_t xcr0);

/*@ requires cpu == here && world && given(context) && no_work;
    assigns cpu->owner, cpu->dirty, cpu->ready, context->home, told;
    DROPS_ARE_TOLD
    ensures theorem_owner: context != seen ==> theorem_owner;
    ensures theorem_isolation: theorem_isolation;
    ensures theorem_frame: context != seen ==> theorem_frame{Old, Post};
    ensures forgotten: cpu->owner != context && context->home != cpu && cpu->ready != context;
    ensures kept: context != seen ==> kept;
    ensures machine: two_cpus;
    ensures here: cpu_sound(here);
    ensures there: cpu_sound(there);
    ensures hardware: hardware_known;
    ensures vmcs: seen_known;
    ensures placed: seen_placed;
    ensures found: found;
    ensures somewhere: context != seen ==> somewhere;
    ensures elsewhere: \old(must_flush(cpu, context)) ==> must_flush(cpu, context);
    ensures work: no_work; */
void fpu_release(struct fpu_cpu *cpu, struct fpu_context *context);

/*@ predicate fresh(struct fpu_context context, integer id, integer domain, integer xcr0) =
	context.home == \null && context.id == id && context.domain == domain && context.state ==
   FPU_OPEN && context.xcr0 == xcr0 && !context.use.watched && context.use.score == 0 &&
	context.use.interval == 0 && context.use.left == 0; */

/*@ predicate nobodys(struct fpu_cpu *cpu) =
	cpu->owner == \null && !cpu->dirty && cpu->ready == \null && !cpu->in_host_section &&
	cpu->residue == FPU_RESIDUE_INITIAL && cpu->xcr0 == cpu->superset; */

/*@ requires \valid(context);
    requires compound: context == &here->host ==> nobodys(here);
    requires apart: context == &here->host || \separated(context, here);
    assigns *context;
    ensures others: context == &here->host ==> nobodys(here);
    ensures fresh: fresh(*context, id, domain, xcr0); */
void fpu_context_init(struct fpu_context *context, uint32_t id, uint32_t domain, uint64_t xcr0);

/*@ requires \valid(cpu) && cpu == here;
    assigns *cpu;
    ensures nobodys: nobodys(cpu);
    ensures host: fresh(cpu->host, id, FPU_DOMAIN_HOST, superset); */
void fpu_cpu_init(struct fpu_cpu *cpu, uint32_t id, enum fpu_policy policy, bool leaks,
		  uint64_t superset);
