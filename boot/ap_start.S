/*
 * Where another CPU begins: from real mode to C.
 *
 * A start-up IPI sets CS to the page that boot/smp.c copied the first part to, and IP to 0 (SDM
 * Vol. 3A 8.4.3). Every CPU that comes takes a ticket, and waits without a stack until the first
 * CPU calls its number: one that comes late, or that nobody expected, waits for ever.
 */
#include "boot/layout.h"

#define SELECTOR_CODE32 0x18 /* of boot/start.S' GDT */

	.section .rodata
	.code16
	.globl	ap_real_mode, ap_real_mode_end
ap_real_mode:
	cli
	cld
	mov	%cs, %ax
	mov	%ax, %ds
	lgdtl	gdt_pointer - ap_real_mode
	mov	%cr0, %eax
	or	$1, %eax
	mov	%eax, %cr0
	ljmpl	$SELECTOR_CODE32, $ap_protected_mode
gdt_pointer:
	.short	4 * 8 - 1
	.long	boot_gdt
ap_real_mode_end:

	.text
	.code32
ap_protected_mode:
	mov	$SELECTOR_DATA, %eax
	mov	%eax, %ds
	mov	%eax, %ss
	mov	$ap64, %edi
	jmp	enter_long_mode

	.code64
ap64:
	mov	$1, %ebx
	lock xadd %ebx, ap_tickets
1:	pause
	mov	ap_called, %eax
	cmp	$-1, %eax		/* all CPUs that are wanted have come */
	je	2f
	cmp	%eax, %ebx
	jne	1b
	mov	ap_stack, %rsp
	mov	ap_cpu, %rdi
	xor	%ebp, %ebp		/* the end of every backtrace */
	call	*ap_main
2:	cli
	hlt
	jmp	2b

	.data
	.balign	8
	.globl	ap_tickets, ap_called, ap_stack, ap_cpu, ap_main
ap_stack:
	.quad	0
ap_cpu:
	.quad	0
ap_main:
	.quad	0
ap_tickets:
	.long	1			/* the next one: 0 is called at first, and nobody has it */
ap_called:
	.long	0

	.section .note.GNU-stack, "", @progbits
