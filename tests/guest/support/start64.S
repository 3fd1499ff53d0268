/*
 * Entry of a 64-bit guest: protected mode by multiboot 1, then long mode with the first 4 GiB
 * identity-mapped by 2 MiB pages, open to user mode as well.
 */
#include "multiboot.h"
#include "modes.inc"

#define PAGE_TABLE 0x007 /* present, writable, user */
#define PAGE_LARGE 0x087

	.section .multiboot, "a"
	.balign 4
	.long MULTIBOOT_HEADER_MAGIC
	.long MULTIBOOT_HEADER_FLAGS
	.long -(MULTIBOOT_HEADER_MAGIC + MULTIBOOT_HEADER_FLAGS)

	.text
	.code32
	.globl start
start:
	cli
	cld
	movl $stack_top, %esp
	movl %eax, %ebp
	movl %ebx, %esi
	lgdt gdt_pointer

	/* the level-4 table, then the level-3 one with its four tables behind it */
	movl $page_level3 + PAGE_TABLE, page_level4
	movl $page_level2 + PAGE_TABLE, %eax
	movl $page_level3, %edi
	movl $4, %ecx
1:	movl %eax, (%edi)
	addl $0x1000, %eax
	addl $8, %edi
	loop 1b
	movl $PAGE_LARGE, %eax
	movl $page_level2, %edi
	movl $2048, %ecx
2:	movl %eax, (%edi)
	addl $0x200000, %eax
	addl $8, %edi
	loop 2b

	enter_long_mode
	ljmp $SEL_CODE64, $start_long

	.code64
start_long:
	load_data_segments
	movl $stack_top, %esp
	pushq $0
	popfq
	movl %ebp, %edi
	xorl %ebp, %ebp
	call guest_start
3:	cli
	hlt
	jmp 3b

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
	.quad gdt

	.bss
	.balign 4096
	.globl page_level4, page_level3, page_level2
page_level4:
	.skip 4096
page_level3:
	.skip 4096
page_level2:
	.skip 4 * 4096
	.skip 64 * 1024
	.globl stack_top
stack_top:
	.skip 16
