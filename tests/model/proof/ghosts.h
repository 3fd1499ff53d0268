/*
 * What the proof knows besides the code: ghosts, which no code can see, so that a wrong flag cannot
 * hide its own bug.
 *
 * "For all" is said by names of which nothing is known: `here` is the CPU that runs the code,
 * `there` any other, `seen` any context of a guest, `has` a set of XCR0s, those with one and the
 * same bit set: any bit that guests may have. A value is what that component of the state holds,
 * a number that is only ever copied. What is proven of these is true of all.
 */
#pragma once

#include <stddef.h>

#include "fpu/owner.h"
#include "fpu/policy.h"
#include "lib/assert.h"

/*@ ghost
    struct fpu_cpu *here;
    uint64_t registers;	    // what the component has in this CPU's registers
    uint32_t registers_of;  // the domain whose data that is
    uint64_t hardware_xcr0; // XCR0
    _Bool hardware_open;    // CR0.TS clear in root mode: a host section
    _Bool held; // `registers` was loaded for `seen`, and its guest has had nothing newer since

    struct fpu_cpu *there; // the same of the other CPU
    uint64_t there_registers;
    uint32_t there_of;
    uint64_t there_xcr0;
    _Bool there_open;
    _Bool there_held;

    struct fpu_context *seen;
    uint64_t image;		// what the component has in its image
    uint64_t newest;		// what it had when its guest last ran
    enum fpu_state seen_vmcs; // what its VMCS is set for
    _Bool seen_ts;		// its guest's own CR0.TS

    _Bool told; // the run loop is to look before `seen` is entered again

    // what this operation has made the hardware do so far
    unsigned int saves, loads, scrubs, xcr0_writes, state_writes, ts_reads, sections;
*/

#define INITIAL 0 /* a component's value after reset */

/*@
// the component's bit is set
axiomatic component { predicate has(integer xcr0); }

predicate resident(struct fpu_cpu *cpu, struct fpu_context *context) =
	cpu->owner == context && context->home == cpu;

// the context's newest value may be in this CPU's registers only
predicate holds(struct fpu_cpu *cpu, struct fpu_context *context) =
	resident(cpu, context) && cpu->dirty;

predicate must_flush(struct fpu_cpu *cpu, struct fpu_context *context) =
	context->home != \null && context->home != cpu && holds(context->home, context);
*/
