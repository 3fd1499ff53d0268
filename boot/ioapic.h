/*
 * The I/O APICs: inputs of devices, each with a vector. Resident uses none of them; firmware may
 * have left some on. 82093AA data sheet, 3.0.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Bits of a redirection entry's low half, beside the vector. */
#define IOAPIC_NMI    (4u << 8)
#define IOAPIC_LEVEL  (1u << 15)
#define IOAPIC_MASKED (1u << 16)

/*
 * Finds those that the MADT names and that answer; without a MADT (NULL), looks where every PC has
 * its first. First CPU, with the final page tables, where there is a local APIC.
 */
void ioapic_init(const uint8_t *madt, uint32_t length);

/*
 * What becomes of the 8254's IRQ 0: the low half of its entry, and the local APIC it goes to.
 * False if there is no I/O APIC.
 */
bool ioapic_route_pit(uint32_t low, uint8_t apic_id);

/* Masks every input that sends this vector, and says which. False: no input does. */
bool ioapic_mask(uint8_t vector);
