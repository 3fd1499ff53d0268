/*
 * A virtual CPU: its registers, its VMCS, its FPU context, and what VMX does not switch.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fpu/guest.h"
#include "fpu/tiles.h"
#include "vmm/apicv_state.h"
#include "vmm/chip/lapic.h"
#include "vmm/chip/lapic_inbox.h"
#include "vmm/exit_watch.h"
#include "vmm/queue.h"
#include "vmm/switch.h"
#include "vmx/entry.h"
#include "vmx/event.h"

struct kept_instruction;
struct pcpu;
struct vm;
struct vmcs;

enum vcpu_state {
	VCPU_STOPPED, /* not started, or ended */
	VCPU_RUNNABLE,
	VCPU_HALTED, /* executed HLT, and something can wake it: of several, another vCPU */
	VCPU_WAITS,  /* not started yet, or again after INIT: for a start-up message (SIPI) */
};

#define VCPU_TIMER_OFF UINT64_MAX /* as a deadline */

struct vcpu {
	struct vmx_guest guest; /* first: see vmx/entry.h */
	struct fpu_guest fpu;
	struct vm *vm;
	struct pcpu *pcpu; /* that has anything of it, or NULL: see vmm/loaded.h */
	/* Whose queue it is in or, if in none, where it has its turn: see vmm/request.h */
	struct pcpu *volatile at;
	struct queue_place place;
	uint32_t id;
	uint16_t vpid;
	enum vcpu_state state;
	struct vmcs *vmcs;
	bool launched;

	struct vmx_events events;
	struct kept_instruction *kept; /* a page of them: see vmm/exit/fetch.h */
	struct lapic lapic;	       /* see vmm/interrupts.h */
	struct apicv apicv;
	struct lapic_inbox inbox; /* what other vCPUs' CPUs have for it; under its VM's lock */
	bool long_mode;		  /* EFER.LMA: changes only with CR0.PG, which exits */
	uint64_t efer;		  /* as in its VMCS: vcpu_set_efer() in vmm/vcpu_vmcs.h */

	struct unswitched unswitched; /* as it was when another was loaded; its MSRs always */
	struct fpu_tiles tiles;	      /* likewise */
	bool uses_more;		      /* PKRU or tiles: there is more to do when a CPU leaves it */
	bool uses_pkru;		      /* has had a way to change PKRU: vcpu_use_pkru() */
	bool uses_de;		      /* has had CR4.DE: breakpoints may be on ports */

	uint64_t tsc_offset, tsc_adjust;

	uint64_t timer_deadline; /* the earliest of its timers', a TSC value: vcpu_poll() */
	/* HYPERCALL_SET_TIMER */
	uint64_t call_deadline;
	uint8_t timer_vector;
	/* while halted: what would wake it */
	bool wakes_on_interrupt, wakes_on_nmi;

	uint64_t switches; /* the CPU came to it from another vCPU */
	uint64_t moves;	   /* it came to another CPU */
	uint32_t turns;	   /* on this CPU since it came: for migrate= */
	bool gave_up;	   /* the rest of its last turn: it halted, or yielded */
	uint64_t ran; /* TSC ticks it has had, root mode on its behalf included: vcpu_charge() */

	int32_t uncounted; /* guest.entries_left when its entries were last counted */
	uint32_t pending;  /* what it is to stop for: see vmm/request.h */
	bool state_loaded; /* a #NM exit has loaded its FPU state: for the run loop */

	struct exit_watch watch; /* while exit_watch() is on */
};

/* Whose place in a queue that is. */
static inline struct vcpu *vcpu_at(struct queue_place *place)
{
	return (struct vcpu *)((char *)place - offsetof(struct vcpu, place));
}

/*
 * A vCPU of a VM, the only one or one of several, with a VPID that no other has; NULL: no memory.
 * At boot.
 */
struct vcpu *vcpu_allocate(struct vm *vm, uint32_t id, bool alone);

/*
 * Begins a run of its VM, with nothing of an earlier one: makes its VMCS and its FPU context, of a
 * trust domain; `trace_id`: fpu_trace_id(). Returns 0 or -ENOMEM; after an error vcpu_destroy()
 * tidies up.
 */
int vcpu_create(struct vcpu *vcpu, uint32_t trace_id, uint32_t domain);
void vcpu_destroy(struct vcpu *vcpu); /* after loaded_give_up() where it ran */

/* It may change tiles, IA32_XFD and IA32_XFD_ERR from now on. */
static inline void vcpu_use_tiles(struct vcpu *vcpu)
{
	vcpu->tiles.used = true;
	vcpu->uses_more = true;
}

/* The running vCPU's PKRU. */
uint32_t vcpu_read_pkru(const struct vcpu *vcpu);

/* Before vmx_enter(): how many entries it may make. */
static inline void vcpu_grant_entries(struct vcpu *vcpu, int32_t entries)
{
	vcpu->guest.entries_left = vcpu->uncounted = entries;
}

/* Adds the entries made since to the FPU manager's counters: vcpu->pcpu's, and its own. */
void vcpu_count_entries(struct vcpu *vcpu);

/* It has had so much CPU time more. From any CPU: its output may go out on another one. */
static inline void vcpu_charge(struct vcpu *vcpu, uint64_t ticks)
{
	__atomic_fetch_add(&vcpu->ran, ticks, __ATOMIC_RELAXED);
}
