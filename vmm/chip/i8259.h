/*
 * The two interrupt controllers of a PC, the second one's INT at IR2 of the first: 8259A
 * Programmable Interrupt Controller (231468), and the edge/level control registers (ELCR) of the
 * 82371AB (290562) 4.2.2. No hardware in it.
 *
 * A line is the pin: what asks for an interrupt by an edge holds it high until it is acknowledged,
 * as the data sheet demands. If it falls before, the request is withdrawn: of a pulse nothing is
 * left. A device that only knows when an edge comes sets its line low, then high.
 *
 * The INTA cycle is one moment here: a request that is withdrawn at the slave before is withdrawn
 * at the master too, so the spurious interrupt is IRQ7. IRQ15 could be it only between the two
 * pulses. SNGL, ICW3 and the 8080's mode are ignored: a PC is wired in one way. LTIM counts, as on
 * the 8259A; the 82371AB has ELCR in its place.
 *
 * All cost some tens of instructions and never loop; the VM's lock is held.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define I8259_MASTER 0x20 /* and the port that follows */
#define I8259_SLAVE  0xa0
#define I8259_ELCR   0x4d0 /* of the master, then of the slave */
#define I8259_LINES  16

struct i8259_chip {
	uint8_t irr, isr, imr;
	uint8_t lines; /* those that are high */
	uint8_t elcr;
	uint8_t base;	 /* the vector of IR0 */
	uint8_t top;	 /* the line of the highest priority; the others follow it */
	uint8_t cascade; /* the line at which the other controller is, as a bit */
	uint8_t expects; /* which ICW comes next */
	bool level_mode; /* ICW1's LTIM */
	bool icw4_needed;
	bool automatic_eoi, rotates; /* the latter in automatic EOI mode */
	bool special_fully_nested;
	bool special_mask;
	bool reads_isr, polled;
};

struct i8259 {
	struct i8259_chip master, slave;
	bool interrupts;
};

/* As after power-on: ICWs are awaited, all lines are low, and nothing interrupts. */
void i8259_reset(struct i8259 *pic);

/* Reset, and initialised by ICWs with the vectors 08h and 70h, and all lines masked. */
void i8259_as_firmware_leaves_it(struct i8259 *pic);

/* Of the six ports; another reads as FFh and takes nothing. */
uint8_t i8259_read(struct i8259 *pic, uint16_t port);
void i8259_write(struct i8259 *pic, uint16_t port, uint8_t value);

/* IRQ 0 to 15. 2 is where the cascade is: it is ignored. */
void i8259_set_line(struct i8259 *pic, unsigned int irq, bool level);

/* The INTR pin. */
static inline bool i8259_interrupts(const struct i8259 *pic)
{
	return pic->interrupts;
}

/* An INTA cycle: the vector. Without a request that of IR7, which is then not in service. */
uint8_t i8259_acknowledge(struct i8259 *pic);

/* As things are set, can the line interrupt? Nothing in service is counted. */
bool i8259_unmasked(const struct i8259 *pic, unsigned int irq);
