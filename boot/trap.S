/*
 * One stub a vector; each pushes a struct trap_frame (boot/trap_frame.h) and calls C.
 */
#include "boot/layout.h"

	.text
	.globl vector_stubs
	.balign 16
vector_stubs:
	.set vector, 0
	.rept 256
	.balign 16
	/* vectors where the CPU pushes no error code get a zero (SDM Vol. 3A 6.15) */
	.if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30)
	push	$0
	.endif
	push	$vector
	.if vector == 18
	jmp	machine_check_common
	.else
	jmp	vector_common
	.endif
	.set vector, vector + 1
	.endr

.macro handle_in_c
	push	%rax
	push	%rcx
	push	%rdx
	push	%rbx
	push	%rbp
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	cld
	mov	%rsp, %rdi
	call	trap_handle
.endm

.macro restore_registers
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rbp
	pop	%rbx
	pop	%rdx
	pop	%rcx
	pop	%rax
	add	$16, %rsp		/* vector, error code */
.endm

	.globl vector_common
vector_common:
	handle_in_c
	restore_registers
	iretq

	/*
	 * IRET would let NMIs in, and the machine check may have struck the NMI handler: another NMI
	 * would begin on the stack that this one is still on. So it goes back without, by way of the
	 * interrupted stack, which is the hypervisor's own and has no red zone.
	 */
#define FRAME_RIP    (17 * 8)
#define FRAME_RFLAGS (19 * 8)
#define FRAME_RSP    (20 * 8)
machine_check_common:
	handle_in_c
	mov	FRAME_RSP(%rsp), %rax
	mov	FRAME_RIP(%rsp), %rcx
	mov	FRAME_RFLAGS(%rsp), %rdx
	mov	%rcx, -8(%rax)
	mov	%rdx, -16(%rax)
	sub	$16, %rax
	mov	%rax, FRAME_RSP(%rsp)
	restore_registers
	mov	24(%rsp), %rsp		/* past RIP, CS, RFLAGS: RSP */
	popfq
	ret

	.section .note.GNU-stack, "", @progbits
