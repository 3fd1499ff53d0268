/*
 * Compiled to assembly only: the Makefile turns each "->NAME value" into a line of offsets.h for
 * vmx/entry.S, so that no offset is typed by hand.
 */
#include <stddef.h>

#include "vmx/entry.h"
#include "vmx/vmcs.h"

#define CONSTANT(name, value) __asm__ volatile("\n->" #name " %0" : : "i"(value))
#define GUEST(upper, lower)   CONSTANT(GUEST_##upper, offsetof(struct vmx_guest, registers.lower))

void offsets(void);
void offsets(void)
{
	GUEST(RAX, rax);
	GUEST(RCX, rcx);
	GUEST(RDX, rdx);
	GUEST(RBX, rbx);
	GUEST(RBP, rbp);
	GUEST(RSI, rsi);
	GUEST(RDI, rdi);
	GUEST(R8, r8);
	GUEST(R9, r9);
	GUEST(R10, r10);
	GUEST(R11, r11);
	GUEST(R12, r12);
	GUEST(R13, r13);
	GUEST(R14, r14);
	GUEST(R15, r15);
	CONSTANT(GUEST_HOST_RSP, offsetof(struct vmx_guest, host_rsp));
	CONSTANT(GUEST_ENTRIES_LEFT, offsetof(struct vmx_guest, entries_left));
	CONSTANT(GUEST_SPEC_CTRL, offsetof(struct vmx_guest, spec_ctrl));
	CONSTANT(GUEST_SPEC_CTRL_PASSED, offsetof(struct vmx_guest, spec_ctrl_passed));
	CONSTANT(GUEST_EXITS, offsetof(struct vmx_guest, exits));
	CONSTANT(EXIT_REASON_COUNT, EXIT_REASON_COUNT);
	CONSTANT(VMCS_EXIT_REASON, VMCS_EXIT_REASON);
	CONSTANT(VMCS_HOST_RSP, VMCS_HOST_RSP);
	CONSTANT(VMX_FAIL_INVALID, VMX_FAIL_INVALID);
	CONSTANT(VMX_FAIL_VALID, VMX_FAIL_VALID);
	CONSTANT(VMX_ASKED, VMX_ASKED);
}
