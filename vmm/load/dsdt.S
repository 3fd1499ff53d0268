/* dsdt.asl, as iasl compiled it. */
#include "vmm/load/tables.h"

	.section .rodata
	.balign	16
	.globl	dsdt_aml, dsdt_aml_end
dsdt_aml:
	.incbin	"dsdt.aml"
dsdt_aml_end:
	.if	dsdt_aml_end - dsdt_aml > TABLES_DSDT_MAX
	.error	"the DSDT is longer than its place: TABLES_DSDT_MAX"
	.endif

	.section .note.GNU-stack, "", @progbits
