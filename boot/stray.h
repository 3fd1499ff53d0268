/*
 * Interrupts that nobody asked for: firmware may have left a device on, and one that is
 * level-triggered comes again at once for ever. Each is told of once, and masked when it has come
 * too often. With interrupts off, before the end of interrupt.
 */
#pragma once

#include <stdint.h>

/* By the local APIC, under this vector. */
void stray_apic(uint8_t vector);

/* By the 8259 pair: IRQ 0 to 15, no spurious one. */
void stray_pic(unsigned int irq);
