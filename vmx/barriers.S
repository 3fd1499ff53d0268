/*
 * What vmx/entry.S and vmx/mitigate.c do about speculation that takes more than an instruction.
 * Intel's guidance "Branch History Injection and Intra-mode Branch Target Injection", "L1 Terminal
 * Fault", "Speculative Execution Side Channel Mitigations". Each leaves RDI and RSI alone; they are
 * not C's to call but where they say so.
 */
#define RSB_ENTRIES	32	/* as many as any CPU has, or more */
#define L1D_SIZE	0x10000 /* 64 KiB: more than any L1D has */
#define CACHE_LINE	64
#define PAGE		4096

	.text

/*
 * Each entry of the return stack buffer leads to an INT3, for a RET that has no CALL of ours.
 * void fill_return_stack(void) to C; RAX is used.
 */
	.globl fill_return_stack
fill_return_stack:
	mov	$RSB_ENTRIES / 2, %eax
1:	call	2f
	int3
2:	call	3f
	int3
3:	dec	%eax
	jnz	1b
	add	$8 * RSB_ENTRIES, %rsp
	lfence
	ret

/*
 * So many taken branches that none of the guest's is in the history any more. What the loops are
 * made of is prescribed: CALL, RET and jumps whose targets lie in lines of their own. RAX and RCX
 * are used.
 */
	.globl clear_branch_history
clear_branch_history:
	mov	mitigations_history, %ecx
	call	1f
	lfence
	ret
	.balign 64, 0xcc
1:	call	2f
	ret
	.balign 64, 0xcc
2:	mov	mitigations_history + 4, %eax
3:	jmp	4f
	nop
4:	sub	$1, %eax
	jnz	3b
	sub	$1, %ecx
	jnz	1b
	ret

/*
 * The L1D holds nothing but lines of l1d_filling. Its pages are touched before, so that no walk of
 * the page tables comes between. RAX is used.
 */
	.globl fill_l1d
fill_l1d:
	xor	%eax, %eax
1:	testb	$0, l1d_filling(%rax)
	add	$PAGE, %eax
	cmp	$L1D_SIZE, %eax
	jb	1b
	lfence
	xor	%eax, %eax
2:	testb	$0, l1d_filling(%rax)
	add	$CACHE_LINE, %eax
	cmp	$L1D_SIZE, %eax
	jb	2b
	lfence
	ret

	.bss
	.balign PAGE
l1d_filling:
	.skip	L1D_SIZE

	.section .note.GNU-stack, "", @progbits
