/*
 * One stub a vector; each pushes a struct trap_frame (boot/trap.h) and calls C.
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
	jmp	vector_common
	.set vector, vector + 1
	.endr

	.globl vector_common
vector_common:
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
	iretq

	.section .note.GNU-stack, "", @progbits
