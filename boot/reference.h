/*
 * Clocks whose frequency is known, to measure the TSC with: the 8254's channel 2, the HPET's main
 * counter, ACPI's power management timer.
 * Intel 8254 data sheet; IA-PC HPET 1.0a, 2.3; ACPI 6.4, 4.8.3.3.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "boot/measure.h"

struct acpi;

struct reference {
	/* Sets it counting, and *hz. False if there is none. */
	bool (*start)(uint64_t *hz);
	/* Leaves it as it was found. After a start that succeeded. */
	void (*stop)(void);
	struct measure_counter counter;
};

extern const struct reference reference_pit, reference_hpet, reference_pm;

/* Keeps where ACPI says the HPET and the PM timer are. First CPU, after paging_init(). */
void reference_init(const struct acpi *acpi);
