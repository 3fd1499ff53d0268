/*
 * What happens between two operations keeps the world whole too: these have no code but ghosts.
 */
#pragma once

#include "tests/model/proof/world.h"

/* A guest that was entered OPEN leaves any value in the component; nothing else can change it. */
/*@ requires cpu == here && world && resident(cpu, context) && cpu->dirty;
    assigns registers, newest;
    WORLD_HOLDS
    ensures kept: registers == value; */
void guest_runs(struct fpu_cpu *cpu, struct fpu_context *context, uint64_t value)
{
	/*@ ghost
	    registers = value;
	    if (context == seen)
		newest = value;
	*/
}

/* A guest that is OPEN has CR0.TS to itself; of another one fpu_guest_ts_changed() is told. */
/*@ requires world && context->state == FPU_OPEN;
    assigns seen_ts;
    WORLD_HOLDS */
void guest_sets_ts(struct fpu_context *context, _Bool ts)
{
	/*@ ghost
	    if (context == seen)
		seen_ts = ts;
	*/
}

/* After fpu_write(): a debugger, a snapshot or a reset puts a new value into the image. */
/*@ requires world && context->home == \null;
    assigns image, newest;
    WORLD_HOLDS */
void image_changes(struct fpu_context *context, uint64_t value)
{
	/*@ ghost
	    if (context == seen) {
		image = value;
		newest = value;
	    }
	*/
}

/* The code runs on the other CPU from here on, and begins an operation there. */
/*@ requires world;
    assigns here, there, registers, there_registers, registers_of, there_of, hardware_xcr0,
	    there_xcr0, hardware_open, there_open, saves, loads, scrubs, xcr0_writes,
	    state_writes, ts_reads, sections;
    WORLD_HOLDS
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

	    here = there;
	    registers = there_registers;
	    registers_of = there_of;
	    hardware_xcr0 = there_xcr0;
	    hardware_open = there_open;
	    there = cpu;
	    there_registers = value;
	    there_of = domain;
	    there_xcr0 = xcr0;
	    there_open = open;
	    saves = 0;
	    loads = 0;
	    scrubs = 0;
	    xcr0_writes = 0;
	    state_writes = 0;
	    ts_reads = 0;
	    sections = 0;
	*/
}
