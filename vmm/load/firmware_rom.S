/*
 * Real-mode code, copied to F000:F000. An entry for each vector, which says by hypercall which one
 * was wanted: EBX = vector, ECX = what EAX held, EDX = CS:IP to which the caller would return. The
 * handler of interrupt 0. And where every PC has them: the reset vector, the date and the model
 * byte.
 */
#include "vmm/load/firmware_rom.h"

	.section .rodata
	.balign	16
	.globl	firmware_rom
firmware_rom:
	.code16
	.set	vector, 0
	.rept	256
	.org	firmware_rom + vector * FIRMWARE_ENTRY_SIZE
	movw	$vector, %bx
	jmp	ask
	.set	vector, vector + 1
	.endr

	.org	firmware_rom + 256 * FIRMWARE_ENTRY_SIZE
ask:
	movzwl	%bx, %ebx
	movl	%eax, %ecx
	popl	%edx
	movl	$FIRMWARE_CALL, %eax
	vmcall
stop:	/* a virtual-8086 task comes here: it may not end the VM, and HLT is its monitor's */
	hlt
	jmp	stop

	/* as the reset control register of a PC is told to */
reset:
	movw	$0xcf9, %dx
	movb	$0x06, %al
	outb	%al, %dx
	jmp	stop

	/* Vector 8: interrupt 0, if the 8259 says so; else an exception or a call, as all others. */
	.org	firmware_rom + FIRMWARE_TICK
	pushw	%ax
	pushw	%ds
	movb	$0x0b, %al	/* read what is in service */
	outb	%al, $0x20
	inb	$0x20, %al
	testb	$1, %al
	jz	no_tick
	movw	$0x40, %ax
	movw	%ax, %ds
	incl	FIRMWARE_TICKS
	cmpl	$FIRMWARE_TICKS_A_DAY, FIRMWARE_TICKS
	jb	1f
	movl	$0, FIRMWARE_TICKS
	incb	FIRMWARE_MIDNIGHTS
1:	int	$0x1c
	movb	$0x20, %al	/* end of interrupt */
	outb	%al, $0x20
	popw	%ds
	popw	%ax
	iretw
no_tick:
	popw	%ds
	popw	%ax
	jmp	firmware_rom + 8 * FIRMWARE_ENTRY_SIZE

	/* Vector 1Ch, which is there to be replaced. */
	.org	firmware_rom + FIRMWARE_TICK_HOOK
	iretw

	.org	firmware_rom + 0xff0
	ljmpw	$FIRMWARE_SEGMENT, $(FIRMWARE_ROM_OFFSET + reset - firmware_rom)
	.ascii	"01/01/26"
	.org	firmware_rom + 0xffe
	.byte	0xfc	/* an AT */
	.byte	0

	.section .note.GNU-stack, "", @progbits
