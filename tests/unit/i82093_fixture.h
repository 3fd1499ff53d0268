/*
 * The I/O APIC as a driver and the devices meet it: registers by their indices and bits as the data
 * sheet of the 82093AA numbers them.
 */
#pragma once

#include "tests/unit/unit.h"

#include "vmm/chip/i82093.h"

enum { IOREGSEL = 0x00, IOWIN = 0x10, EOI = 0x40 };
enum { ID, VERSION, ARBITRATION, TABLE = 0x10 };

#define PINS	       24
#define LOGICAL	       0x00800
#define SEND_PENDING   0x01000
#define ACTIVE_LOW     0x02000
#define REMOTE_IRR     0x04000
#define LEVEL	       0x08000
#define MASKED	       0x10000
#define DELIVERY(mode) ((mode) << 8)

static struct i82093 ioapic;
static struct apic_message message;

static inline int start(void **state)
{
	(void)state;
	memset(&ioapic, 0xff, sizeof(ioapic));
	i82093_reset(&ioapic, 2);
	return 0;
}

static inline uint32_t in(uint8_t index)
{
	i82093_write(&ioapic, IOREGSEL, index);
	return i82093_read(&ioapic, IOWIN);
}

static inline void out(uint8_t index, uint32_t value)
{
	i82093_write(&ioapic, IOREGSEL, index);
	i82093_write(&ioapic, IOWIN, value);
}

static inline uint32_t entry(unsigned int pin)
{
	return in(TABLE + 2 * pin);
}

static inline void set_entry(unsigned int pin, uint32_t low)
{
	out(TABLE + 2 * pin, low);
}

static inline void raise(unsigned int pin)
{
	i82093_set_line(&ioapic, pin, true);
}

static inline void lower(unsigned int pin)
{
	i82093_set_line(&ioapic, pin, false);
}

static inline void pulse(unsigned int pin)
{
	raise(pin);
	lower(pin);
}

static inline void expect_message(uint8_t vector)
{
	assert_true(i82093_next_message(&ioapic, &message));
	assert_int_equal(message.vector, vector);
}

static inline void expect_none(void)
{
	struct apic_message untouched = {.destination = 0x5a5a5a5a};

	assert_false(i82093_next_message(&ioapic, &untouched));
	assert_int_equal(untouched.destination, 0x5a5a5a5a);
}
