/*
 * From the boot loader to C: the multiboot headers, and the way from 32-bit protected mode to
 * long mode on the first CPU.
 *
 * On entry (Multiboot 0.6.96 section 3.2, Multiboot2 2.0 section 3.3): protected mode, paging
 * off, flat segments, EAX = the loader's magic, EBX = physical address of the boot information.
 */
#define __ASSEMBLER__ 1
#include "boot/multiboot1.h"
#include "boot/multiboot2.h"
#include "boot/layout.h"

#define FIRST_STACK_TOP (first_stacks + PAGE_SIZE + CPU_STACK_SIZE) /* boot/cpu.h */

	.section .multiboot, "ax"

	/* Multiboot 1: modules on page boundaries, memory map wanted. */
	.set MB1_FLAGS, 0x3
	.balign 4
	.long MULTIBOOT1_HEADER_MAGIC
	.long MB1_FLAGS
	.long -(MULTIBOOT1_HEADER_MAGIC + MB1_FLAGS)

	/* Multiboot 2: the same, and a console: in text mode, or else (UEFI) a framebuffer. */
	.balign 8
mb2_header:
	.long MULTIBOOT2_HEADER_MAGIC
	.long 0				/* i386 protected mode */
	.long mb2_header_end - mb2_header
	.long -(MULTIBOOT2_HEADER_MAGIC + (mb2_header_end - mb2_header))
	.balign 8
	.short 4, 1			/* console flags, optional */
	.long 12
	.long 2				/* EGA text is understood */
	.balign 8
	.short 5, 1			/* framebuffer, optional */
	.long 20
	.long 0, 0, 0			/* of whatever width, height and depth */
	.balign 8
	.short 6, 0			/* modules on page boundaries */
	.long 8
	.balign 8
	.short 0, 0
	.long 8
mb2_header_end:

	.text
	.code32
	.globl start32
start32:
	cli
	mov	%eax, %ebp		/* magic; EBX is kept by everything below */
	mov	%cr0, %eax
	mov	%eax, leftover_cr0
	mov	%cr4, %eax
	mov	%eax, leftover_cr4
	mov	%dr7, %eax
	mov	%eax, leftover_dr7
	mov	$0x400, %eax		/* no breakpoint: there is no IDT yet */
	mov	%eax, %dr7
	mov	$FIRST_STACK_TOP, %esp
	push	$0			/* DF, NT, AC and what else was left on */
	popf

	/* Long mode is needed before anything else can be said in C. */
	mov	$0x80000000, %eax
	push	%ebx
	cpuid
	pop	%ebx
	cmp	$0x80000001, %eax
	jb	no_long_mode
	mov	$0x80000001, %eax
	push	%ebx
	cpuid
	pop	%ebx
	bt	$29, %edx
	jnc	no_long_mode

	/* The first page tables map 4 GiB one to one by 2 MiB pages; boot/paging.c replaces them. */
	mov	$boot_pml4, %edi
	movl	$(boot_pdpt + 3), (%edi)
	mov	$boot_pdpt, %edi
	mov	$(boot_pd + 3), %eax
	mov	$4, %ecx
1:	mov	%eax, (%edi)
	add	$8, %edi
	add	$4096, %eax
	loop	1b
	mov	$boot_pd, %edi
	mov	$0x83, %eax		/* present, writable, 2 MiB */
	mov	$2048, %ecx
1:	mov	%eax, (%edi)
	add	$8, %edi
	add	$0x200000, %eax
	loop	1b

	mov	$first64, %edi
	/* Any CPU, in protected mode without paging: to 64-bit mode at the address in EDI. */
	.globl	enter_long_mode
