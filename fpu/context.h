/*
 * What the ownership core (fpu/owner.h) keeps of each CPU and of each context. It alone writes
 * these fields, but for struct fpu_use and the counters of fpu/policy.c; others may read them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

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
	FPU_EVENT_FLUSH, /* another CPU wants what only the registers hold: a save follows */
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

/*
 * Entries that found the context's state in the registers: neither armed nor loaded just before. An
 * entry that was given up after its load (an NMI, a failure) is in `preloads` alone.
 */
static inline uint64_t fpu_resident_entries(const struct fpu_counters *counters)
{
	uint64_t open = counters->entries - counters->armed;

	return open > counters->preloads ? open - counters->preloads : 0;
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
	uint32_t id;	      /* in traces */
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
