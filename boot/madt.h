/*
 * What Resident wants to know of the MADT, ACPI's table of interrupt controllers: boot/acpi.h finds
 * it. It may be wrong: an entry that is too short for its type is passed over, and where one has no
 * length, or does not end within the table, the table ends. With length 0 madt may be NULL. No
 * hardware in here. Any context. ACPI 6.4, 5.2.12.
 */
#pragma once

#include <stdint.h>

/* The addresses of the I/O APICs (5.2.12.3), at most `max`: their number. */
unsigned int madt_ioapics(const uint8_t *madt, uint32_t length, uint32_t *address,
			  unsigned int max);

/*
 * The local APIC IDs of the CPUs that are enabled, in the table's order, each once: processor local
 * APICs and x2APICs (5.2.12.2, 5.2.12.12). Those that may only be enabled later ("online capable")
 * are not among them, nor are the IDs by which an xAPIC or an x2APIC addresses all. Returns how
 * many there are, which may exceed `max`; the first `max` are stored.
 */
unsigned int madt_cpus(const uint8_t *madt, uint32_t length, uint32_t *apic_id, unsigned int max);
