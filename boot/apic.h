/*
 * The local APIC: end of interrupt and the one-shot timer. xAPIC and x2APIC.
 * SDM Vol. 3A chapter 10.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Finds and enables this CPU's local APIC, if it has one, and notes its ID in struct cpu. The first
 * CPU calls it before boot/paging.c makes the final page tables, which map its page: firmware
 * gives all CPUs the same.
 */
void apic_init_cpu(void);

/*
 * Has all CPUs use x2APIC mode, where they can: an APIC ID above 254 takes it. First CPU, before
 * another is started. False: the CPU has none.
 */
bool apic_use_x2apic(void);

/* This CPU has one. */
bool apic_present(void);

/* The physical address of the registers (xAPIC mode), 0 in x2APIC mode or with no APIC. */
uint64_t apic_mmio_base(void);

/* Whether this vector is being served, and so wants an end of interrupt. */
bool apic_in_service(uint8_t vector);
void apic_end_of_interrupt(void);

/*
 * Interprocessor interrupts, to the CPU with an APIC ID, or to all others. They have been sent when
 * the call returns. SDM Vol. 3A 10.6, 10.12.9; INIT and start-up as 8.4.4 has them.
 */
#define APIC_ALL_OTHERS UINT32_MAX
void apic_send_nmi(uint32_t apic_id);
void apic_send_init(uint32_t apic_id);
void apic_send_startup(uint32_t apic_id, uint64_t page); /* below 1 MiB: where it begins */

/* Timer with divisor 16. Counting down from `count` to VECTOR_APIC_TIMER; 0 stops it. */
void apic_timer_start(uint32_t count);
uint32_t apic_timer_count(void);
