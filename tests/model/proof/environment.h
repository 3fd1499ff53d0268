/*
 * What happens between two operations keeps the world whole too: these have no code but ghosts.
 */
#pragma once

#include "tests/model/proof/world.h"

/* A guest that was entered OPEN leaves any value in the component; nothing else can change it. */
/*@ requires cpu == here && world && resident(cpu, context) && cpu->dirty;
    assigns registers, newest, held, there_held;
    WORLD_HOLDS
    THEOREMS_BUT_FOR(context)
    ensures kept: registers == value; */
void guest_runs(struct fpu_cpu *cpu, struct fpu_context *context, uint64_t value)
{
	/*@ ghost
	    registers = value;
	    held = context == seen;
	    if (context == seen) {
		newest = value;
		there_held = 0;
	    }
	*/
}

/* A guest that is OPEN has CR0.TS to itself; of another one fpu_guest_ts_changed() is told. */
/*@ requires world && context->state == FPU_OPEN;
    assigns seen_ts;
    WORLD_HOLDS
    THEOREMS */
void guest_sets_ts(struct fpu_context *context, _Bool ts)
{
	/*@ ghost
	    if (context == seen)
		seen_ts = ts;
	*/
}

/* After fpu_write(): a debugger, a snapshot or a reset puts a new value into the image. */
/*@ requires world && context->home == \null;
    assigns image, newest, held, there_held;
    WORLD_HOLDS
    THEOREMS_BUT_FOR(context) */
void image_changes(struct fpu_context *context, uint64_t value)
{
	/*@ ghost
	    if (context == seen) {
		image = value;
		newest = value;
		held = 0;
		there_held = 0;
	    }
	*/
}

/* The code runs on the other CPU from here on, and begins an operation there. */
/*@ requires world;
    assigns here, there, registers, there_registers, registers_of, there_of, hardware_xcr0,
	    there_xcr0, hardware_open, there_open, held, there_held, saves, loads, scrubs,
	    xcr0_writes, state_writes, ts_reads, sections;
    WORLD_HOLDS
    THEOREMS
    ensures other: here == \old(there) && there == \old(here);
    ensures begins: no_work; */
void other_cpu_runs(void)
{
	/*@ ghost
	    struct fpu_cpu *cpu = here;
	    uint64_t value = registers;
	    uint32_t domain = registers_of;
	    uint64_t xcr0 = hardware_xcr0;
	    _Bool open = hardware_open;
	    _Bool newest_here = held;

	    here = there;
	    registers = there_registers;
	    registers_of = there_of;
	    hardware_xcr0 = there_xcr0;
	    hardware_open = there_open;
	    held = there_held;
	    there = cpu;
	    there_registers = value;
	    there_of = domain;
	    there_xcr0 = xcr0;
	    there_open = open;
	    there_held = newest_here;
	    saves = 0;
	    loads = 0;
	    scrubs = 0;
	    xcr0_writes = 0;
	    state_writes = 0;
	    ts_reads = 0;
	    sections = 0;
	*/
}
