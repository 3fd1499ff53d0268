/*
 * The VM that a debugger may stop (gdb=): its break- and watchpoints, and why it has stopped. All
 * its vCPUs stop together, and run together.
 *
 * While it stands still its memory and its registers are as if nobody debugged it. Before it runs
 * the debugger arms it (vmm/gdb/points.h): INT3 is written where software breakpoints are and #BP
 * exits, the debug registers are the debugger's, and MOV to and from them exits. When it has
 * stopped that is undone.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm/vm.h"

#define DEBUG_POINTS_MAX   64
#define DEBUG_HARDWARE_MAX 4 /* of these, in debug registers */
#define DEBUG_INT3	   0xcc

/* The numbers of gdb's Z packets. Of x86 there is no watchpoint for reads alone. */
enum debug_kind {
	DEBUG_SOFTWARE = 0,
	DEBUG_HARDWARE = 1,
	DEBUG_WRITE = 2,
	DEBUG_ACCESS = 4,
};

struct debug_point {
	enum debug_kind kind;
	uint64_t linear;
	unsigned int length; /* of what is watched: 1, 2, 4, 8 */
	bool written;	     /* INT3 is at gpa, where `original` was */
	uint8_t original;
	uint64_t gpa;
};

enum debug_cause {
	DEBUG_ASKED, /* by the debugger, or for its start */
	DEBUG_STEPPED,
	DEBUG_RESTARTED,
	DEBUG_BREAKPOINT, /* software */
	DEBUG_POINT,	  /* one in a debug register: `point` */
};

struct debugged_vcpu {
	bool steps;   /* its next turn is one instruction: vmm/sched/step.h */
	bool trapped; /* the monitor trap flag has exited since it was entered */
	bool held;    /* it does not run while others do; it was: */
	enum vcpu_state state;
	bool armed;	/* the debug registers are the debugger's, the guest's own are: */
	uint64_t dr[4]; /* DR6 is the guest's always */
	uint64_t dr7;
};

struct debugged {
	struct debug_point point[DEBUG_POINTS_MAX];
	uint32_t count;
	struct debugged_vcpu vcpu[VM_VCPUS_MAX];
	/* the first reason since debugged_runs() */
	struct {
		bool taken;	     /* by one CPU, which is about to note it */
		volatile bool noted; /* what follows is there */
		uint32_t vcpu;
		enum debug_cause cause;
		struct debug_point point;
	} stop;
	bool follows; /* a debugger is there: a reset stops the VM */
};

/* The VM, or NULL; and what is kept of it. One of them in a boot. */
extern struct vm *debugged_vm;
extern struct debugged debugged;

/* What is kept of this vCPU; NULL: its VM is not the one. */
static inline struct debugged_vcpu *debugged_vcpu(const struct vcpu *vcpu)
{
	return __builtin_expect(vcpu->vm == debugged_vm, 0) ? &debugged.vcpu[vcpu->id] : NULL;
}

/*
 * This vCPU has met something: all stop. What is the first since debugged_runs() is kept. On any
 * CPU, no lock held.
 */
void debugged_stop(const struct vcpu *vcpu, enum debug_cause cause,
		   const struct debug_point *point);

/* It is about to run: no reason yet. It stands still. */
void debugged_runs(void);

/* It has been reset, and is about to run: nothing is armed any more. By whoever starts it. */
void debugged_restarted(struct vm *vm);
