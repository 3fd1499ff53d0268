/* To real mode and back, from either width; and to compatibility mode and back. */
#include "exits_real.h"
#include "support/segments.h"

#define CR0_PE 0x1
#define CR0_PG 0x80000000

#define AT(label) (REAL_BASE + (label) - real_blob)
#define RESULT(field) (REAL_BASE + REAL_RESULTS + (field))

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

back_from_real:
	movl $SEL_DATA, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %fs
	movl %eax, %gs
	movl %eax, %ss
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

/* uint32_t compatibility_trip(void): EBX of CPUID leaf 0, executed in compatibility mode. */
	.globl compatibility_trip
compatibility_trip:
	pushq %rbx
	pushq $SEL_CODE32
	pushq $1f
	lretq
	.code32
1:	xorl %eax, %eax
	xorl %ecx, %ecx
	cpuid
	ljmp $SEL_CODE64, $2f
	.code64
2:	movl %ebx, %eax
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

back_from_real:
	movl $SEL_DATA, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %fs
	movl %eax, %gs
	movl %eax, %ss
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

	.section .rodata
	.balign 16
	.globl real_blob, real_blob_end
	.code16
real_blob:
	jmp real_entry

	.org real_blob + REAL_HANDLER_DE
	incl RESULT(REAL_DIVIDES)
	movw $1, %cx /* the divisor, and once more */
	iret

	.org real_blob + REAL_HANDLER_UD
	incl RESULT(REAL_UNDEFINEDS)
	pushw %bp
	movw %sp, %bp
	addw $2, 2(%bp) /* behind the UD2 */
	popw %bp
	iret

	.org real_blob + REAL_HANDLER_INT
	incl RESULT(REAL_INTS)
	iret

	.org real_blob + REAL_HANDLER_TIMER
	incl RESULT(REAL_TIMERS)
	iret

	.balign 16
real_entry: /* 16-bit protected mode */
	movw $SEL_DATA16, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %fs
	movw %ax, %gs
	movw %ax, %ss
	movl %cr0, %eax
	andl $~CR0_PE, %eax
	movl %eax, %cr0
	ljmpw $0, $AT(real_mode)
real_mode:
	xorw %ax, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %fs
	movw %ax, %gs
	movw %ax, %ss
	movl $REAL_STACK, %esp
	lidtw AT(real_vectors)

	movl %cr0, %eax
	movl %eax, RESULT(REAL_CR0)
	int $REAL_VECTOR_INT
	xorw %dx, %dx
	movw $100, %ax
	xorw %cx, %cx
	divw %cx
	ud2
	xorl %eax, %eax
	xorl %ecx, %ecx
	cpuid
	movl %ebx, RESULT(REAL_CPUID_EBX)
	xorl %eax, %eax
	movw $0x2000, %dx
	inb %dx, %al
	movl %eax, RESULT(REAL_PORT)
	outb %al, $0x80
	movl $0x277, %ecx
	rdmsr
	movl %eax, RESULT(REAL_MSR_LOW)
	fninit
	fnstcw RESULT(REAL_FCW)

	cmpl $0, RESULT(REAL_HYPERCALLS)
	je no_hypercalls
	xorl %eax, %eax
	vmcall
	movl %eax, RESULT(REAL_VERSION)
	movl $5, %eax /* HYPERCALL_SET_TIMER */
	movl $REAL_VECTOR_TIMER, %ebx
	movl $100, %ecx
	vmcall
	movl $2, %eax /* HYPERCALL_YIELD */
	vmcall
	sti
	hlt
	cli
no_hypercalls:
	movl $0x600d, RESULT(REAL_DONE)

	movl %cr0, %eax
	orl $CR0_PE, %eax
	movl %eax, %cr0
	ljmpl $SEL_CODE32, $back_from_real

	.balign 4
real_vectors:
	.word 0x3ff
	.long 0
real_blob_end:
