/* One instruction for each register, in tables: what is moved is at EDI (RDI). */
#ifdef __x86_64__
#define AT (%rdi)
#define LAST_LOW 15
#define LAST_ZMM 31
#else
#define AT (%edi)
#define LAST_LOW 7
#define LAST_ZMM 7
#endif

	.altmacro
.macro entry_load op, reg, n
	.balign 16
	\op AT, %\reg\n
	ret
.endm

.macro entry_store op, reg, n
	.balign 16
	\op %\reg\n, AT
	ret
.endm

.macro entry_only op, reg, n
	.balign 16
	\op %\reg(\n)
	ret
.endm

.macro table name:req, entry:req, op:req, reg:req, last:req
	.balign 16
	.globl \name
\name:
	.set i, 0
	.rept \last + 1
	\entry \op, \reg, %i
	.set i, i + 1
	.endr
.endm

	.text
	table movups_load, entry_load, movups, xmm, LAST_LOW
	table movups_store, entry_store, movups, xmm, LAST_LOW
	table vmov_xmm_load, entry_load, vmovdqu, xmm, LAST_LOW
	table vmov_ymm_load, entry_load, vmovdqu, ymm, LAST_LOW
	table vmov_ymm_store, entry_store, vmovdqu, ymm, LAST_LOW
	table vmov_zmm_load, entry_load, vmovdqu64, zmm, LAST_ZMM
	table vmov_zmm_store, entry_store, vmovdqu64, zmm, LAST_ZMM
	table movq_mm_load, entry_load, movq, mm, 7
	table movq_mm_store, entry_store, movq, mm, 7
	table kmovw_load, entry_load, kmovw, k, 7
	table kmovw_store, entry_store, kmovw, k, 7
	table kmovq_load, entry_load, kmovq, k, 7
	table kmovq_store, entry_store, kmovq, k, 7
	table ffree_st, entry_only, ffree, st, 7
	table fxch_st, entry_only, fxch, st, 7
