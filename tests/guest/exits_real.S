/* To real mode and back, from either width; and to compatibility mode and back. */
#include "exits_real.h"
#include "support/real.inc"

#define AT(label) (REAL_BASE + (label) - real_blob)
#define RESULT(field) (REAL_BASE + REAL_RESULTS + (field))

#ifdef __x86_64__
	.code64
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
#endif

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
	enter_real_mode AT(real_mode)
real_mode:
	real_mode_segments AT(real_vectors)

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
	leave_real_mode

	.balign 4
real_vectors:
	.word 0x3ff
	.long 0
real_blob_end:
