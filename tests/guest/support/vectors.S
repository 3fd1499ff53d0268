/*
 * 256 interrupt entries of 16 bytes each, the common path into trap_dispatch(), and the way to
 * user mode and back. No FPU register is touched here.
 */
#include "segments.h"

/* Vectors for which the CPU pushes an error code: 8, 10-14, 17, 21. */
#define HAS_ERROR_CODE(v) (((0x227d00 >> (v)) & 1) != 0 && (v) < 32)

	.text
	.balign 16
	.globl trap_entries
trap_entries:
	.set vector, 0
	.rept 256
	.balign 16
	.if (vector >= 32) || (((0x227d00 >> (vector & 31)) & 1) == 0)
	push $0
	.endif
	.byte 0x68 /* push imm32 */
	.long vector
	jmp trap_common
	.set vector, vector + 1
	.endr

#ifdef __x86_64__
	.balign 16
trap_common:
	cld
	pushq %r15
	pushq %r14
	pushq %r13
	pushq %r12
	pushq %r11
	pushq %r10
	pushq %r9
	pushq %r8
	pushq %rbp
	pushq %rdi
	pushq %rsi
	pushq %rdx
	pushq %rcx
	pushq %rbx
	pushq %rax
	movq %rsp, %rdi
	movq %rsp, %rbp
	andq $-16, %rsp
	call trap_dispatch
	movq %rbp, %rsp
	popq %rax
	popq %rbx
	popq %rcx
	popq %rdx
	popq %rsi
	popq %rdi
	popq %rbp
	popq %r8
	popq %r9
	popq %r10
	popq %r11
	popq %r12
	popq %r13
	popq %r14
	popq %r15
	addq $16, %rsp
	iretq

/* void user_enter(uintptr_t code, uintptr_t stack, uintptr_t flags): returns by user_unwind. */
	.globl user_enter
user_enter:
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, user_return
	pushq $SEL_USER_DATA
	pushq %rsi
	pushq %rdx
	pushq $SEL_USER_CODE
	pushq %rdi
	iretq

	.globl user_unwind
user_unwind:
	movq user_return, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	ret
#else
	.balign 16
trap_common:
	cld
	pushl %ebp
	pushl %edi
	pushl %esi
	pushl %edx
	pushl %ecx
	pushl %ebx
	pushl %eax
	movl %ss, %eax /* user mode may have left its own selectors */
	movl %eax, %ds
	movl %eax, %es
	movl %esp, %ebp
	andl $-16, %esp
	subl $12, %esp
	pushl %ebp
	call trap_dispatch
	movl %ebp, %esp
	popl %eax
	popl %ebx
	popl %ecx
	popl %edx
	popl %esi
	popl %edi
	popl %ebp
	addl $8, %esp
	iretl

/* void user_enter(uintptr_t code, uintptr_t stack, uintptr_t flags): returns by user_unwind. */
	.globl user_enter
user_enter:
	movl 4(%esp), %eax
	movl 8(%esp), %ecx
	movl 12(%esp), %edx
	pushl %ebx
	pushl %ebp
	pushl %esi
	pushl %edi
	movl %esp, user_return
	pushl $SEL_USER_DATA
	pushl %ecx
	pushl %edx
	pushl $SEL_USER_CODE
	pushl %eax
	movl $SEL_USER_DATA, %eax
	movl %eax, %ds
	movl %eax, %es
	iretl

	.globl user_unwind
user_unwind:
	movl $SEL_DATA, %eax
	movl %eax, %ds
	movl %eax, %es
	movl user_return, %esp
	popl %edi
	popl %esi
	popl %ebp
	popl %ebx
	ret
#endif

	.bss
	.balign 8
user_return:
	.skip 8
