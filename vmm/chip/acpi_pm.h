/*
 * The fixed hardware of ACPI: the PM1a event and control registers and the power management timer
 * (ACPI specification 4.8.3.1 to 4.8.3.3), as the FADT has to say: PM1a_EVT_BLK 600h, 4 bytes;
 * PM1a_CNT_BLK 604h, 2 bytes; PM_TMR_BLK 608h, 4 bytes, of 32 bits (TMR_VAL_EXT); SMI_CMD 0, that
 * is, SCI_EN is always set.
 *
 * Of the events only the timer's carry and the power button happen here; the enable bits of all
 * keep what is written. SLP_EN with the SLP_TYP of \_S5 turns the machine off; the other sleeping
 * states are not there, and a wish for one is lost. GBL_RLS has no firmware to reach. What is
 * reserved reads 0.
 *
 * `now` is the host's TSC, `rate` that of ACPI_PM_HZ; a `now` below an earlier one counts as that.
 * The caller has the lock of the VM's devices, and interrupts off. No hardware in it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/rate.h"

#define ACPI_PM_HZ    3579545
#define ACPI_PM_PORT  0x600
#define ACPI_PM_PORTS 12

#define ACPI_PM_EVENT_PORT   ACPI_PM_PORT
#define ACPI_PM_CONTROL_PORT (ACPI_PM_PORT + 4)
#define ACPI_PM_TIMER_PORT   (ACPI_PM_PORT + 8)

#define ACPI_PM_SLP_TYP_S5 5 /* what \_S5 has to name */

struct acpi_pm {
	uint64_t origin; /* TSC at reset, when the timer was 0 */
	uint64_t seen;	 /* the timer, with all its carries, up to which status is right */
	uint64_t deadline;
	uint16_t status, enable, control;
};

void acpi_pm_reset(struct acpi_pm *acpi_pm, uint64_t now);

/*
 * 1, 2 or 4 bytes at a port, and those that follow; a byte that is none of ACPI_PM_PORTS reads FFh,
 * or is lost. After each, the SCI and the deadline may be others.
 */
uint32_t acpi_pm_read(struct acpi_pm *acpi_pm, const struct rate *rate, uint16_t port,
		      unsigned int size, uint64_t now);
/* True: power off. */
bool acpi_pm_write(struct acpi_pm *acpi_pm, const struct rate *rate, uint16_t port,
		   unsigned int size, uint32_t value, uint64_t now);

/* Somebody has pressed the power button, and let it go. */
void acpi_pm_press_power_button(struct acpi_pm *acpi_pm);

/* When the SCI next rises by itself, or UINT64_MAX. The timer carries every ten minutes. */
static inline uint64_t acpi_pm_deadline(const struct acpi_pm *acpi_pm)
{
	return acpi_pm->deadline;
}

/* The level of the SCI: after the last read, write, press or poll, and now. */
bool acpi_pm_interrupts(const struct acpi_pm *acpi_pm);
bool acpi_pm_poll(struct acpi_pm *acpi_pm, const struct rate *rate, uint64_t now);
