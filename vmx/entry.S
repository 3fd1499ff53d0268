/*
 * VM entry and exit: the only code that sees host and guest registers at once.
 *
 * vmx_enter(guest %rdi, launched %esi) -> struct vmx_outcome in %rax and %rdx
 *
 * The short way of an exit is from vmx_exit through its handler to VMRESUME, straight down
 * make_way. What has to be looked at on the way is one word: ENTRIES_LEFT.
 */
#include "boot/layout.h"
#include "offsets.h"
#include "vmx/mitigations.h"

	.text

/* The guest's registers but RSP; the flags stay as they are. */
.macro load_registers
	mov	GUEST_RAX(%rdi), %rax
	mov	GUEST_RCX(%rdi), %rcx
	mov	GUEST_RDX(%rdi), %rdx
	mov	GUEST_RBX(%rdi), %rbx
	mov	GUEST_RBP(%rdi), %rbp
	mov	GUEST_RSI(%rdi), %rsi
	mov	GUEST_R8(%rdi), %r8
	mov	GUEST_R9(%rdi), %r9
	mov	GUEST_R10(%rdi), %r10
	mov	GUEST_R11(%rdi), %r11
	mov	GUEST_R12(%rdi), %r12
	mov	GUEST_R13(%rdi), %r13
	mov	GUEST_R14(%rdi), %r14
	mov	GUEST_R15(%rdi), %r15
	mov	GUEST_RDI(%rdi), %rdi
.endm

/*
 * From the look at ENTRIES_LEFT to VMLAUNCH or VMRESUME an NMI makes its handler return to `asked`.
 * One that came before the look has set the sign bit, one that comes after the entry is a VM exit.
 */
.macro nmi_window asked
	.pushsection .nmi_windows, "a"
	.quad	1f, 2f, \asked
	.popsection
1:
.endm

/*
 * A stretch of the way with mitigations: vmx/mitigate.c writes a jump over it where none of its steps
 * (vmx/mitigations.h) is taken. Five bytes at least, and nothing jumps into its midst.
 */
.macro mitigation name, steps
	.pushsection .mitigation_sites, "a"
	.quad	.L\name, .L\name\()_end, \steps
	.popsection
.L\name:
.endm
.macro mitigation_end name
.L\name\()_end:
.endm

/* IA32_SPEC_CTRL is the hypervisor's. RAX, RCX and RDX are free. */
.macro write_own_spec_ctrl
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	mov	mitigations_spec_ctrl, %eax
	xor	%edx, %edx
	wrmsr
.endm

/* Before the first RET and the first indirect branch that a guest may have trained. RDI: guest. */
.macro forget_branches
	mitigation exit_rsb_fill, STEP_RSB_FILL
	call	fill_return_stack
	mitigation_end exit_rsb_fill
	mitigation exit_rsb_barrier, STEP_RSB_BARRIER
	call	8f
	int3
8:	add	$8, %rsp
	lfence
	mitigation_end exit_rsb_barrier

	mitigation exit_spec_ctrl, STEP_SPEC_CTRL
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	cmpb	$0, GUEST_SPEC_CTRL_PASSED(%rdi)
	je	8f
	rdmsr
	mov	%eax, GUEST_SPEC_CTRL(%rdi)
8:	mov	mitigations_spec_ctrl, %eax
	mitigation exit_ibrs_kept, STEP_IBRS_KEPT
	cmp	%eax, GUEST_SPEC_CTRL(%rdi)
	je	9f
	mitigation_end exit_ibrs_kept
	xor	%edx, %edx
	wrmsr
9:	lfence				/* nothing is speculated past a WRMSR that is not done */
	mitigation_end exit_spec_ctrl

	mitigation exit_bhb_clear, STEP_BHB_CLEAR
	call	clear_branch_history
	mitigation_end exit_bhb_clear
.endm

/* What data of the hypervisor and of other guests the CPU may still hold goes. RDI, RSI stay. */
.macro empty_l1d
	mitigation enter_l1d_command, STEP_L1D_COMMAND
	mov	$MSR_IA32_FLUSH_CMD, %ecx
	mov	$1, %eax
	xor	%edx, %edx
	wrmsr
	mitigation_end enter_l1d_command
	mitigation enter_l1d_loads, STEP_L1D_LOADS
	call	fill_l1d
	mitigation_end enter_l1d_loads
.endm

/* From the look at ENTRIES_LEFT on; RDI: guest. */
.macro enter_by instruction, way, mitigated
	decl	GUEST_ENTRIES_LEFT(%rdi)
	nmi_window asked\way
	jl	asked\way			/* none is left, or the sign bit was set */
	.if \mitigated
	mitigation spec_ctrl_\instruction, STEP_SPEC_CTRL
	mov	GUEST_SPEC_CTRL(%rdi), %eax
	cmp	mitigations_spec_ctrl, %eax
	je	8f
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	xor	%edx, %edx
	wrmsr
