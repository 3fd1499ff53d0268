/* The core's own steps, between two of which its world is whole. */
#pragma once

#include "tests/model/proof/hardware.h"
#include "tests/model/proof/policy_contracts.h"

/*@ requires \valid_read(cpu) && \valid_read(context);
    assigns \nothing;
    ensures both_halves: \result <==> cpu->owner == context && context->home == cpu; */
static inline bool fpu_resident(const struct fpu_cpu *cpu, const struct fpu_context *context);

/*@ requires \valid_read(cpu) && \valid_read(context);
    requires context->home != \null ==> \valid_read(context->home);
    assigns \nothing;
    ensures elsewhere: \result <==>
	    context->home != \null && context->home != cpu && context->home->owner == context &&
	    context->home->dirty; */
static inline bool fpu_must_flush(const struct fpu_cpu *cpu, const struct fpu_context *context);

/*@ requires \valid_read(cpu) && \valid_read(context);
    assigns \nothing;
    ensures exactly: \result <==> cpu->ready == context; */
static inline bool fpu_ready(const struct fpu_cpu *cpu, const struct fpu_context *context);

/*@ requires \valid_read(counters);
    assigns \nothing; */
static inline uint64_t fpu_resident_entries(const struct fpu_counters *counters);

/*@ requires \valid(cpu) && cpu == here;
    requires cpu->ready == \null || of_guest(cpu->ready);
    assigns cpu->ready, told;
    ensures dropped: cpu->ready == \null;
    DROPS_ARE_TOLD */
static void drop_decision(struct fpu_cpu *cpu);

/*@ requires \valid(cpu) && cpu == here && cpu->xcr0 == hardware_xcr0;
    requires cpu->xcr0 != value ==> xcr0_writes < 2;
    assigns cpu->xcr0, cpu->counters.xcr0, hardware_xcr0, xcr0_writes;
    ensures xcr0: cpu->xcr0 == value && hardware_xcr0 == value;
    ensures writes: xcr0_writes == \old(xcr0_writes) + (\old(cpu->xcr0) == value ? 0 : 1); */
static void set_xcr0(struct fpu_cpu *cpu, uint64_t value);

/*@ requires cpu == here && world && placed(context) && 0 <= state <= FPU_GUARDED;
    requires state_writes == 0;
    requires undecided: cpu->ready == \null && left_there(context);
    assigns context->state, cpu->counters.ts_writes, context->counters.ts_writes, seen_vmcs,
	    state_writes;
    WORLD_HOLDS
    THEOREMS
    ensures set: context->state == state;
    ensures writes: state_writes == (\old(context->state) == state ? 0 : 1); */
static void set_state(struct fpu_cpu *cpu, struct fpu_context *context, enum fpu_state state);

/*@ requires cpu == here && world;
    requires cpu->dirty ==> saves == 0 && xcr0_writes < 2;
    requires undecided: cpu->ready == \null;
    assigns cpu->dirty, cpu->xcr0, cpu->counters.xcr0, cpu->counters.saves, cpu->counters.bytes,
	    cpu->owner->counters.saves, cpu->owner->counters.bytes, hardware_xcr0, xcr0_writes,
	    image, saves;
    WORLD_HOLDS
    THEOREMS
    ensures clean: !cpu->dirty;
    ensures nothing: !\old(cpu->dirty) ==> image == \old(image);
    ensures written: resident(cpu, seen) ==> image == newest;
    ensures xcr0: cpu->xcr0 == (\old(cpu->dirty) ? cpu->superset : \old(cpu->xcr0));
    ensures writes: xcr0_writes == \old(xcr0_writes) +
	    (\old(cpu->dirty) && \old(cpu->xcr0) != cpu->superset ? 1 : 0);
    ensures once: saves == \old(saves) + (\old(cpu->dirty) ? 1 : 0); */
static void save(struct fpu_cpu *cpu);

