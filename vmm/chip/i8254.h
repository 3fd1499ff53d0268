/*
 * The 8254 of a PC, and what of port 61h belongs to it (Intel 8254 data sheet; 82371AB (PIIX4) data
 * sheet, "NMI status and control register"). OUT0 is IRQ 0's line; the gates of counters 0 and 1
 * are high; that of counter 2 is port 61h's bit 0, and its OUT bit 5. Counting is vmm/chip/
 * i8254_counter.h's.
 *
 * Of port 61h, bits 3:0 keep what is written, bit 4 toggles every 18 periods of CLK (15 us) as
 * refresh does, and 7:6 (SERR#, IOCHK#) are 0. A read of port 43h finds no chip driving the bus:
 * FFh.
 *
 * `now` is the host's TSC, `rate` that of I8254_HZ; a `now` below an earlier one counts as that.
 * The caller has the lock of the VM's devices, and interrupts off. No hardware in it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/rate.h"
#include "vmm/chip/i8254_counter.h"

#define I8254_HZ	    1193182
#define I8254_PORT	    0x40
#define I8254_PORTS	    4
#define I8254_COUNTERS	    3
#define SYSTEM_CONTROL_PORT 0x61 /* port B of it */

struct i8254 {
	uint64_t origin; /* TSC at reset, when time was 0 */
	uint64_t deadline;
	struct i8254_counter counter[I8254_COUNTERS];
	/* the ways in and out of each */
	struct i8254_latches {
		uint16_t count;
		uint8_t status;
		uint8_t first; /* byte of two, already written */
		bool count_latched, status_latched;
		bool second_read, second_write; /* the next byte is the second of two */
	} latches[I8254_COUNTERS];
	uint8_t system_control; /* bits 3:0 of port 61h */
};

/*
 * As firmware leaves it: counter 0 a square wave of 65536, 1 a rate generator of 18, 2 a square
 * wave that its gate holds.
 */
void i8254_reset(struct i8254 *i8254, uint64_t now);

/* A byte of ports 40h to 43h, or 61h. */
uint32_t i8254_read(struct i8254 *i8254, const struct rate *rate, uint16_t port, uint64_t now);
/* After it the deadline may be another, also one that has passed. */
void i8254_write(struct i8254 *i8254, const struct rate *rate, uint16_t port, uint8_t value,
		 uint64_t now);

/* When OUT0 next rises, or UINT64_MAX. Of periods below 20 us, every 20 us. */
static inline uint64_t i8254_deadline(const struct i8254 *i8254)
{
	return i8254->deadline;
}

/* True if OUT0 has risen, once or more often, since the last poll. */
bool i8254_poll(struct i8254 *i8254, const struct rate *rate, uint64_t now);

/* OUT of a counter, 0 to 2. */
bool i8254_output(const struct i8254 *i8254, const struct rate *rate, unsigned int counter,
		  uint64_t now);
