/*
 * VM entry and exit: the only code that sees host and guest registers at once.
 *
 * vmx_enter(guest %rdi, launched %esi) -> struct vmx_outcome in %rax and %rdx
 *
 * The short way of an exit is from vmx_exit through its handler to VMRESUME, straight down this
 * page. What has to be looked at on the way is one word: ENTRIES_LEFT.
 */
#include "offsets.h"

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
.macro nmi_window
	.pushsection .nmi_windows, "a"
	.quad	1f, 2f, asked
	.popsection
1:
.endm

	.globl vmx_enter
vmx_enter:
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
1:	test	%sil, %sil
	jnz	resume

	decl	GUEST_ENTRIES_LEFT(%rdi)
	nmi_window
	jl	asked
	load_registers
	vmlaunch
2:	jc	fail_invalid
	jz	fail_valid
	ud2

	/* A VM exit arrives here: RSP as above, RFLAGS = 2, all other registers the guest's. */
	.globl vmx_exit
	.balign 16
vmx_exit:
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

	/* no guest value stays in a register that C might use before it writes it */
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
resume:
	decl	GUEST_ENTRIES_LEFT(%rdi)
	nmi_window
	jl	asked			/* none is left, or the sign bit was set */
	load_registers
	vmresume
2:	jc	fail_invalid
	jz	fail_valid
	ud2

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

	.section .note.GNU-stack, "", @progbits
