/*
 * A virtual CPU: its registers, its VMCS, its FPU context, and what VMX does not switch.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fpu/guest.h"
#include "vmm/guest_load.h"
#include "vmm/queue.h"
#include "vmx/entry.h"
#include "vmx/event.h"
#include "vmx/exit_reasons.h"

struct pcpu;
struct vm;
struct vmcs;

enum vcpu_state {
	VCPU_STOPPED, /* not started, or ended */
	VCPU_RUNNABLE,
	VCPU_HALTED, /* executed HLT, and something can wake it */
};

/* MSRs that VM entry and exit do not switch: written on a change of vCPU where they differ. */
enum switched_msr {
	SWITCHED_STAR,
	SWITCHED_LSTAR,
	SWITCHED_CSTAR,
	SWITCHED_FMASK,
	SWITCHED_KERNEL_GS_BASE,
	SWITCHED_TSC_AUX,
	SWITCHED_MSR_COUNT,
};

#define VCPU_TIMER_OFF UINT64_MAX /* as a deadline */

/* What a vCPU stops for: vcpu_request(). */
#define VCPU_YIELD  1u /* it gives up the rest of its slice */
#define VCPU_OUTPUT 2u /* there is output that did not wait before, or its ring is nearly full */
#define VCPU_VM	    4u /* its VM is to end or to be reset: vm_carry_out() */

struct debug_registers {
	uint64_t dr[4], dr6;
};

struct vcpu {
	struct vmx_guest guest; /* first: see vmx/entry.h */
	struct fpu_guest fpu;
	struct vm *vm;
	struct pcpu *pcpu; /* where it is, or was last */
	struct queue_place place;
	uint32_t id;
	uint16_t vpid;
	enum vcpu_state state;
	struct vmcs *vmcs;
	bool launched;

	struct vmx_events events;
	uint8_t cr8;
	bool long_mode; /* EFER.LMA: changes only with CR0.PG, which exits */

	/* as they were when it last left the CPU */
	uint64_t msr[SWITCHED_MSR_COUNT];
	uint64_t cr2;
	struct debug_registers debug;
	uint32_t pkru;
	bool uses_pkru; /* has had a way to change PKRU: vcpu_use_pkru() */
	bool uses_de;	/* has had CR4.DE: breakpoints may be on ports */

	/* HYPERCALL_SET_TIMER: a TSC value */
	uint64_t timer_deadline;
	uint8_t timer_vector;
	/* while halted: what would wake it */
	bool wakes_on_interrupt, wakes_on_nmi;

	uint64_t switches; /* the CPU came to it from another vCPU */
	uint64_t ran;	   /* TSC ticks it has had, root mode on its behalf included */

	int32_t uncounted; /* guest.entries_left when its entries were last counted */
	uint32_t pending;  /* what it is to stop for: VCPU_YIELD and the like */
	bool state_loaded; /* a #NM exit has loaded its FPU state: for the run loop */
};

/*
 * Asks the run loop to look, before the guest is entered again: at the time, at its state, and at
 * `what`, which may be 0. One that sleeps is woken for it. On the CPU that it belongs to.
 */
void vcpu_request(struct vcpu *vcpu, uint32_t what);

/* A vCPU of a VM, with a VPID that no other has; NULL: no memory. At boot. */
struct vcpu *vcpu_allocate(struct vm *vm, uint32_t id);

/*
 * Begins a run of its VM, with nothing of an earlier one: makes its VMCS and its FPU context, of a
 * trust domain; `trace_id`: fpu_trace_id(). Returns 0 or -ENOMEM; after an error vcpu_destroy()
 * tidies up.
 */
int vcpu_create(struct vcpu *vcpu, uint32_t trace_id, uint32_t domain);
void vcpu_destroy(struct pcpu *pcpu, struct vcpu *vcpu);

/*
 * Reset, and then the state at the start of a multiboot 1 kernel: 32-bit protected mode, flat
 * segments, paging and interrupts off (Multiboot 0.6.96 section 3.2). Makes the VMCS current.
 */
void vcpu_reset(struct pcpu *pcpu, struct vcpu *vcpu, const struct guest_entry *entry,
		uint64_t ept_pointer);

/* Makes a vCPU the one that this CPU's VMCS pointer, MSRs, CR2 and debug registers belong to. */
void vcpu_switch_to(struct pcpu *pcpu, struct vcpu *vcpu);

/*
 * The running vCPU's switched MSR: the value, and a change that takes effect at once. False: the
 * CPU refuses the value, and nothing has changed.
 */
uint64_t vcpu_read_msr(const struct vcpu *vcpu, enum switched_msr index);
bool vcpu_write_msr(struct vcpu *vcpu, enum switched_msr index, uint64_t value);

/* It gets CR4.PKE or XCR0's PKRU bit: from now on its PKRU is switched, and CR4.PKE its own. */
void vcpu_use_pkru(struct vcpu *vcpu);

/* It gets CR4.DE: from now on its own. */
void vcpu_use_de(struct vcpu *vcpu);

/* The running vCPU's PKRU. */
uint32_t vcpu_read_pkru(const struct vcpu *vcpu);

/* Before vmx_enter(): how many entries it may make. */
static inline void vcpu_grant_entries(struct vcpu *vcpu, int32_t entries)
{
	vcpu->guest.entries_left = vcpu->uncounted = entries;
}

/* Adds the entries made since to the FPU manager's counters: vcpu->pcpu's, and its own. */
void vcpu_count_entries(struct vcpu *vcpu);

/* Its timer is due, or it halts: what comes of it. */
bool vcpu_poll_events(struct vcpu *vcpu, uint64_t now);

/* Wakes it if its timer is due; true if it can run. VMCS not needed. */
static inline bool vcpu_poll(struct vcpu *vcpu, uint64_t now)
{
	if (now < vcpu->timer_deadline && vcpu->state != VCPU_HALTED)
		return vcpu->state == VCPU_RUNNABLE;
	return vcpu_poll_events(vcpu, now);
}
