/*
 * The one site of each FPU, XSAVE and vector instruction in the hypervisor: a check on the
 * disassembly (tools/check_vector.py) finds none outside the functions of this file. All of them run with
 * CR0.TS clear. SDM Vol. 1 chapters 10.5 and 13.
 */
	.text

.macro function name
	.globl \name
	.type \name, @function
\name:
	push	%rbp			/* a frame, so that a backtrace names the caller */
	mov	%rsp, %rbp
.endm

.macro return
	pop	%rbp
	ret
.endm

/*
 * An instruction on the image at %rdi; XSAVE's family takes the component mask %rsi in EDX:EAX.
 * Returns true, or false after #GP or #UD (boot/trap.c: fixups).
 */
.macro image_instruction name instruction
function \name
	mov	%esi, %eax
	mov	%rsi, %rdx
	shr	$32, %rdx
1:	\instruction	(%rdi)
	mov	$1, %eax
	return
2:	xor	%eax, %eax
	return
	.pushsection .fixups, "a"
	.quad	1b, 2b
	.popsection
.endm

	image_instruction fpu_xsave64, xsave64
	image_instruction fpu_xsave32, xsave
	image_instruction fpu_xsaveopt64, xsaveopt64
	image_instruction fpu_xsavec64, xsavec64
	image_instruction fpu_xsaves64, xsaves64
	image_instruction fpu_xrstors64, xrstors64
	image_instruction fpu_xrstor64, xrstor64
	image_instruction fpu_xrstor32, xrstor
	image_instruction fpu_fxsave64, fxsave64
	image_instruction fpu_fxsave32, fxsave
	image_instruction fpu_fxrstor64, fxrstor64
	image_instruction fpu_fxrstor32, fxrstor

/* fpu_xsetbv(value %rdi): XCR0 */
function fpu_xsetbv
	xor	%ecx, %ecx
	mov	%edi, %eax
	mov	%rdi, %rdx
	shr	$32, %rdx
	xsetbv
	return

/*
 * PKRU does not heed CR0.TS. It takes CR4.PKE, which is clear in root mode else, so that a guest's
 * keys never apply to the hypervisor's own accesses. Meanwhile memory is not written.
 */
.macro pke_begin
	mov	%cr4, %r8
	mov	%r8, %r9
	bts	$22, %r9
	mov	%r9, %cr4
	xor	%ecx, %ecx
.endm

.macro pke_end
	mov	%r8, %cr4
.endm

function fpu_rdpkru
	pke_begin
	rdpkru
	pke_end
	return

function fpu_wrpkru
	mov	%edi, %eax
	xor	%edx, %edx
	pke_begin
	wrpkru
	pke_end
	return

/* fpu_clear_sse(address %rdi, bytes %rsi), fpu_clear_avx: both multiples of 128, from a host section */
function fpu_clear_sse
	xorps	%xmm0, %xmm0
1:	movaps	%xmm0, (%rdi)
	movaps	%xmm0, 16(%rdi)
	movaps	%xmm0, 32(%rdi)
	movaps	%xmm0, 48(%rdi)
	movaps	%xmm0, 64(%rdi)
	movaps	%xmm0, 80(%rdi)
	movaps	%xmm0, 96(%rdi)
	movaps	%xmm0, 112(%rdi)
	add	$128, %rdi
	sub	$128, %rsi
	jnz	1b
	return

function fpu_clear_avx
	vxorps	%ymm0, %ymm0, %ymm0
1:	vmovaps	%ymm0, (%rdi)
	vmovaps	%ymm0, 32(%rdi)
	vmovaps	%ymm0, 64(%rdi)
	vmovaps	%ymm0, 96(%rdi)
	add	$128, %rdi
	sub	$128, %rsi
	jnz	1b
	return

	.section .note.GNU-stack, "", @progbits