8:	mitigation_end spec_ctrl_\instruction
	.endif
	load_registers
	.if \mitigated
	mitigation verw_\instruction, STEP_VERW
	verw	data_selector
	mitigation_end verw_\instruction
	.endif
	\instruction
2:	jc	fail_invalid\way
	jz	fail_valid\way
	ud2
.endm

/* All of it: once as short as it can be, once with what vmx/mitigations.h has. */
.macro make_way way, mitigated
	.globl vmx_enter\way
vmx_enter\way:
	push	%rbp
	mov	%rsp, %rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%rdi			/* top of stack at the exit: guest */

	cmp	%rsp, GUEST_HOST_RSP(%rdi)
	je	1f
	mov	$VMCS_HOST_RSP, %eax
	vmwrite	%rsp, %rax
	jc	fail_invalid
	jz	fail_valid
	mov	%rsp, GUEST_HOST_RSP(%rdi)
1:	.if \mitigated
	empty_l1d
	.endif
	test	%sil, %sil
	jnz	resume\way

	enter_by vmlaunch, \way, \mitigated

	/* A VM exit arrives here: RSP as above, RFLAGS = 2, all other registers the guest's. */
	.globl vmx_exit\way
	.balign 16
vmx_exit\way:
	push	%rdi
	mov	8(%rsp), %rdi
	mov	%rax, GUEST_RAX(%rdi)
	mov	%rcx, GUEST_RCX(%rdi)
	mov	%rdx, GUEST_RDX(%rdi)
	mov	%rbx, GUEST_RBX(%rdi)
	mov	%rbp, GUEST_RBP(%rdi)
	mov	%rsi, GUEST_RSI(%rdi)
	mov	%r8, GUEST_R8(%rdi)
	mov	%r9, GUEST_R9(%rdi)
	mov	%r10, GUEST_R10(%rdi)
	mov	%r11, GUEST_R11(%rdi)
	mov	%r12, GUEST_R12(%rdi)
	mov	%r13, GUEST_R13(%rdi)
	mov	%r14, GUEST_R14(%rdi)
	mov	%r15, GUEST_R15(%rdi)
	pop	GUEST_RDI(%rdi)
	.if \mitigated
	forget_branches
	.endif

	/*
	 * No guest value stays in a register that C might use before it writes it; it saves RBX and
	 * R12 to R15 before. RBP is that of vmx_enter again, for backtraces.
	 */
	lea	48(%rsp), %rbp
	mov	$VMCS_EXIT_REASON, %ecx
	vmread	%rcx, %rax
	jbe	read_failed
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d

	cmp	$EXIT_REASON_COUNT, %eax
	jae	exited			/* of no kind that is known, or with flags */
	incq	GUEST_EXITS(%rdi, %rax, 8)
	call	*vmx_exit_handlers(, %rax, 8)

	mov	(%rsp), %rdi
resume\way:
	enter_by vmresume, \way, \mitigated
.endm

	make_way , 0

	/* In the place of a handler: the caller of vmx_enter has it. */
	.globl vmx_leave
vmx_leave:
	add	$8, %rsp
exited:
	mov	%eax, %edx		/* the reason */
	xor	%eax, %eax		/* VMX_EXITED */
	jmp	leave

	/* These rely on no register but RSP, which VMX instructions that fail leave alone. */
fail_invalid:
	mov	$VMX_FAIL_INVALID, %eax
	jmp	no_exit
fail_valid:
	mov	$VMX_FAIL_VALID, %eax
	jmp	no_exit
asked:
	mov	(%rsp), %rdi
	incl	GUEST_ENTRIES_LEFT(%rdi)	/* this one was not made */
	mov	$VMX_ASKED, %eax
no_exit:
	xor	%edx, %edx

	/* No guest value stays in a register that C might use before it writes it. */
leave:
	xor	%ecx, %ecx
	xor	%esi, %esi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	pop	%rdi
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret

read_failed:
	mov	%ecx, %edi
	xor	%esi, %esi
	call	vmcs_access_failed

	make_way _mitigated, 1

	/* IA32_SPEC_CTRL may be the guest's already. */
fail_invalid_mitigated:
	call	take_spec_ctrl
	jmp	fail_invalid
fail_valid_mitigated:
	call	take_spec_ctrl
	jmp	fail_valid
asked_mitigated:
	call	take_spec_ctrl
	jmp	asked
take_spec_ctrl:
	mitigation take_back_spec_ctrl, STEP_SPEC_CTRL
	write_own_spec_ctrl
	mitigation_end take_back_spec_ctrl
	ret

	.section .rodata
data_selector:
	.short	SELECTOR_DATA

	.section .note.GNU-stack, "", @progbits
