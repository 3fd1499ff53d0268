/*
 * To real mode, from either width, with interrupts off and the interrupt vector table at 0; there
 * one way of calling what a PC's firmware does. Ends the VM with status 0 if it was handled.
 */
#include "firmware.h"
#include "support/segments.h"

#define CR0_PE 0x1
#define CR0_PG 0x80000000

#define AT(label) (REAL_BASE + (label) - real_blob)
#define PARAM(field) (REAL_PARAMS + (field))

	.globl real_go
#ifdef __x86_64__
	.code64
real_go:
	pushq $SEL_CODE32
	pushq $1f
	lretq
	.code32
1:	movl %cr0, %eax
	andl $~CR0_PG, %eax
	movl %eax, %cr0
	ljmp $SEL_CODE16, $REAL_BASE
#else
	.code32
real_go:
	ljmp $SEL_CODE16, $REAL_BASE
#endif

	.section .rodata
	.globl real_blob, real_blob_end
	.code16
real_blob:
	movw $SEL_DATA16, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movl %cr0, %eax
	andl $~CR0_PE, %eax
	movl %eax, %cr0
	ljmpw $0, $AT(1f)
1:	xorw %ax, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movl $REAL_STACK, %esp
	lidtw AT(vectors)
	movl PARAM(REAL_VECTOR), %ebx
	movl PARAM(REAL_EAX), %eax
	jmpw *PARAM(REAL_WAY)
vectors:
	.word 0x3ff
	.long 0

	.org real_blob + REAL_WAY_INT
	int $0 /* the vector is written over it */
	jmp leave

	.org real_blob + REAL_WAY_FAR_CALL
	shlw $2, %bx
	pushfw
	lcallw *(%bx)
	jmp leave

	.org real_blob + REAL_WAY_UNDEFINED
	ud2

	.org real_blob + REAL_WAY_DIVIDE
	xorw %cx, %cx
	divw %cx

	.org real_blob + REAL_WAY_TIMER
	movl $5, %eax /* HYPERCALL_SET_TIMER */
	movl $100, %ecx
	vmcall
	sti
	hlt
	jmp leave

	.org real_blob + REAL_WAY_RESET
	ljmpw $0xffff, $0

	.org real_blob + REAL_HANDLER
	incl %cs:PARAM(REAL_HANDLED) /* DS is the BIOS's in the hook of its ticks */
	iretw

leave:
	cli
	cmpl $1, PARAM(REAL_HANDLED)
	setne %al
	outb %al, $0xf4
	hlt

	/* one tick with the hook that is there, and one with a hook of our own */
	.org real_blob + REAL_WAY_TICK
	sti
1:	hlt
	cmpl $1, 0x46c
	jb 1b
	movl $(REAL_BASE + REAL_HANDLER), 0x1c * 4
2:	hlt
	cmpl $2, 0x46c
	jb 2b
	jmp leave
real_blob_end:
