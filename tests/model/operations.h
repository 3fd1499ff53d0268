/* What a CPU may do next: the hypervisor around the core, and the guests. */
#pragma once

#include <stdbool.h>

#include "tests/model/world.h"

enum operation {
	OPERATION_NONE,
	/* of a CPU in the middle of another one */
	OPERATION_GO_ON, /* argument: the answer */
	OPERATION_NMI,	 /* arrives; it is noted, no more (left out: it arrives at once) */
	/* in root mode */
	OPERATION_PICK,	   /* the scheduler's lock: from now on only this CPU may enter it */
	OPERATION_ENTER,   /* fpu_must_flush(): kick; else fpu_enter() and the VM entry */
	OPERATION_PUT,	   /* a deschedule: fpu_leave(), and the lock is free */
	OPERATION_READ,	   /* the debugger wants the image */
	OPERATION_WRITE,   /* ... gives another one */
	OPERATION_RESET,   /* of the vCPU */
	OPERATION_FLUSH,   /* at a safe point, after a kick */
	OPERATION_HOST,	   /* a host section */
	OPERATION_POLICY,  /* argument: the policy */
	OPERATION_OFFLINE, /* and back */
	OPERATION_END,	   /* a VM ends; argument: the context */
	OPERATION_RELEASE, /* each CPU for itself; argument: the context */
	OPERATION_REUSE,   /* its memory is a new context; argument: context + 4 * domain */
	/* in root mode, in worlds with mail (run_loop.c) */
	OPERATION_SERVE, /* mail_serve(), between two turns or two entries */
	OPERATION_IDLE,	 /* it halts if there is nothing to do */
	OPERATION_WAKE,	 /* there is something to do for the other CPU: mail_kick() */
	OPERATION_TIMER, /* wakes a CPU that halts, if all do */
	/* in the guest */
	OPERATION_USE,	/* an FPU instruction: executed, or a #NM exit and fpu_trap() */
	OPERATION_TS,	/* sets or clears its CR0.TS; that exits if TS is forced */
	OPERATION_XCR0, /* XSETBV, which exits; argument: the value */
	OPERATION_EXIT, /* for any other reason, an NMI among them */
	OPERATIONS
};

#define ACTIONS_MAX 64

struct action {
	uint8_t cpu, operation, argument;
};

/* All that can happen next; returns how many. */
unsigned int operations_possible(struct action *action);

/* One step. */
void operations_step(struct action action);

/* For traces. */
void operations_print(struct action action);
