/*
 * What the tables have in common by which firmware tells a kernel of its PC: those of the
 * MultiProcessor Specification (mp_tables.h) and ACPI's (acpi_tables.h). They lie in the BIOS's
 * memory from F0000h on, where kernels look for them and which the memory map reserves, below the
 * code at its end (firmware.h). It is RAM. For C and assembly.
 */
#pragma once

#define TABLES_MP	   0xF0000 /* the floating pointer, and behind it the configuration table */
#define TABLES_MP_SIZE	   0x400
#define TABLES_ACPI	   0xF0400 /* the RSDP, and behind it all that it leads to */
#define TABLES_ACPI_HEADER 0x800   /* but for the DSDT, which goes last */
#define TABLES_DSDT	   (TABLES_ACPI + TABLES_ACPI_HEADER)
#define TABLES_DSDT_MAX	   0x8000

#define TABLES_CPUS_MAX 16

/* As flags of an interrupt have them in both specifications. */
#define TABLES_AS_ITS_BUS	 0x0 /* ISA: edge-triggered, active high */
#define TABLES_LEVEL_ACTIVE_HIGH 0xD

#ifndef __ASSEMBLER__

#include <stdint.h>

/* What differs from one guest to another. */
struct guest_machine {
	uint32_t vcpus;		/* up to TABLES_CPUS_MAX; their APIC IDs are 0 to vcpus - 1 */
	uint32_t cpu_signature; /* CPUID 1: EAX */
	uint32_t cpu_features;	/* CPUID 1: EDX */
};

/* The I/O APIC's ID has four bits: beside 16 CPUs it shares one, 0. */
static inline uint8_t guest_ioapic_id(const struct guest_machine *machine)
{
	return machine->vcpus % 16;
}

/* What a byte among these that is 0 has to be for all of them to add up to 0. */
uint8_t tables_checksum(const void *bytes, uint32_t size);

#endif
