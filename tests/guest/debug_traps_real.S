/* In real mode: one #DB a step, noted with where it should have been. */
#include "debug_traps_real.h"
#include "support/real.inc"

#define AT(label)  (REAL_BASE + (label) - debug_blob)
#define IN(offset) (REAL_BASE + (offset))

#define DR7_PORT8   0x20402 /* R/W0=10b, one byte */
#define DR7_WRITE8  0x10402
#define DR7_READ16  0x70402

.macro watch address, dr7
	movl $\address, %eax
	movl %eax, %dr0
	movl $\dr7, %eax
	movl %eax, %dr7
.endm

.macro note step, wanted
	pushl %eax
	movl $0x400, %eax
	movl %eax, %dr7
	movl IN(REAL_SEEN), %eax
	movl %eax, IN(REAL_NOTES) + 16 * \step
	movl IN(REAL_SEEN) + 4, %eax
	movl %eax, IN(REAL_NOTES) + 16 * \step + 4
	movl IN(REAL_SEEN) + 8, %eax
	movl %eax, IN(REAL_NOTES) + 16 * \step + 8
	movl $AT(\wanted), IN(REAL_NOTES) + 16 * \step + 12
	movl $0, IN(REAL_SEEN)
	popl %eax
.endm

	.section .rodata
	.balign 16
	.globl debug_blob, debug_blob_end, debug_blob_db
	.code16
debug_blob:
	enter_real_mode AT(real_mode)
real_mode:
	real_mode_segments AT(real_vectors)
	movl %cr4, %eax
	orb $8, %al /* DE */
	movl %eax, %cr4
	cld

	watch 0x80, DR7_PORT8
	outb %al, $0x80
after_out:
	note 0, after_out

	watch 0x80, DR7_PORT8
	movw $0x7f, %dx
	inw %dx, %ax
after_in:
	note 1, after_in

	watch IN(REAL_MEMORY), DR7_WRITE8
	movw $IN(REAL_MEMORY), %di
	movw $0x80, %dx
	insb
after_ins:
	note 2, after_ins

	/* the second of three elements */
	watch IN(REAL_MEMORY) + 2, DR7_READ16
	movw $IN(REAL_MEMORY), %si
	movw $3, %cx
the_outs:
	rep outsw
	note 3, the_outs

	watch IN(REAL_SELECTOR), DR7_READ16
	xorl %eax, %eax
	xorl %ecx, %ecx
	movw IN(REAL_SELECTOR), %ss
	cpuid
after_cpuid:
	note 4, after_cpuid

	fninit
	watch IN(REAL_SELECTOR), DR7_READ16
	movw IN(REAL_SELECTOR), %ss
	fnop
after_fnop:
	note 5, after_fnop

	xorl %eax, %eax
	xorl %ecx, %ecx
	pushfw
	movw %sp, %bp
	orw $0x100, (%bp)
	popfw
	cpuid
after_step:
	note 6, after_step

	cmpl $0, IN(REAL_HYPER)
	je no_hlt
	watch IN(REAL_SELECTOR), DR7_READ16
	movw IN(REAL_SELECTOR), %ss
	hlt
after_hlt:
	note 7, after_hlt
no_hlt:
	movl %cr4, %eax
	andb $0xf7, %al
	movl %eax, %cr4
	leave_real_mode

debug_blob_db:
	pushl %eax
	pushw %bp
	movw %sp, %bp
	incl IN(REAL_SEEN)
	movzwl 6(%bp), %eax
	movl %eax, IN(REAL_SEEN) + 4
	movl %dr6, %eax
	movl %eax, IN(REAL_SEEN) + 8
	movl $0xffff0ff0, %eax
	movl %eax, %dr6
	andw $0xfeff, 10(%bp) /* TF */
	popw %bp
	popl %eax
	iret

	.balign 4
real_vectors:
	.word 0x3ff
	.long 0
debug_blob_end:
