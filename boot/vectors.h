/*
 * Vectors of the hypervisor's own interrupts.
 */
#pragma once

#define VECTOR_PIC_FIRST     0x20 /* IRQ 0 to 15 of the 8259 pair: 0x20 to 0x2F */
#define VECTOR_APIC_TIMER    0xf0
#define VECTOR_APIC_SPURIOUS 0xff
