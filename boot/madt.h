/*
 * What Resident wants to know of the MADT, ACPI's table of interrupt controllers: boot/acpi.h finds
 * it. It may be wrong: an entry that is too short for its type is passed over, and where one has no
 * length, or does not end within the table, the table ends. No hardware in here. Any context.
 * ACPI 6.4, 5.2.12.
 */
#pragma once

#include <stdint.h>

/* The addresses of the I/O APICs (5.2.12.3), at most `max`: their number. */
unsigned int madt_ioapics(const uint8_t *madt, uint32_t length, uint32_t *address,
			  unsigned int max);
