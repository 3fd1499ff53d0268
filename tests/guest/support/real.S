/* To real mode and back, from either width. */
#include "real.h"
#include "modes.inc"

#ifdef __x86_64__
	.code64
	.globl real_mode_trip
real_mode_trip:
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movl %esp, saved_stack
	pushq $SEL_CODE32
	pushq $1f
	lretq
	.code32
1:	movl $SEL_DATA, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl %cr0, %eax
	andl $~CR0_PG, %eax
	movl %eax, %cr0
	ljmp $SEL_CODE16, $REAL_BASE

	.globl back_from_real
back_from_real:
	load_data_segments
	movl %cr0, %eax
	orl $CR0_PG, %eax
	movl %eax, %cr0
	ljmp $SEL_CODE64, $2f
	.code64
2:	movl saved_stack, %esp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	ret
#else
	.code32
	.globl real_mode_trip
real_mode_trip:
	pushl %ebx
	pushl %ebp
	pushl %esi
	pushl %edi
	movl %esp, saved_stack
	ljmp $SEL_CODE16, $REAL_BASE

	.globl back_from_real
back_from_real:
	load_data_segments
	movl saved_stack, %esp
	popl %edi
	popl %esi
	popl %ebp
	popl %ebx
	ret
#endif

	.data
	.balign 4
saved_stack:
	.long 0
