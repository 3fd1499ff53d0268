/*
 * What Resident wants to know of ACPI's tables: how to end a PC, which clocks it has, and its
 * interrupt controllers. The tables are read through a window and may be wrong: every address,
 * length and checksum is checked, and what cannot be used counts as not there. No hardware in here.
 * First CPU, at boot.
 * ACPI 6.4: 5.2.3.2 generic address, 5.2.5 RSDP, 5.2.9 FADT, 7.4.2 \_Sx; IA-PC HPET 1.0a, 3.2.4.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct boot_info;
struct boot_memory;

enum acpi_space {
	ACPI_SPACE_MEMORY = 0,
	ACPI_SPACE_IO = 1,
};

/* A register block; address 0: there is none. A port is below 0x10000. */
struct acpi_register {
	enum acpi_space space;
	uint64_t address;
};

struct acpi {
	bool can_sleep; /* to S5: the five below are valid */
	struct acpi_register pm1a_control;
	struct acpi_register pm1b_control;
	uint8_t sleep_type_a, sleep_type_b; /* \_S5's, for PM1a and PM1b */
	uint8_t acpi_enable;
	uint16_t smi_command; /* the port that takes acpi_enable; 0: there is none */

	struct acpi_register pm_timer; /* counts 24 bits or more at 3.579545 MHz */
	uint64_t hpet;		       /* where its registers are, in memory; 0: there is none */

	const uint8_t *madt; /* where it is mapped; its checksum is right. NULL: there is none */
	uint32_t madt_length;
};

/*
 * Where the boot loader told of no RSDP and the firmware is a BIOS, looks for it in the extended
 * BIOS data area and in the BIOS, and copies it into info.
 */
void acpi_find_rsdp(struct boot_info *info, const struct boot_memory *memory);

/*
 * The signatures of the tables below info's RSDP whose checksums are right, at most `max` of them;
 * returns how many.
 */
uint32_t acpi_list(const struct boot_info *info, const struct boot_memory *memory,
		   char (*signature)[4], uint32_t max);

/* Fills acpi with what the tables below info's RSDP say; all zeros if there are none. */
void acpi_parse(struct acpi *acpi, const struct boot_info *info, const struct boot_memory *memory);
