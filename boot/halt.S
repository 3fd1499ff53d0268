/*
 * halt_unless(const volatile uint64_t *words %rdi, of which there are two): halts with interrupts on until one comes, or an
 * NMI, and returns with interrupts off; not at all if a word is not 0. Whoever sets one sends an NMI
 * after it: one that strikes between the look and HLT makes its handler return to the end.
 */
	.text
	.globl halt_unless
halt_unless:
	.pushsection .nmi_windows, "a"
	.quad	1f, 2f, 2f
	.popsection
1:	mov	(%rdi), %rax
	or	8(%rdi), %rax
	jnz	2f
	sti
	hlt
2:	cli
	ret

	.section .note.GNU-stack, "", @progbits
