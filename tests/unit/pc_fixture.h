/*
 * A PC as firmware leaves it, and what a guest does to its chips, for the tests of vmm/chip/pc.c.
 */
#pragma once

#include "tests/unit/unit.h"

#include "lib/min.h"
#include "vmm/chip/pc.h"

#define TSC_KHZ	  1000000 /* a tick is a nanosecond */
#define SECOND	  1000000000ull
#define START	  (1000 * SECOND)
#define CHARACTER 'x'

/* Of a redirection entry */
#define LEVEL	0x8000
#define VECTORS 0x40

enum { UART_IER = 1, UART_IIR = 2, UART_MCR = 4 };

static struct pc pc;
static uint64_t now;

static inline int start(void **state)
{
	static const struct pc_parts parts = {
		.low = 64 << 20, .seconds = 1700000000, .ioapic_id = 1};

	(void)state;
	memset(&pc, 0xff, sizeof(pc));
	now = START;
	pc_init(TSC_KHZ);
	pc_reset(&pc, &parts, now);
	return 0;
}

static inline void unmask_8259(unsigned int irq)
{
	uint16_t port = irq < 8 ? I8259_MASTER + 1 : I8259_SLAVE + 1;

	i8259_write(&pc.pic, port, i8259_read(&pc.pic, port) & ~(1u << irq % 8));
	if (irq >= 8)
		unmask_8259(2);
	pc_update(&pc);
}

static inline void write_ioapic(unsigned int pin, uint32_t low)
{
	i82093_write(&pc.ioapic, I82093_IOREGSEL, 0x10 + 2 * pin);
	i82093_write(&pc.ioapic, I82093_IOWIN, low);
	pc_update(&pc);
}

static inline void unmask_pin(unsigned int pin)
{
	write_ioapic(pin, VECTORS + pin);
}

/* The 8259s have no more than this, which is acknowledged; -1: nothing. */
static inline int acknowledge(void)
{
	unsigned int vector;

	if (!i8259_interrupts(&pc.pic))
		return -1;
	vector = i8259_acknowledge(&pc.pic);
	if (vector >= 0x70)
		i8259_write(&pc.pic, I8259_SLAVE, 0x20);
	i8259_write(&pc.pic, I8259_MASTER, 0x20);
	return vector < 0x70 ? vector - 8 : vector - 0x70 + 8;
}

/* The pin of the I/O APIC that a message comes of; -1: none does. */
static inline int message(void)
{
	struct apic_message message;

	if (!i82093_next_message(&pc.ioapic, &message))
		return -1;
	assert_int_equal(message.delivery, APIC_FIXED);
	return message.vector - VECTORS;
}

static inline void pass(uint64_t ticks)
{
	now += ticks;
	pc_poll(&pc, now);
}

static inline void write_pit(uint8_t mode, uint16_t count)
{
	i8254_write(&pc.pit, &pc_rates.i8254, I8254_PORT + 3, mode, now);
	i8254_write(&pc.pit, &pc_rates.i8254, I8254_PORT, count & 0xff, now);
	i8254_write(&pc.pit, &pc_rates.i8254, I8254_PORT, count >> 8, now);
	pc_update(&pc);
}

static inline void write_rtc(uint8_t index, uint8_t value)
{
	mc146818_write(&pc.rtc, &pc_rates.mc146818, MC146818_PORT, index, now);
	mc146818_write(&pc.rtc, &pc_rates.mc146818, MC146818_PORT + 1, value, now);
	pc_update(&pc);
}

static inline uint8_t read_rtc(uint8_t index)
{
	uint8_t value;

	mc146818_write(&pc.rtc, &pc_rates.mc146818, MC146818_PORT, index, now);
	value = mc146818_read(&pc.rtc, &pc_rates.mc146818, MC146818_PORT + 1, now);
	pc_update(&pc);
	return value;
}

static inline void start_rtc(void)
{
	write_rtc(0x0a, 0x26); /* 1024 Hz */
	write_rtc(0x0b, 0x42); /* periodic interrupts, 24 hours */
}

static inline void write_acpi(uint16_t port, uint16_t value)
{
	acpi_pm_write(&pc.acpi_pm, &pc_rates.acpi_pm, port, 2, value, now);
	pc_update(&pc);
}

static inline void write_hpet(unsigned int offset, uint64_t value)
{
	hpet_block_write(&pc.hpet, &pc_rates.hpet, offset, 8, value, now);
	pc_update(&pc);
}

static inline void write_uart(unsigned int offset, uint8_t value)
{
	bool sent = uart_write(&pc.com1, offset, value);

	pc_update_com1(&pc, sent);
}

#define pc_test(name) cmocka_unit_test_setup(name, start)
