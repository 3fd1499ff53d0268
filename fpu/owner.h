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

enum fpu_policy {
	FPU_LAZY,   /* on a mismatch arm; the other's state stays in the registers until #NM */
	FPU_EAGER,  /* on a mismatch save the other's and load ours: never a #NM */
	FPU_UNLOAD, /* save at every deschedule, arm at every schedule */
};

/* The three states of a vCPU at VM entry. */
enum fpu_state {
	FPU_OPEN,    /* resident: the guest's own CR0.TS and MP are in force */
	FPU_ARMED,   /* not resident, guest's TS=0: TS forced, #NM intercepted */
	FPU_GUARDED, /* not resident, guest's TS=1: TS forced; the guest's #NM is its own */
};

enum fpu_event {
	FPU_EVENT_NM,
	FPU_EVENT_SAVE,
	FPU_EVENT_LOAD,
	FPU_EVENT_ARM,
	FPU_EVENT_GUARD,
	FPU_EVENT_OPEN,
	FPU_EVENT_HOST,
	FPU_EVENT_RELEASE,
};

/* Trust domains: whose data may be seen by whom. Guests' domains follow FPU_DOMAIN_HOST. */
#define FPU_RESIDUE_INITIAL 0u
#define FPU_DOMAIN_HOST	    1u
#define FPU_DOMAIN_FIRST    2u

/* Events since boot. */
struct fpu_counters {
	uint64_t entries;   /* VM entries */
	uint64_t resident;  /* ... that found their state in the registers */
	uint64_t armed;	    /* ... with TS forced */
	uint64_t nm;	    /* #NM exits */
	uint64_t saves;	    /* images written */
	uint64_t loads;	    /* images read */
	uint64_t preloads;  /* ... of these, without a #NM */
	uint64_t host;	    /* host sections */
	uint64_t xcr0;	    /* XCR0 writes */
	uint64_t ts_writes; /* VMWRITEs for TS and #NM */
	uint64_t bytes;	    /* moved by saves and loads */
};

struct fpu_cpu;

/* Anything with FPU state: a vCPU, or a CPU's own host context. */
struct fpu_context {
	struct fpu_cpu *home; /* the CPU that last loaded it, or NULL */
	bool dirty;	      /* the registers may be newer than the image */
	uint32_t domain;      /* its trust domain */
	enum fpu_state state; /* what its VMCS is set for */
	uint64_t xcr0;	      /* what it runs with */
	struct fpu_counters counters;
};

struct fpu_cpu {
	uint32_t id;
	enum fpu_policy policy;
	struct fpu_context *owner; /* whose state the registers hold, or NULL */
	struct fpu_context host;   /* this CPU's own context, for host sections */
	uint32_t residue;	   /* the domain whose data the registers may still hold */
	bool in_host_section;
	uint64_t xcr0;	   /* as the hardware has it */
	uint64_t superset; /* XCR0 of saves, loads and host sections */
	struct fpu_counters counters;
};

/* The registers hold the initial state, nobody owns them, XCR0 = superset. */
void fpu_cpu_init(struct fpu_cpu *cpu, uint32_t id, enum fpu_policy policy, uint64_t superset);

/* A context whose newest value is in its image. */
void fpu_context_init(struct fpu_context *context, uint32_t domain, uint64_t xcr0);

static inline bool fpu_resident(const struct fpu_cpu *cpu, const struct fpu_context *context)
{
	return cpu->owner == context && context->home == cpu;
}

/* Before every VM entry of a context. */
void fpu_enter(struct fpu_cpu *cpu, struct fpu_context *context);

/* A #NM exit of a context that was not OPEN: its state is loaded, and it is OPEN at its next entry.
 */
void fpu_trap(struct fpu_cpu *cpu, struct fpu_context *context);

/* The CPU enters another vCPU or goes idle. */
void fpu_leave(struct fpu_cpu *cpu, struct fpu_context *context);

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

/*
 * The context ends: its data is dropped, and this CPU no longer names it. To be called for every
 * CPU before its memory is used again. The residue stays marked.
 */
void fpu_release(struct fpu_cpu *cpu, struct fpu_context *context);

/* What the core has done to the hardware. Saves and loads run under XCR0 = superset. */
uint64_t fpu_hw_save(struct fpu_context *context); /* registers to image; returns bytes moved */
uint64_t fpu_hw_load(struct fpu_context *context); /* image to registers; returns bytes moved */
void fpu_hw_write_xcr0(uint64_t value);
void fpu_hw_host_section(bool begin); /* CR0.TS cleared or set */
/* The guest's own CR0.TS. */
bool fpu_hw_guest_ts(struct fpu_context *context);
/* CR0.TS and MP, mask, shadow and #NM intercept per the table; returns the VMWRITEs it took. */
unsigned int fpu_hw_set_state(struct fpu_context *context, enum fpu_state state);
void fpu_hw_trace(const struct fpu_cpu *cpu, const struct fpu_context *context,
		  enum fpu_event event);