/*@ requires \valid(cpu) && \valid_read(context) && cpu == here;
    assigns cpu->owner;
    ensures forgotten: \old(cpu->owner) == context ==> cpu->owner == \null;
    ensures kept: \old(cpu->owner) != context ==> cpu->owner == \old(cpu->owner); */
static void disown(struct fpu_cpu *cpu, struct fpu_context *context);

/*@ requires cpu == here && world && given(context);
    requires !resident(cpu, context) && !cpu->in_host_section && !must_flush(cpu, context);
    requires saves == 0 && loads == 0 && xcr0_writes == 0;
    requires undecided: cpu->ready == \null && left_there(context);
    assigns cpu->owner, cpu->dirty, cpu->residue, cpu->xcr0, cpu->counters,
	    cpu->owner->counters, context->home, context->counters, hardware_xcr0, xcr0_writes,
	    registers, registers_of, held, image, saves, loads;
    WORLD_HOLDS
    THEOREMS
    ensures loaded: resident(cpu, context) && !cpu->dirty && cpu->residue == context->domain;
    ensures xcr0: cpu->xcr0 == cpu->superset;
    ensures writes: xcr0_writes == (\old(cpu->xcr0) == cpu->superset ? 0 : 1);
    ensures once: saves == (\old(cpu->dirty) ? 1 : 0) && loads == 1; */
static void load(struct fpu_cpu *cpu, struct fpu_context *context);

/*@ requires cpu == here && world && given(context) && !cpu->in_host_section;
    requires saves == 0 && scrubs == 0 && xcr0_writes == 0;
    requires undecided: cpu->ready == \null && left_there(context);
    assigns cpu->owner, cpu->dirty, cpu->residue, cpu->xcr0, cpu->counters,
	    cpu->owner->counters, context->counters, hardware_xcr0, xcr0_writes, registers,
	    registers_of, held, image, saves, scrubs;
    WORLD_HOLDS
    THEOREMS
    ensures empty: cpu->owner == \null && !cpu->dirty && cpu->residue == FPU_RESIDUE_INITIAL;
    ensures initial: registers == INITIAL;
    ensures xcr0: cpu->xcr0 == cpu->superset;
    ensures writes: xcr0_writes == (\old(cpu->xcr0) == cpu->superset ? 0 : 1);
    ensures once: saves == (\old(cpu->dirty) ? 1 : 0) && scrubs == 1; */
static void scrub(struct fpu_cpu *cpu, struct fpu_context *context);

/*@ requires cpu == here && world && given(context);
    requires !resident(cpu, context) && !cpu->in_host_section && !must_flush(cpu, context);
    requires no_work;
    requires undecided: cpu->ready == \null && left_there(context);
    assigns cpu->owner, cpu->dirty, cpu->residue, cpu->xcr0, cpu->counters,
	    cpu->owner->counters, context->home, context->use, context->counters,
	    hardware_xcr0, xcr0_writes, registers, registers_of, held, image, saves, loads, scrubs;
    WORLD_HOLDS
    THEOREMS
    ensures context: placed(context);
    ensures once: loads + scrubs <= 1 && (loads == 1 <==> resident(cpu, context));
    ensures once: saves <= loads + scrubs && xcr0_writes <= loads + scrubs;
    ensures lazy: cpu->policy == FPU_LAZY || cpu->policy == FPU_UNLOAD ==>
	    loads == 0 && scrubs == 0;
    ensures eager: cpu->policy == FPU_EAGER || cpu->policy == FPU_SWAP ==>
	    resident(cpu, context);
    ensures scrub: cpu->policy == FPU_SCRUB ==>
	    loads == 0 && cpu->residue == FPU_RESIDUE_INITIAL;
    ensures auto: cpu->policy == FPU_AUTO && cpu->leaks ==> !foreign(cpu, context); */
static void prepare(struct fpu_cpu *cpu, struct fpu_context *context);
