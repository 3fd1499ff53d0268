/* Entry of a 32-bit guest: protected mode by multiboot 1, paging stays off. */
#include "multiboot.h"
#include "segments.h"

	.section .multiboot, "a"
	.balign 4
	.long MULTIBOOT_HEADER_MAGIC
	.long MULTIBOOT_HEADER_FLAGS
	.long -(MULTIBOOT_HEADER_MAGIC + MULTIBOOT_HEADER_FLAGS)

	.text
	.globl start
start:
	cli
	cld
	movl $stack_top, %esp
	movl %eax, %esi

	lgdt gdt_pointer
	ljmp $SEL_CODE32, $1f
1:	movl $SEL_DATA, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %fs
	movl %eax, %gs
	movl %eax, %ss

	pushl $0
	popfl
	xorl %ebp, %ebp
	subl $8, %esp /* the stack is 16-byte aligned at the call */
	pushl %ebx
	pushl %esi
	call guest_start
2:	cli
	hlt
	jmp 2b

	.data
	.balign 8
	.globl gdt
gdt:
	.quad 0
	.quad 0x00cf9b000000ffff /* 32-bit code */
	.quad 0x00cf93000000ffff /* data */
	.quad 0x00af9b000000ffff /* 64-bit code */
	.quad 0x00cffb000000ffff /* user 32-bit code */
	.quad 0x00cff3000000ffff /* user data */
	.quad 0x00affb000000ffff /* user 64-bit code */
	.quad 0, 0               /* TSS: trap_init() fills it in */
	.quad 0x00009b000000ffff /* 16-bit code */
	.quad 0x000093000000ffff /* 16-bit data */
	.quad 0                  /* spare */
	.globl gdt_pointer
gdt_pointer:
	.word GDT_BYTES - 1
	.long gdt

	.bss
	.balign 4096
	.skip 64 * 1024
	.globl stack_top
stack_top:
	.skip 16
