/*
 * Ending a PC, by ACPI's S5. ACPI 6.4: 4.8.3.2 PM1 control registers, 16.1.7 transitions.
 */
#pragma once

#include "boot/acpi.h"

/* Keeps what power_off() takes. First CPU, after paging_init(). */
void power_init(const struct acpi *acpi);

/* Enters S5. Returns if there is no ACPI, or it had no effect. */
void power_off(void);
