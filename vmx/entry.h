/*
 * VM entry and exit. SDM Vol. 3C chapters 26, 27, 30.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmx/exit_reasons.h"

/* The guest's registers that VMX does not switch. In the order of VMX's register numbers. */
struct guest_registers {
	union {
		struct {
			uint64_t rax, rcx, rdx, rbx, unused_rsp, rbp, rsi, rdi;
			uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
		};
		uint64_t number[16];
	};
};

/* What entry.S knows of a guest: the first member of its struct vcpu. */
struct vmx_guest {
	struct guest_registers registers;
	uint64_t host_rsp; /* what VMCS HOST_RSP holds */
	/*
	 * How many more entries vmx_enter() may make before it returns; below zero: it is asked to
	 * return before the next one. The value without its sign bit is what is left.
	 */
	int32_t entries_left;
	/*
	 * IA32_SPEC_CTRL as it is while the guest runs, where that is switched; `passed`: the guest
	 * may write it without an exit, so it is read at each.
	 */
	uint32_t spec_ctrl;
	bool spec_ctrl_passed;
	uint64_t exits[EXIT_REASON_COUNT]; /* that have happened, by basic reason */
};

enum vmx_entry_result {
	VMX_EXITED = 0,	      /* an exit that its caller has to handle: `reason` says which */
	VMX_FAIL_INVALID = 1, /* no current VMCS */
	VMX_FAIL_VALID = 2,   /* VMCS_INSTRUCTION_ERROR says why */
	VMX_ASKED = 3, /* every exit has been handled: it was asked to return, or none is left */
};

struct vmx_outcome {
	uint64_t result; /* enum vmx_entry_result */
	uint64_t reason; /* VMCS EXIT_REASON */
};

/*
 * Enters the guest of the current VMCS, by VMRESUME if it has been `launched`, else by VMLAUNCH.
 * After each exit it calls what vmx_exit_handlers has for the reason, with the guest as argument,
 * and enters again by VMRESUME, as long as guest->entries_left allows. Root mode, interrupts off.
 * The CPU's struct cpu has the address of entries_left, so that no NMI is slept through.
 */
struct vmx_outcome vmx_enter(struct vmx_guest *guest, bool launched);

/* The same with the steps of vmx/mitigations.h that vmx/mitigate.c has left in it. */
struct vmx_outcome vmx_enter_mitigated(struct vmx_guest *guest, bool launched);

/*
 * By basic exit reason: the function that handles it at once, or vmx_leave. Filled by vmm at boot.
 * An exit reason with any of its flags set is the caller's too (and not counted in exits[]).
 */
extern const void *vmx_exit_handlers[EXIT_REASON_COUNT];

/* No function: for reasons whose exits vmx_enter() returns with (VMX_EXITED). */
extern const char vmx_leave[];

/* VMLAUNCH or VMRESUME failed, before or while it loaded the guest's state (SDM Vol. 3C 26.8). */
static inline bool vmx_entry_failed(struct vmx_outcome outcome)
{
	return outcome.result == VMX_FAIL_VALID || outcome.result == VMX_FAIL_INVALID ||
	       (outcome.reason & EXIT_REASON_ENTRY_FAILURE);
}

/* Where VM exits arrive. */
extern const char vmx_exit[], vmx_exit_mitigated[];

#define VMX_RETURN_ASKED INT32_MIN

/* Asks that vmx_enter() returns before it enters the guest (again). From the CPU that runs it. */
static inline void vmx_ask_to_return(int32_t *entries_left)
{
	__atomic_fetch_or(entries_left, VMX_RETURN_ASKED, __ATOMIC_RELAXED);
}

/* Of `granted` entries, how many have been made, or have failed and not been given back. */
static inline uint32_t vmx_entries_made(const struct vmx_guest *guest, uint32_t granted)
{
	return granted - (guest->entries_left & INT32_MAX);
}
