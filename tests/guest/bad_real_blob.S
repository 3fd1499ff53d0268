/* Copied to 8000h and run there: real mode, CS=0803h, a few exits, and the exit port. */
#include "support/segments.h"

#ifndef __x86_64__
	.code32
	.globl real_mode_cs_go
real_mode_cs_go:
	ljmp $SEL_CODE16, $0x8000

	.section .rodata
	.globl real_mode_cs_blob, real_mode_cs_end
	.code16
real_mode_cs_blob:
	movw $SEL_DATA16, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movl %cr0, %eax
	andl $~1, %eax
	movl %eax, %cr0
	ljmpw $0x0803, $(1f - real_mode_cs_blob - 0x30)
	.org real_mode_cs_blob + 0x40 /* CS starts at 8030h */
1:	xorw %ax, %ax
	movw %ax, %ds
	movw %ax, %ss
	movw $100, %cx
2:	pushw %cx
	xorl %eax, %eax
	cpuid
	inb $0x80, %al
	popw %cx
	loop 2b
	xorb %al, %al
	outb %al, $0xf4
3:	jmp 3b
real_mode_cs_end:
#endif
