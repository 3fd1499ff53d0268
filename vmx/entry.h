/*
 * VM entry and exit. SDM Vol. 3C chapters 26, 27, 30.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The guest's registers that VMX does not switch. In the order of VMX's register numbers. */
struct guest_registers {
	union {
		struct {
			uint64_t rax, rcx, rdx, rbx, unused_rsp, rbp, rsi, rdi;
			uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
		};
		uint64_t number[16];
	};
	uint64_t host_rsp; /* what VMCS HOST_RSP holds */
	/* exits that may still go straight back; negative: the run loop is to look */
	int32_t short_exits;
};

enum vmx_entry_result {
	VMX_EXITED = 0,	      /* the guest ran (or entry failed with an exit reason) */
	VMX_FAIL_INVALID = 1, /* no current VMCS */
	VMX_FAIL_VALID = 2,   /* VMCS_INSTRUCTION_ERROR says why */
	VMX_NMI_FIRST = 3,    /* an NMI came just before the entry: nothing was done */
};

/*
 * Enters the guest of the current VMCS and returns after the next VM exit. Root mode, interrupts
 * off. `launched` chooses VMRESUME, else VMLAUNCH. NMIs that came since `nmi_count` had the value
 * `nmi_seen` are not slept through: it returns VMX_NMI_FIRST.
 */
enum vmx_entry_result vmx_enter(struct guest_registers *registers, bool launched,
				const volatile uint64_t *nmi_count, uint64_t nmi_seen);
