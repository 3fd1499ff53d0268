/*
 * An 8254 whose CLK is the TSC, but where a test sets another rate, and its ports.
 */
#pragma once

#include "tests/unit/unit.h"

#include "vmm/chip/i8254.h"

#define CONTROL 0x43
#define PORT_B	0x61
#define GATE2	0x01
#define OUT2	0x20

/* Control words: both bytes, binary. */
#define WORD(counter, mode) ((counter) << 6 | 0x30 | (mode) << 1)

static struct i8254 pit;
static struct rate rate;
static uint64_t now;

static inline int start(void **state)
{
	(void)state;
	rate = rate_of(1000, 1);
	now = 1000000;
	memset(&pit, 0xff, sizeof(pit));
	i8254_reset(&pit, now);
	return 0;
}

static inline uint8_t in(uint16_t port)
{
	return i8254_read(&pit, &rate, port, now);
}

static inline void out(uint16_t port, uint8_t value)
{
	i8254_write(&pit, &rate, port, value, now);
}

static inline bool poll(void)
{
	return i8254_poll(&pit, &rate, now);
}

static inline bool output(unsigned int counter)
{
	return i8254_output(&pit, &rate, counter, now);
}

static inline void program(unsigned int counter, unsigned int mode, uint16_t count)
{
	out(CONTROL, WORD(counter, mode));
	out(I8254_PORT + counter, count);
	out(I8254_PORT + counter, count >> 8);
}

static inline uint16_t read_word(unsigned int counter)
{
	uint8_t low = in(I8254_PORT + counter);

	return low | in(I8254_PORT + counter) << 8;
}

static inline uint16_t latched(unsigned int counter)
{
	out(CONTROL, counter << 6);
	return read_word(counter);
}

static inline uint8_t status(unsigned int counter)
{
	out(CONTROL, 0xe0 | 2 << counter);
	return in(I8254_PORT + counter);
}

#define i8254_test(name) cmocka_unit_test_setup(name, start)
