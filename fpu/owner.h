/*
 * The ownership core of the lazy-FPU manager: per physical CPU, whose state the FPU registers hold.
 * It touches no hardware: what it decides is done by the functions at the end (fpu/hooks.c and
 * fpu/trace.c in the kernel, a model of the registers in tests and proofs). No field of what it
 * keeps (fpu/context.h) is written by anybody else.
 *
 * All of it: root mode, interrupts off, on the CPU that is passed, never from an NMI handler.
 * The words (context, image, owner, home, resident, dirty, residue) are defined in docs/fpu.md.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fpu/context.h"
#include "lib/order.h"

/* The registers hold the initial state, nobody owns them, XCR0 = superset. */
void fpu_cpu_init(struct fpu_cpu *cpu, uint32_t id, enum fpu_policy policy, bool leaks,
		  uint64_t superset);

/* A context whose newest value is in its image. `id` names it in traces. */
void fpu_context_init(struct fpu_context *context, uint32_t id, uint32_t domain, uint64_t xcr0);

static inline bool fpu_resident(const struct fpu_cpu *cpu, const struct fpu_context *context)
{
	return cpu->owner == context && context->home == cpu;
}

/*
 * The context's newest value is in another CPU's registers only: that CPU must fpu_flush() before
 * this one may enter it. For whoever may enter the context next (a scheduler's lock): the answer
 * can then only turn from true to false.
 */
static inline bool fpu_must_flush(const struct fpu_cpu *cpu, const struct fpu_context *context)
{
	const struct fpu_cpu *home = context->home;

	if (!home || home == cpu || !home->dirty)
		return false;
	compiler_barrier(); /* owner was set before dirty: if dirty is another's, so is the owner */
	return home->owner == context;
}

/*
 * The kept decision: fpu_enter() was carried out for the context on this CPU, and nothing that it
 * looked at or did has changed since. It may be entered, any number of times, without a call; the
 * operations below drop the decision where they must, and tell by fpu_hw_stale().
 */
static inline bool fpu_ready(const struct fpu_cpu *cpu, const struct fpu_context *context)
{
	return cpu->ready == context;
}

/* Before a VM entry of a context that is not fpu_ready(); not while fpu_must_flush(). */
void fpu_enter(struct fpu_cpu *cpu, struct fpu_context *context);

/* So many VM entries were made with the decision as it stands: for the counters. */
void fpu_entered(struct fpu_cpu *cpu, struct fpu_context *context, uint64_t entries);

/* A #NM exit of a context that was not OPEN: its state is loaded, and it is OPEN at its next entry.
 */
void fpu_trap(struct fpu_cpu *cpu, struct fpu_context *context);

/*
 * The guest's own CR0.TS is `ts` after a VM exit: CLTS, LMSW or MOV to CR0. One that is not OPEN is
 * ARMED or GUARDED accordingly, and stays ready if it was.
 */
void fpu_guest_ts_changed(struct fpu_cpu *cpu, struct fpu_context *context, bool ts);

/* The guest's XCR0 from now on; in the register at once if the context is ready. */
void fpu_set_xcr0(struct fpu_cpu *cpu, struct fpu_context *context, uint64_t value);

/* The CPU enters another vCPU or goes idle. Before another CPU may enter this one, in any case. */
void fpu_leave(struct fpu_cpu *cpu, struct fpu_context *context);

/* Whatever this CPU's registers hold that is nowhere else goes to its image: another CPU wants it.
 */
void fpu_flush(struct fpu_cpu *cpu);

/*
 * The CPU stops running guests, and its registers may be lost: fpu_flush(), then nobody is resident
 * here. Not in a host section. Another CPU may be entering the owner meanwhile, so no context is
 * written. The residue stays marked.
 */
void fpu_offline(struct fpu_cpu *cpu);

/* From now on; between two entries, whatever state the contexts are in. */
void fpu_set_policy(struct fpu_cpu *cpu, enum fpu_policy policy);

/*
 * A host section: between the two the hypervisor may run vector code on this CPU. Not nested: a
 * begin inside a begin stops the machine.
 */
void fpu_host_begin(struct fpu_cpu *cpu);
void fpu_host_end(struct fpu_cpu *cpu);

/* Afterwards the image holds the newest value. The context stays resident. */
void fpu_read(struct fpu_cpu *cpu, struct fpu_context *context);

/* Afterwards the image holds the newest value and may be changed: the context is resident nowhere.
 */
void fpu_write(struct fpu_cpu *cpu, struct fpu_context *context);

/* fpu_write(), and the context starts anew with this XCR0, its VMCS set for OPEN. */
void fpu_reset(struct fpu_cpu *cpu, struct fpu_context *context, uint64_t xcr0);

/*
 * The context ends: its data is dropped, and this CPU no longer names it. To be called by every
 * CPU, in any order, before its memory is used again. The residue stays marked.
 */
void fpu_release(struct fpu_cpu *cpu, struct fpu_context *context);

/* What the core has done to the hardware. Saves and loads run under XCR0 = superset. */
uint64_t fpu_hw_save(struct fpu_context *context); /* registers to image; returns bytes moved */
uint64_t fpu_hw_load(struct fpu_context *context); /* image to registers; returns bytes moved */
uint64_t fpu_hw_scrub(void); /* the initial state to the registers; returns bytes moved */
void fpu_hw_write_xcr0(uint64_t value);
void fpu_hw_host_section(bool begin); /* CR0.TS cleared or set */
/* The guest's own CR0.TS. */
bool fpu_hw_guest_ts(struct fpu_context *context);
/* CR0.TS and MP, mask, shadow and #NM intercept per the table; returns the VMWRITEs it took. */
unsigned int fpu_hw_set_state(struct fpu_context *context, enum fpu_state state);
/* A vCPU's context is not ready any more: it is not to be entered without a look at it. */
void fpu_hw_stale(struct fpu_context *context);
/* Called before the owner changes: cpu->owner is the old one. */
void fpu_hw_trace(const struct fpu_cpu *cpu, const struct fpu_context *context,
		  enum fpu_event event);
