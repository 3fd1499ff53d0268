/* A CPU that was started by INIT and SIPI, from real mode to smp_main(). */
#include "smp_start.h"
#include "support/modes.inc"

#define CR0_PE	 0x00000001
#define CR0_CACHE 0x60000000 /* CD, NW */

	.text
	.code16
	.globl smp_blob, smp_blob_end
smp_blob:
	cli
	movl %edx, %esi		/* what INIT leaves there */
	movl %cr0, %edi
	movw %cs, %ax
	movw %ax, %ds
	lgdtl smp_gdt - smp_blob
	movl %edi, %eax
	andl $~CR0_CACHE, %eax
	orl $CR0_PE, %eax
	movl %eax, %cr0
	ljmpl $SEL_CODE32, $smp_protected
	.balign 4
smp_gdt:
	.word GDT_BYTES - 1
	.long gdt
smp_blob_end:

	.code32
smp_protected:
	load_data_segments
	movl $1, %eax
	cpuid
	shrl $24, %ebx		/* its APIC ID, the stack's number */
	movl %ebx, %ebp
	leal 1(%ebx), %eax
	shll $SMP_STACK_SHIFT, %eax
	addl $smp_stacks, %eax
	movl %eax, %esp
#ifdef __x86_64__
	enter_long_mode
	ljmp $SEL_CODE64, $1f
	.code64
1:	movl %esp, %esp
	movl %esi, %edx
	movl %edi, %esi
	movl %ebp, %edi
	xorl %ebp, %ebp
	call smp_main
#else
	subl $4, %esp		/* aligned at the call */
	pushl %esi
	pushl %edi
	pushl %ebp
	xorl %ebp, %ebp
	call smp_main
#endif
	ud2

	.bss
	.balign 4096
	.globl smp_stacks
smp_stacks:
	.skip SMP_CPUS_MAX * SMP_STACK_SIZE
