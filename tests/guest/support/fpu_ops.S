/* Every FPU register from memory, and to memory. */
#include "fpu.h"

#ifdef __x86_64__
#define REGS %rdi
#define WHAT %esi
#define FXSAVE fxsave64
#define FXRSTOR fxrstor64
#define ENTER
#define LEAVE ret
#else
#define REGS %eax
#define WHAT %edx
#define FXSAVE fxsave
#define FXRSTOR fxrstor
#define ENTER movl 4(%esp), REGS; movl 8(%esp), WHAT
#define LEAVE ret
#endif

	.altmacro
.macro load_vectors op:req, reg:req, first:req, last:req
	.set i, \first
	.rept \last - \first + 1
	load_vector \op, \reg, %i
	.set i, i + 1
	.endr
.endm

.macro load_vector op, reg, n
	\op FPU_VECTORS + 64 * \n(REGS), %\reg\n
.endm

.macro store_vector op, reg, n
	\op %\reg\n, FPU_VECTORS + 64 * \n(REGS)
.endm

.macro store_vectors op:req, reg:req, first:req, last:req
	.set i, \first
	.rept \last - \first + 1
	store_vector \op, \reg, %i
	.set i, i + 1
	.endr
.endm

.macro load_opmask op, n
	\op FPU_OPMASK + 8 * \n(REGS), %k\n
.endm

.macro store_opmask op, n
	\op %k\n, FPU_OPMASK + 8 * \n(REGS)
.endm

.macro each_opmask macro:req, op:req
	.set i, 0
	.rept 8
	\macro \op, %i
	.set i, i + 1
	.endr
.endm

#ifdef __x86_64__
#define LAST_VECTOR 15
#else
#define LAST_VECTOR 7
#endif

	.text
	.globl fpu_load_all
fpu_load_all:
	ENTER
	FXRSTOR (REGS)
	testl $FPU_AVX, WHAT
	jz 3f
	testl $FPU_AVX512, WHAT
	jnz 1f
	load_vectors vmovdqu, ymm, 0, LAST_VECTOR
	jmp 2f
1:	load_vectors vmovdqu64, zmm, 0, LAST_VECTOR
#ifdef __x86_64__
	load_vectors vmovdqu64, zmm, 16, 31
#endif
	testl $FPU_K64, WHAT
	jnz 4f
	each_opmask load_opmask, kmovw
	jmp 2f
4:	each_opmask load_opmask, kmovq
2:	testl $FPU_VZERO, WHAT
	jz 3f
	vzeroupper
3:	LEAVE

	.globl fpu_store_all
fpu_store_all:
	ENTER
	FXSAVE (REGS)
	testl $FPU_AVX, WHAT
	jz 3f
	testl $FPU_AVX512, WHAT
	jnz 1f
	store_vectors vmovdqu, ymm, 0, LAST_VECTOR
	jmp 3f
1:	store_vectors vmovdqu64, zmm, 0, LAST_VECTOR
#ifdef __x86_64__
	store_vectors vmovdqu64, zmm, 16, 31
#endif
	testl $FPU_K64, WHAT
	jnz 4f
	each_opmask store_opmask, kmovw
	jmp 3f
4:	each_opmask store_opmask, kmovq
3:	LEAVE
