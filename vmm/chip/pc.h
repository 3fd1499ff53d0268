/*
 * The chips of a guest's PC and the lines between them, as on a board with an I/O APIC: IRQ 0 to 15
 * are lines of the 8259s and, but for IRQ 2, pins of the I/O APIC; IRQ 0 is its pin 2 (ACPI
 * 5.2.12.5). The HPET has pins of its own. The local APICs are the vCPUs'. No hardware in it.
 *
 * Whoever has read or written a chip calls pc_update(), but where it says that another function is
 * enough. `now` is the host's TSC. One caller at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/rate.h"
#include "vmm/chip/acpi_pm.h"
#include "vmm/chip/hpet.h"
#include "vmm/chip/i8042.h"
#include "vmm/chip/i82093.h"
#include "vmm/chip/i8254.h"
#include "vmm/chip/i8259.h"
#include "vmm/chip/mc146818.h"
#include "vmm/chip/pc_map.h"
#include "vmm/chip/uart.h"
#include "vmm/chip/vga_text.h"

/* The clocks that chips count by, the same for every PC. */
struct pc_rates {
	struct rate lapic, i8254, mc146818, acpi_pm, hpet;
};

extern struct pc_rates pc_rates; /* written by pc_init() */

struct pc {
	struct i8259 pic;
	struct i82093 ioapic;
	struct i8254 pit;
	struct mc146818 rtc;
	struct acpi_pm acpi_pm;
	struct hpet hpet;
	struct i8042 keyboard;
	struct uart com1;
	struct vga_text screen;
	uint32_t hpet_lines; /* as the I/O APIC has them */
	uint64_t deadline;   /* when pc_poll() is to be called, a TSC value */
};

/* What differs from one PC to another. */
struct pc_parts {
	uint64_t low, high; /* bytes of RAM below 4 GiB, and above */
	uint64_t seconds;   /* of the day that it is, since 1970 */
	uint8_t ioapic_id;
	bool irq0; /* the 8259 lets the 8254 through, as a BIOS leaves it */
};

/* At boot: how fast the TSC counts. */
void pc_init(uint64_t tsc_khz);

/* As firmware leaves it. */
void pc_reset(struct pc *pc, const struct pc_parts *parts, uint64_t now);

/* The pin of the I/O APIC that an IRQ is at. */
static inline unsigned int pc_pin(unsigned int irq)
{
	return irq == PC_IRQ_TIMER ? PC_IRQ_TIMER_PIN : irq;
}

/* Whether an IRQ could reach a local APIC; `intr`: the 8259s' output does. */
bool pc_irq_is_heard(const struct pc *pc, unsigned int irq, bool intr);

/* Lines and deadline, as the chips have them now. */
void pc_update(struct pc *pc);

/* The deadline alone: who hears an interrupt is another. */
void pc_update_deadline(struct pc *pc);

/* Both, as far as COM1 can change it. `again`: there may be another request of the same kind.
 */
void pc_update_com1(struct pc *pc, bool again);

/* The same for the data port of the keyboard: a byte has been read, and the next one comes in. */
void pc_update_keyboard(struct pc *pc);

/* What has come due. */
void pc_poll(struct pc *pc, uint64_t now);

/* Whether something that nobody has to touch can ask for an interrupt that is heard. */
bool pc_may_interrupt(const struct pc *pc, bool intr);
