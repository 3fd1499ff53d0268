/*
 * Which CPUs the MultiProcessor Specification's tables name: what firmware before ACPI left, and
 * some BIOSes still do. They are read through a window and may be wrong: every address, length and
 * checksum is checked, and what cannot be used counts as not there. No hardware in here. First CPU,
 * at boot. MultiProcessor Specification 1.4, chapters 4 and 5.
 */
#pragma once

#include <stdint.h>

struct boot_memory;

/*
 * The local APIC IDs of the CPUs that are enabled (4.3.1), in the table's order, each once; 0 and 1
 * of a default configuration, which has no table; never the ID by which an xAPIC addresses all.
 * Returns how many there are, which may exceed `max`; the first `max` are stored. 0: there is no
 * table that names any.
 *
 * The MADT (boot/madt.h) goes first: the specification is older than packages of several CPUs, and
 * some BIOSes (SeaBIOS) name only the first one of each here.
 *
 * Not to be called where UEFI firmware booted: a BIOS's areas are searched, and what lies there
 * then was left by nobody who means it.
 */
unsigned int mp_table_cpus(const struct boot_memory *memory, uint32_t *apic_id, unsigned int max);
