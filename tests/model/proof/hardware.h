/*
 * The hardware below the core, assumed: what each hook does to the ghost world. What it requires
 * is proven of the core.
 */
#pragma once

#include "tests/model/proof/world.h"

/*@ requires minimal: saves == 0;
    requires placed: \valid(context);
    assigns image, saves;
    ensures saves == 1;
    ensures context != seen ==> image == \old(image);
    ensures context == seen && has(hardware_xcr0) ==> image == registers; */
uint64_t fpu_hw_save(struct fpu_context *context);

/*@ requires minimal: loads == 0;
    requires placed: \valid(context);
    assigns registers, registers_of, held, loads;
    ensures loads == 1;
    ensures has(hardware_xcr0) ==> registers_of == context->domain;
    ensures context == seen && has(hardware_xcr0) ==> registers == image;
    ensures has(hardware_xcr0) ==> (held <==> context == seen && image == newest); */
uint64_t fpu_hw_load(struct fpu_context *context);

/*@ requires minimal: scrubs == 0;
    assigns registers, registers_of, held, scrubs;
    ensures scrubs == 1;
    ensures has(hardware_xcr0) ==>
	    registers == INITIAL && registers_of == FPU_RESIDUE_INITIAL && !held; */
uint64_t fpu_hw_scrub(void);

/*@ requires minimal: xcr0_writes < 2;
    requires new: hardware_xcr0 != value;
    assigns hardware_xcr0, xcr0_writes;
    ensures xcr0_writes == \old(xcr0_writes) + 1;
    ensures hardware_xcr0 == value; */
void fpu_hw_write_xcr0(uint64_t value);

/*@ requires minimal: begin ==> sections == 0;
    requires new: hardware_open != begin;
    requires all_components: begin ==> has(hardware_xcr0);
    assigns hardware_open, sections, registers, registers_of, held;
    ensures hardware_open == begin;
    ensures begin ==> sections == 1 && registers_of == FPU_DOMAIN_HOST && !held;
    ensures !begin ==> sections == \old(sections) && registers == \old(registers) &&
	    registers_of == \old(registers_of) && held == \old(held); */
void fpu_hw_host_section(bool begin);

/*@ requires minimal: ts_reads == 0;
    requires placed: \valid(context);
    assigns ts_reads;
    ensures ts_reads == 1;
    ensures context == seen ==> \result == seen_ts; */
bool fpu_hw_guest_ts(struct fpu_context *context);

/*@ requires minimal: state_writes == 0;
    requires placed: \valid(context);
    requires new: context->state != state;
    assigns seen_vmcs, state_writes;
    ensures state_writes == 1;
    ensures seen_vmcs == (context == seen ? state : \old(seen_vmcs)); */
unsigned int fpu_hw_set_state(struct fpu_context *context, enum fpu_state state);

/*@ requires placed: \valid(context) && context != &here->host;
    assigns told;
    ensures told == (context == seen ? 1 : \old(told)); */
void fpu_hw_stale(struct fpu_context *context);

/*@ requires placed: \valid_read(cpu) && \valid_read(context) && 0 <= event < FPU_EVENTS;
    assigns \nothing; */
void fpu_hw_trace(const struct fpu_cpu *cpu, const struct fpu_context *context,
		  enum fpu_event event);
