/*
 * The little of ACPI that ends a PC: FADT and the \_S5 package of the DSDT.
 * ACPI 6.4: 5.2.5 RSDP, 5.2.9 FADT, 7.4.2 \_Sx, 4.8.3.2 PM1 control.
 */
#pragma once

#include <stdbool.h>

struct boot_info;

/* Finds the tables, from the boot information or in the BIOS area. None is not an error. */
void acpi_init(const struct boot_info *info);

/* Enters S5. Returns if there is no ACPI, or it had no effect. */
void acpi_power_off(void);