enter_long_mode:
	mov	$boot_pml4, %eax
	mov	%eax, %cr3
	/*
	 * The control registers are set, not changed: firmware may have left any bit on, and LA57
	 * can be switched off here only, while paging is off. NXE waits for boot/leftovers.c.
	 */
	mov	$(1 << 5), %eax		/* PAE */
	mov	%eax, %cr4
	mov	$0xc0000080, %ecx	/* IA32_EFER */
	mov	$(1 << 8), %eax		/* LME */
	xor	%edx, %edx
	wrmsr
	/* PG, WP, NE, ET, TS, MP, PE */
	mov	$(1 << 31 | 1 << 16 | 1 << 5 | 1 << 4 | 1 << 3 | 1 << 1 | 1 << 0), %eax
	mov	%eax, %cr0
	lgdt	boot_gdt_pointer
	ljmp	$SELECTOR_CODE, $start64

no_long_mode:
	/*
	 * No 64-bit mode, so no C: say so on COM1 (set up here, 115200 8N1) and, if there is one, on
	 * the VGA text screen; then end Bochs with status 1, as boot/power.c does, or halt.
	 */
	mov	$uart_setup, %esi
1:	movzbl	(%esi), %edx
	test	%edx, %edx
	jz	2f
	add	$0x300, %edx
	movb	1(%esi), %al
	outb	%al, %dx
	add	$2, %esi
	jmp	1b
2:	mov	$no_long_mode_text, %esi
	mov	$0xb8000, %edi
3:	movb	(%esi), %al
	test	%al, %al
	jz	5f
	movb	%al, (%edi)
	movb	$0x0c, 1(%edi)
	mov	%al, %ah
	mov	$0x3fd, %edx
	mov	$100000, %ecx
4:	inb	%dx, %al
	test	$0x60, %al
	loopz	4b
	mov	%ah, %al
	mov	$0x3f8, %edx
	outb	%al, %dx
	inc	%esi
	add	$2, %edi
	jmp	3b
5:	mov	$0x3fd, %edx
	mov	$100000, %ecx
6:	inb	%dx, %al		/* until the last character is out */
	test	$0x40, %al
	loopz	6b
	inb	$0xe9, %al		/* Bochs reads back the port's number */
	cmp	$0xe9, %al
	jne	8f
	mov	$bochs_shutdown, %esi
	mov	$0x8900, %edx
	mov	$8, %ecx
7:	outsb
	loop	7b
8:	hlt
	jmp	8b

	.code64
start64:
	mov	$SELECTOR_DATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	jmp	*%rdi

first64:
	mov	$FIRST_STACK_TOP, %esp
	mov	%ebp, %edi		/* magic */
	mov	%ebx, %esi		/* boot information */
	xor	%ebp, %ebp		/* the end of every backtrace */
	call	resident_main
1:	hlt
	jmp	1b

	.section .rodata
no_long_mode_text:
	.ascii "Resident: this CPU has no 64-bit mode; a 64-bit Intel CPU with VT-x is needed.\r\n"
	.asciz "@end status=1\r\n"
bochs_shutdown:
	.ascii "Shutdown"
uart_setup:	/* pairs: the port's low byte, the value */
	.byte 0xfb, 0x80, 0xf8, 1, 0xf9, 0, 0xfb, 0x03, 0xfa, 0x07, 0xfc, 0x03, 0

	.balign 8
	.globl	boot_gdt
boot_gdt:
	.quad 0
	.quad 0x00af9b000000ffff	/* code, 64-bit, DPL 0 */
	.quad 0x00cf93000000ffff	/* data */
	.quad 0x00cf9b000000ffff	/* code, 32-bit: boot/ap_start.S */
boot_gdt_pointer:
	.short . - boot_gdt - 1
	.long boot_gdt

	.bss
	.globl	leftover_cr0, leftover_cr4, leftover_dr7
	.balign 4
leftover_cr0:
	.skip	4
leftover_cr4:
	.skip	4
leftover_dr7:
	.skip	4
	.balign 4096
boot_pml4:
	.skip 4096
boot_pdpt:
	.skip 4096
boot_pd:
	.skip 4 * 4096

	.section .note.GNU-stack, "", @progbits
