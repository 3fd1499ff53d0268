/*
 * VM entry and exit: the only code that sees host and guest registers at once.
 *
 * vmx_enter(registers %rdi, launched %esi, nmi_count %rdx, nmi_seen %rcx) -> enum vmx_entry_result
 */
#include "offsets.h"

	.text
	.globl vmx_enter
vmx_enter:
	push	%rbp
	mov	%rsp, %rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%rdi			/* top of stack at the exit: registers */

	cmp	%rsp, GUEST_HOST_RSP(%rdi)
	je	1f
	mov	$VMCS_HOST_RSP, %eax
	vmwrite	%rsp, %rax
	jc	fail_invalid
	jz	fail_valid
	mov	%rsp, GUEST_HOST_RSP(%rdi)
1:
	/*
	 * From here to VMLAUNCH or VMRESUME an NMI makes its handler return to nmi_first: one that
	 * came before is seen by the comparison, one that comes after the entry is a VM exit.
	 */
nmi_window_start:
	cmp	%rcx, (%rdx)
	jne	nmi_first

	test	%sil, %sil		/* loads below leave the flags alone */
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
	jz	launch
	vmresume
	jc	fail_invalid
	jz	fail_valid
	ud2
launch:
	vmlaunch
nmi_window_end:
	jc	fail_invalid
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
	pop	%rax
	mov	%rax, GUEST_RDI(%rdi)
	xor	%eax, %eax		/* VMX_EXITED */
	jmp	leave

	/* These rely on no register but RSP, which VMX instructions that fail leave alone. */
fail_invalid:
	mov	$VMX_FAIL_INVALID, %eax
	jmp	leave
fail_valid:
	mov	$VMX_FAIL_VALID, %eax
	jmp	leave
nmi_first:
	mov	$VMX_NMI_FIRST, %eax

	/* No guest value stays in a register that C might use before it writes it. */
leave:
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%edi, %edi
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

	.section .nmi_windows, "a"
	.quad nmi_window_start, nmi_window_end, nmi_first

	.section .note.GNU-stack, "", @progbits
