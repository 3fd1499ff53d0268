#define __ASSEMBLER__ 1
#include "lib/font.h"

	.section .rodata
	.balign	16
	.globl	font
font:
	.incbin	"font.bin"
	.if	. - font != FONT_COUNT * FONT_HEIGHT
	.error	"font.bin has not the size that lib/font.h says"
	.endif

	.section .note.GNU-stack, "", @progbits
