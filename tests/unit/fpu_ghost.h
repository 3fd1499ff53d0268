/*
 * The hardware below fpu/owner.c as a model. Registers and images hold ghost values that nobody
 * but the model looks at, one for each component of XCR0, and the model knows of every guest what
 * it last had. The core's own flags (owner, home, dirty) play no part in that: a wrong flag cannot
 * hide its own bug.
 *
 * The model checks at once what must never be: a guest that finds another's value or an older one
 * of its own, a save or load under less than the superset, an XCR0 or a state written that was
 * there already. ghost_check() names the step.
 */
#pragma once

#include "fpu/owner.h"
#include "tests/unit/unit.h"

#define GHOST_COMPONENTS 3 /* XCR0 bits: x87, SSE, AVX */
#define GHOST_SUPERSET	 7ull

#define GHOST_BYTES	   832u /* what a save or a load moves */
#define GHOST_SCRUB_BYTES  576u
#define GHOST_STATE_WRITES 3u /* VMWRITEs for a change of state */

struct ghost_value {
	uint64_t component[GHOST_COMPONENTS]; /* 0: initial; else unlike every other ever written */
};

/* What the hardware was told to do. */
struct ghost_work {
	uint64_t saves, loads, scrubs, xcr0, states, ts_reads, host;
};

struct ghost_guest {
	struct fpu_context context;
	struct ghost_value image;
	struct ghost_value newest; /* what it last had, wherever that is */
	uint32_t domain;
	enum fpu_state vmcs; /* what its VMCS is set for */
	bool ts;	     /* its own CR0.TS */
	bool short_way;	     /* the run loop may enter it again without a look */
};

struct ghost_cpu {
	struct fpu_cpu core;
	struct ghost_value registers;
	uint32_t domain; /* whose data they hold, or FPU_RESIDUE_INITIAL */
	uint64_t xcr0;
	bool host_section;
	struct ghost_guest *current; /* entered, and not descheduled yet */
	struct ghost_work work;
};

enum ghost_outcome {
	GHOST_EXECUTED,	  /* without an exit */
	GHOST_TRAPPED,	  /* executed after a #NM exit */
	GHOST_GUESTS_OWN, /* a #NM of the guest's own: its TS is 1 */
};

extern uint64_t ghost_step; /* for messages */

/* Events traced since ghost_reset(), by kind. */
extern unsigned int ghost_events[FPU_EVENTS];

#define ghost_check(condition)                                                                     \
	do {                                                                                       \
		if (!(condition))                                                                  \
			fail_msg("step %llu: not so: %s", (unsigned long long)ghost_step,          \
				 #condition);                                                      \
	} while (0)

void ghost_reset(void);
void ghost_cpu_init(struct ghost_cpu *cpu, uint32_t id, enum fpu_policy policy);
void ghost_guest_init(struct ghost_guest *guest, uint32_t domain, uint64_t xcr0);

/* VM entry, and the exit after it: whoever was there before is descheduled first. */
void ghost_enter(struct ghost_cpu *cpu, struct ghost_guest *guest);

/* The current guest executes FPU instructions: looks at all it may look at, and changes it. */
enum ghost_outcome ghost_use(struct ghost_cpu *cpu);

/* ghost_enter() and ghost_use(). */
enum ghost_outcome ghost_run(struct ghost_cpu *cpu, struct ghost_guest *guest);

/* The current guest changes its own CR0.TS, and is entered again if that takes an exit. */
void ghost_set_ts(struct ghost_cpu *cpu, bool ts);

/* XSETBV of a guest that runs on this CPU, or on none. */
void ghost_set_xcr0(struct ghost_cpu *cpu, struct ghost_guest *guest, uint64_t xcr0);

/* The CPU goes idle. */
void ghost_idle(struct ghost_cpu *cpu);

/* A host section that uses every register. */
void ghost_host(struct ghost_cpu *cpu);

/* fpu_read() by this CPU; the image is looked at if the guest is not newer in another's registers.
 */
void ghost_read(struct ghost_cpu *cpu, struct ghost_guest *guest);

/* Before the guest may run on `to`: the CPU that holds its newest value saves it. */
void ghost_migrate(struct ghost_cpu *from, struct ghost_cpu *to, struct ghost_guest *guest);

void ghost_set_policy(struct ghost_cpu *cpu, enum fpu_policy policy);

/* fpu_write() by this CPU, and a new image. */
void ghost_write(struct ghost_cpu *cpu, struct ghost_guest *guest);

/* fpu_reset() by this CPU, and the initial image. */
void ghost_guest_reset(struct ghost_cpu *cpu, struct ghost_guest *guest, uint64_t xcr0);

/* The guest is gone from these CPUs. What it had is lost, what it left in registers stays. */
void ghost_release(struct ghost_cpu *cpus, unsigned int count, struct ghost_guest *guest);

/* Invariants 2 and 3 of docs/fpu.md, and that residue, counters and XCR0 are what the model knows.
 */
void ghost_check_all(struct ghost_cpu *cpus, unsigned int cpu_count, struct ghost_guest *guests,
		     unsigned int guest_count);
