/*
 * Exceptions, NMIs and interrupts that arrive in VMX root mode.
 * SDM Vol. 3A chapter 6 (IDT, IST, frames).
 */
#pragma once

#include <stdint.h>

/* Fills the IDT, which is the same for all CPUs. First CPU. */
void trap_init(void);

/* Loads it on this CPU, after cpu_enter(). */
void trap_init_cpu(void);

/* What every NMI's handler does besides, in the handler (`crash=`). At boot. */
void trap_at_nmi(void (*hook)(void));

/*
 * Hands one external interrupt to its handler: from the IDT in root mode, or acknowledged by a
 * VM exit.
 */
void interrupt_handle(uint8_t vector);
