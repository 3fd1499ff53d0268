/*
 * The ownership core of the lazy-FPU manager: per physical CPU, whose state the FPU registers hold.
 * It touches no hardware: what it decides is done by the functions at the end (fpu/hardware.c in
 * the kernel, a model of the registers in tests and proofs).
 *
 * All of it: root mode, interrupts off, on the CPU that is passed, never from an NMI handler.
 * The words (context, image, owner, home, resident, dirty, residue) are defined in docs/fpu.md.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/order.h"

enum fpu_policy {
	FPU_LAZY,   /* on a mismatch arm; the other's state stays in the registers until #NM */
	FPU_SCRUB,  /* on a mismatch save the other's, make the registers initial, arm */
	FPU_EAGER,  /* on a mismatch save the other's and load ours: never a #NM */
	FPU_UNLOAD, /* save at every deschedule, arm at every schedule */
	FPU_SWAP,   /* save at every deschedule, load at every schedule */
	FPU_AUTO,   /* load who has been using the FPU, arm the others: fpu/policy.c */
	FPU_POLICIES
};

/* The three states of a vCPU at VM entry. */
enum fpu_state {
	FPU_OPEN,    /* resident: the guest's own CR0.TS and MP are in force */
	FPU_ARMED,   /* not resident, guest's TS=0: TS forced, #NM intercepted */
	FPU_GUARDED, /* not resident, guest's TS=1: TS forced; the guest's #NM is its own */
};

/* What happens to the registers, to an image, or to a state. */
enum fpu_event {
	FPU_EVENT_NM,	 /* a #NM exit that a forced TS caused */
	FPU_EVENT_SAVE,	 /* registers to image */
	FPU_EVENT_LOAD,	 /* image to registers: the context is the owner now */
	FPU_EVENT_SCRUB, /* the registers made initial: no owner */
	FPU_EVENT_DROP,	 /* no owner any more; the registers keep what they held */
	FPU_EVENT_ARM,	 /* entered ARMED from now on */
	FPU_EVENT_GUARD, /* ... GUARDED */
	FPU_EVENT_OPEN,	 /* ... OPEN */
	FPU_EVENT_HOST,	 /* a host section begins: the host is the owner */
	FPU_EVENT_HOST_END,
	FPU_EVENT_RELEASE, /* the context ends */
	FPU_EVENT_POLICY,  /* another policy from now on */
	FPU_EVENTS
};

/* Trust domains: whose data may be seen by whom. Guests' domains follow FPU_DOMAIN_HOST. */
#define FPU_RESIDUE_INITIAL 0u
#define FPU_DOMAIN_HOST	    1u
#define FPU_DOMAIN_FIRST    2u

/* Events since boot. */
struct fpu_counters {
	uint64_t entries;  /* VM entries */
	uint64_t armed;	   /* ... with TS forced */
	uint64_t nm;	   /* #NM exits */
	uint64_t saves;	   /* images written */
	uint64_t loads;	   /* images read */
	uint64_t preloads; /* ... of these, without a #NM */
	uint64_t samples;  /* armed, though `auto` expects it to use the FPU, to see whether it does
			    */
	uint64_t scrubs;   /* registers made initial */
	uint64_t flushes;  /* saves that another CPU asked for */
	uint64_t host;	   /* host sections */
	uint64_t xcr0;	   /* XCR0 writes */
	uint64_t ts_writes; /* VMWRITEs for TS and #NM */
	uint64_t bytes;	    /* moved by saves, loads and scrubs */
};

/* Entries that found the context's state in the registers: neither armed nor loaded just before. */
static inline uint64_t fpu_resident_entries(const struct fpu_counters *counters)
{
	return counters->entries - counters->armed - counters->preloads;
}

struct fpu_cpu;

/* What `auto` knows of a context's use of the FPU (fpu/policy.c). */
struct fpu_use {
	bool watched;	   /* armed to see whether it uses the FPU before it leaves the CPU */
	uint8_t score;	   /* high: it mostly does */
	uint16_t interval; /* loads between one look and the next */
	uint16_t left;	   /* ... of these, still to come */
};

/* Anything with FPU state: a vCPU, or a CPU's own host context. */
struct fpu_context {
	struct fpu_cpu *home; /* the CPU that last loaded it, or NULL */
	uint32_t domain;      /* its trust domain */
	enum fpu_state state; /* what its VMCS is set for */
	uint64_t xcr0;	      /* what it runs with */
	struct fpu_use use;
	struct fpu_counters counters;
};

struct fpu_cpu {
	uint32_t id;
	enum fpu_policy policy;
	bool leaks;		   /* not known to be safe from CVE-2018-3665 */
	struct fpu_context *owner; /* whose state the registers hold, or NULL */
	bool dirty;		   /* ... and they may be newer than its image: it is resident */
	struct fpu_context *ready; /* what fpu_enter() did for it is all still right, or NULL */
	struct fpu_context host;   /* this CPU's own context, for host sections */
	uint32_t residue;	   /* the domain whose data the registers may still hold */
	bool in_host_section;
	uint64_t xcr0;	   /* as the hardware has it */
	uint64_t superset; /* XCR0 of saves, loads and host sections */
	struct fpu_counters counters;
};

/* The registers hold the initial state, nobody owns them, XCR0 = superset. */
void fpu_cpu_init(struct fpu_cpu *cpu, uint32_t id, enum fpu_policy policy, bool leaks,
		  uint64_t superset);

/* A context whose newest value is in its image. */
void fpu_context_init(struct fpu_context *context, uint32_t domain, uint64_t xcr0);

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

/*
 * So many VM entries were tried with the decision as it stands: for the counters. At least one
 * after each fpu_enter().
 */
void fpu_entered(struct fpu_cpu *cpu, struct fpu_context *context, uint64_t entries);

/* A #NM exit of a context that was not OPEN: its state is loaded, and it is OPEN at its next entry.
 */
void fpu_trap(struct fpu_cpu *cpu, struct fpu_context *context);

/* The guest's own CR0.TS has changed by a VM exit: CLTS, LMSW or MOV to CR0. */
void fpu_guest_ts_changed(struct fpu_cpu *cpu, struct fpu_context *context);

/* The guest's XCR0 from now on; in the register at once if the context is ready. */
void fpu_set_xcr0(struct fpu_cpu *cpu, struct fpu_context *context, uint64_t value);

/* The CPU enters another vCPU or goes idle. Before another CPU may enter this one, in any case. */
void fpu_leave(struct fpu_cpu *cpu, struct fpu_context *context);

/*
 * Whatever this CPU's registers hold that is nowhere else goes to its image: another CPU wants it,
 * or this one goes offline.
 */
void fpu_flush(struct fpu_cpu *cpu);

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
