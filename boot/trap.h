/*
 * Exceptions, NMIs and interrupts that arrive in VMX root mode.
 * SDM Vol. 3A chapter 6 (IDT, IST, frames).
 */
#pragma once

#include <stdint.h>

/* What boot/vectors.S and the CPU leave on the stack. */
struct trap_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
	uint64_t rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t vector, error_code;
	uint64_t rip, cs, rflags, rsp, ss;
};

/* Vectors of the hypervisor's own interrupts. */
#define VECTOR_PIC_FIRST     0x20 /* IRQ 0 to 15 of the 8259 pair: 0x20 to 0x2F */
#define VECTOR_APIC_TIMER    0xf0
#define VECTOR_APIC_SPURIOUS 0xff

/* Loads this CPU's GDT, TSS and IDT. struct cpu must be reachable through GS. */
void trap_init_cpu(void);

/* What every NMI's handler does besides, in the handler (`crash=`). At boot. */
void trap_at_nmi(void (*hook)(void));

/*
 * Hands one external interrupt to its handler: from the IDT in root mode, or acknowledged by a
 * VM exit.
 */
void interrupt_handle(uint8_t vector);
