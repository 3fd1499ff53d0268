/*
 * The keyboard controller of a PC, and a US keyboard at it: ports 60h and 64h (IBM PC AT Technical
 * Reference, "Keyboard Controller"; PS/2 Hardware Interface Technical Reference). There is no
 * auxiliary device, as a mouse: what the controller's commands look for, they do not find.
 *
 * After reset it is as firmware leaves it: tested, the keyboard scans, its scan codes of set 2 come
 * translated to those of set 1, and interrupt 1 is enabled.
 *
 * Interrupt 1 is a level: asserted while a byte waits in the output buffer. After a byte has been
 * read, the next one comes in only with i8042_poll(): a caller who looks at the level before and
 * after sees the line go down and up. The A20 gate is a bit that is kept. The caller has the lock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm/chip/us_keyboard.h"

#define I8042_DATA_PORT	   0x60
#define I8042_COMMAND_PORT 0x64 /* read: status */

struct i8042 {
	struct us_keyboard keyboard;
	uint8_t command_byte;
	uint8_t output; /* the output buffer */
	uint8_t reply;	/* the controller's own, for the output buffer */
	bool output_full, reply_waits;
	bool in_break;	   /* the translation has met a break prefix */
	bool command_last; /* the last write was to the command port */
	bool a20;
	uint8_t parameter_of; /* the command whose next byte is awaited, or 0 */
};

void i8042_reset(struct i8042 *i8042);

/* A byte from one of the two ports. */
uint32_t i8042_read(struct i8042 *i8042, uint16_t port);

/* True: the CPU is to be reset. */
bool i8042_write(struct i8042 *i8042, uint16_t port, uint8_t value);

/* The level of interrupt 1. */
bool i8042_interrupts(const struct i8042 *i8042);

/* After a read: lets the next byte into the output buffer. */
void i8042_poll(struct i8042 *i8042);

/* As us_keyboard_has_room() and us_keyboard_type(). */
bool i8042_has_room(const struct i8042 *i8042);
void i8042_type(struct i8042 *i8042, char ascii);
