/*
 * The bounded world that the model checker explores: two CPUs at most, three contexts at most, and
 * of each what the real code keeps (struct pcpu, struct vcpu), what the hardware holds, and what
 * the rest of the hypervisor would know (who may run what, who asked for a flush).
 *
 * The whole world is plain bytes at a fixed address, pointers included: a state is a copy of it
 * and of the CPUs' stacks (fiber.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fpu/owner.h"
#include "vmm/pcpu.h"
#include "vmm/vcpu.h"

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
	struct pcpu pcpu; /* worlds without mail: `fpu` alone */
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
	/* worlds with mail: the hardware (vmx.c) */
	uint8_t vmcs_current; /* whose VMCS its pointer names, or NOBODY */
	uint8_t vmcs_active;  /* whose it may keep in itself, a bit each; so the next three */
	uint8_t vpids_stale;  /* who has run elsewhere since INVVPID here */
	uint8_t epts_stale;   /* ... since INVEPT */
	uint8_t epts;	      /* whose tables it may have translations from */
	uint8_t unswitched;   /* UNSWITCHED_OLD, or whose newest registers it has */
	uint8_t tiles;	      /* TILES_INITIAL, TILES_OLD, or whose newest it has */
	bool nmi_window;      /* where an NMI makes it go on at the end: boot/halt.S */
	bool halted;
	/* what is known of its mail (mail_access.c) */
	uint8_t asked, handled; /* CPUs that it has asked, and that have called its handler */
	uint8_t serving;	/* who is to be given up, or SERVING_OTHER, or NOBODY */
	bool served_save;	/* ... for that one save was made */
	bool unsent; /* another one has set a word that keeps it from halting, but sent no NMI */
	bool wanted; /* there is something for it to do, if it looks */
};

#define UNSWITCHED_OLD	       0
#define UNSWITCHED_OF(context) ((context) + 1)
#define TILES_INITIAL	       0
#define TILES_OLD	       0xff
#define TILES_OF(context)      ((context) + 1)
#define SERVING_OTHER	       0xfe

struct model_context {
	struct vcpu vcpu; /* worlds without mail: `fpu.context` alone */
	uint8_t image[COMPONENTS];
	uint8_t newest[COMPONENTS];
	bool ts;	    /* the guest's own CR0.TS */
	bool short_way;	    /* the run loop may enter it again without a look */
	uint8_t vmcs;	    /* enum fpu_state, as the hardware has it */
	uint8_t life;	    /* enum life */
	uint8_t domain;	    /* as the model knows it */
	uint8_t unreleased; /* LIFE_ENDING: the CPUs that have yet to release it, a bit each */
	/* worlds with mail */
	bool vmcs_launched; /* as the VMCS has it */
	uint8_t vmcs_host;  /* the CPU that its host fields name, or NOBODY */
	bool may_be_newer;  /* the registers, than the image: it was let into the guest OPEN */
};

struct world {
	struct model_cpu cpu[CPUS_MAX];
	struct model_context context[CONTEXTS_MAX];
};

extern struct world world;

/* Where an operation may be interrupted by the other CPU. */
enum grain {
	GRAIN_WHOLE,  /* nowhere: for one CPU */
	GRAIN_MAIL,   /* at each access to words of mail, and where an NMI makes a difference */
	GRAIN_SHARED, /* ... and at each access that the other CPU can observe or disturb (access.c)
		       */
	GRAIN_EVERY,  /* at each access to a context or a CPU, and at each hook */
};

struct configuration {
	const char *name;
	uint8_t cpus, contexts;
	uint8_t domain[CONTEXTS_MAX]; /* at first */
	uint8_t other_domain;	      /* of a context at a reused address; 0: the same as before */
	enum grain grain;
	uint8_t policy[CPUS_MAX]; /* at first */
	bool mail;		  /* vmm/mail.c and vmm/loaded.c move vCPUs: run_loop.c */
	uint8_t tiles;		  /* bits: the contexts that use AMX's tiles */
	uint8_t policies;	  /* bits: what fpu_set_policy() may set */
	uint32_t operations;	  /* bits: enum operation */
	uint8_t interval_max;	  /* `auto` looks at least this often: bounds struct fpu_use */
};

extern const struct configuration *configuration;

/* To the first state of the configuration. */
void world_reset(void);

/* The guest's or the host's new value in the registers, or `initial` in the image. */
void world_new_value(unsigned int context, unsigned int component, bool initial);

/* All CPUs have released it: its values are nobody's any more, its memory holds anything. */
void world_free(unsigned int context);

/* The trust domain of a value, or FPU_RESIDUE_INITIAL. */
unsigned int world_domain(uint8_t value);

bool world_newest(unsigned int context, const uint8_t *value);

/* A vCPU as boot makes it, in a context's memory. */
void world_new_vcpu(unsigned int context);

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
