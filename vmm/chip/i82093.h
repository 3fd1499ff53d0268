/*
 * An I/O APIC with 24 pins: 82093AA (290566) 3.1 and 3.2, in version 20h as ICHs have it (82801DB
 * 9.5), which adds the EOI register. No hardware in it. Its messages are to be fetched: call
 * i82093_next_message until it says no, after each line, write and EOI.
 *
 * A line is the asserted input, whichever level asserts it: a guest's tables say how its lines are
 * wired, so the polarity bit is kept and changes nothing. An edge makes one message, and more of
 * them before it is taken make no more; the line may fall meanwhile. On a masked pin an edge is
 * lost, and masking loses one that is not yet sent (3.2.4, bit 16: neither delivered nor held
 * pending). A level makes one when it is there and Remote IRR is clear, and sets that. Only fixed
 * and lowest priority interrupts are levels: the others have no EOI and are edges, whatever the
 * trigger mode says. The reserved delivery modes send nothing.
 *
 * Nothing loops over pins, but an EOI over those that await one. The VM's lock is held.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm/chip/apic_message.h"

#define I82093_IOREGSEL 0x00
#define I82093_IOWIN	0x10
#define I82093_EOI	0x40
#define I82093_PINS	24

struct i82093 {
	uint8_t id;
	uint8_t select;
	/* of the pins, a bit each */
	uint32_t lines;
	uint32_t edges; /* came and made no message yet */
	uint32_t levels;
	uint32_t closed;     /* masked, or of a reserved delivery mode */
	uint32_t remote_irr; /* only where `levels` are */
	/* the redirection table, without the bits that are above */
	uint32_t low[I82093_PINS], high[I82093_PINS];
};

/* All pins are masked, all lines low. The ID has 4 bits. */
void i82093_reset(struct i82093 *ioapic, uint8_t id);

/* At the offset of a 32-bit register. Of others a read gives 0, and a write is ignored. */
uint32_t i82093_read(struct i82093 *ioapic, uint32_t offset);
void i82093_write(struct i82093 *ioapic, uint32_t offset, uint32_t value);

void i82093_set_line(struct i82093 *ioapic, unsigned int pin, bool level);

/* Takes the next message that is to be sent. False: there is none. */
bool i82093_next_message(struct i82093 *ioapic, struct apic_message *message);

/* A local APIC's EOI, which it broadcasts for an interrupt that was a level. */
void i82093_eoi(struct i82093 *ioapic, uint8_t vector);

/* As its entry is set, can the pin make a message? */
bool i82093_unmasked(const struct i82093 *ioapic, unsigned int pin);
