/*
 * The PC's interrupt controllers with the vectors 20h and 28h and nothing masked, and what a driver
 * and the devices do to them: words as the data sheet of the 8259A forms them.
 */
#pragma once

#include "tests/unit/unit.h"

#include "vmm/chip/i8259.h"

enum { MASTER = 0x20, MASTER_DATA, SLAVE = 0xa0, SLAVE_DATA, ELCR = 0x4d0, ELCR_SLAVE };

#define EOI	     0x20
#define SPECIFIC_EOI 0x60
#define READ_IRR     0x0a
#define READ_ISR     0x0b
#define POLL	     0x0c
#define SPECIAL	     0x68 /* special mask mode on */
#define NOT_SPECIAL  0x48

static struct i8259 pic;

static inline void out(uint16_t port, uint8_t value)
{
	i8259_write(&pic, port, value);
}

static inline uint8_t in(uint16_t port)
{
	return i8259_read(&pic, port);
}

static inline void initialise(uint16_t port, uint8_t base, uint8_t icw3, uint8_t icw4)
{
	out(port, 0x11);
	out(port + 1, base);
	out(port + 1, icw3);
	out(port + 1, icw4);
}

/* Vectors 20h and 28h, nothing masked. */
static inline int start(void **state)
{
	(void)state;
	memset(&pic, 0xff, sizeof(pic));
	i8259_reset(&pic);
	initialise(MASTER, 0x20, 4, 1);
	initialise(SLAVE, 0x28, 2, 1);
	return 0;
}

static inline void raise(unsigned int irq)
{
	i8259_set_line(&pic, irq, true);
}

static inline void lower(unsigned int irq)
{
	i8259_set_line(&pic, irq, false);
}

static inline void edge(unsigned int irq)
{
	lower(irq);
	raise(irq);
}

static inline void expect_interrupt(unsigned int irq)
{
	assert_true(i8259_interrupts(&pic));
	assert_int_equal(i8259_acknowledge(&pic), 0x20 + irq);
}

static inline void expect_none(void)
{
	assert_false(i8259_interrupts(&pic));
}

static inline uint8_t irr(uint16_t port)
{
	out(port, READ_IRR);
	return in(port);
}

static inline uint8_t isr(uint16_t port)
{
	out(port, READ_ISR);
	return in(port);
}
