/*
 * The bounded world that the model checker explores: two CPUs at most, three contexts at most, and
 * of each what the real core keeps (`core`, untouched by the model), what the hardware holds, and
 * what the rest of the hypervisor would know (who may run what, who asked for a flush).
 *
 * The whole world is plain bytes at a fixed address, pointers included: a state is a copy of it
 * and of the CPUs' stacks (fiber.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fpu/owner.h"

#define CPUS_MAX     2
#define CONTEXTS_MAX 3

#define COMPONENTS 2 /* of XCR0, so that a save with the wrong mask loses something */
#define SUPERSET   3u

/*
 * What a component of the registers or of an image holds. Nothing of the core's flags is in it.
 * For each context and component one value is the newest: VALUE_INITIAL, or CURRENT. Writing makes
 * all copies of the one before OLD, and so does the end of the context: then only the trust domain
 * matters.
 */
enum value { VALUE_INITIAL, VALUE_HOST, VALUE_FIRST };
#define VALUE_CURRENT(context) (VALUE_FIRST + (context))
#define VALUE_OLD(domain)      (VALUE_FIRST + CONTEXTS_MAX + (domain))

/* A request for fpu_flush(): an NMI is on its way; the NMI handler has noted it. */
enum kick { KICK_NONE, KICK_SENT, KICK_SEEN };

enum life {
	LIFE_FREE,   /* its memory may be used for anything */
	LIFE_LIVE,   /* ... */
	LIFE_ENDING, /* its VM has ended; not all CPUs have released it yet */
};

#define NOBODY 0xff

/* What the hardware was told to do in the operation that runs. */
struct work {
	uint8_t saves, loads, scrubs, xcr0, states, ts_reads, host;
};

struct model_cpu {
	struct fpu_cpu core;
	/* the hardware */
	uint8_t registers[COMPONENTS];
	uint8_t xcr0;
	bool ts_clear; /* CR0.TS in root mode, for a host section */
	/* the hypervisor */
	uint8_t operation; /* that runs in this CPU's fiber, or OPERATION_NONE */
	uint8_t argument;
	uint8_t answers;   /* how many ways the fiber may go on from where it stands */
	uint8_t held;	   /* the context that only this CPU may enter, or NOBODY */
	bool in_guest;	   /* in non-root mode, else in root mode */
	uint8_t kick;	   /* enum kick */
	bool was_resident; /* when the entry that runs began: what invariant 6 needs to know */
	bool was_open;	   /* ... and OPEN under its own XCR0 */
	struct work work;
};

struct model_context {
	struct fpu_context core;
	uint8_t image[COMPONENTS];
	uint8_t newest[COMPONENTS];
	bool ts;	    /* the guest's own CR0.TS */
	bool short_way;	    /* the run loop may enter it again without a look */
	uint8_t vmcs;	    /* enum fpu_state, as the hardware has it */
	uint8_t life;	    /* enum life */
	uint8_t domain;	    /* as the model knows it */
	uint8_t unreleased; /* LIFE_ENDING: the CPUs that have yet to release it, a bit each */
};

struct world {
	struct model_cpu cpu[CPUS_MAX];
	struct model_context context[CONTEXTS_MAX];
};

extern struct world world;

/* Where an operation may be interrupted by the other CPU. */
enum grain {
	GRAIN_WHOLE,  /* nowhere: for one CPU */
	GRAIN_SHARED, /* at each access that the other CPU can observe or disturb (access.c) */
	GRAIN_EVERY,  /* at each access to a context or a CPU, and at each hook */
};

struct configuration {
	const char *name;
	uint8_t cpus, contexts;
	uint8_t domain[CONTEXTS_MAX]; /* at first */
	uint8_t other_domain;	      /* of a context at a reused address; 0: the same as before */
	enum grain grain;
	uint8_t policy[CPUS_MAX]; /* at first */
	uint8_t policies;	  /* bits: what fpu_set_policy() may set */
	uint32_t operations;	  /* bits: enum operation */
	uint8_t interval_max;	  /* `auto` looks at least this often: bounds struct fpu_use */
};

extern const struct configuration *configuration;

/* To the first state of the configuration. */
void world_reset(void);

/* The guest's or the host's new value in the registers, or `initial` in the image. */
void world_new_value(unsigned int context, unsigned int component, bool initial);

/* The context's values are nobody's any more. */
void world_forget(unsigned int context);

/* The trust domain of a value, or FPU_RESIDUE_INITIAL. */
unsigned int world_domain(uint8_t value);

bool world_newest(unsigned int context, const uint8_t *value);

/* The number of a context that is one of world.context[], or NOBODY. */
unsigned int world_number(const struct fpu_context *context);

bool world_is_held(unsigned int context);

/*
 * Something that must never be. The first one counts; called from a fiber it does not return. The
 * text is a constant.
 */
void violation(const char *what);
extern const char *violated;

#define require(condition, what)                                                                   \
	do {                                                                                       \
		if (!(condition))                                                                  \
			violation(what);                                                           \
	} while (0)
