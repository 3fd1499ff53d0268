/*
 * Accesses to the keyboard controller, and a driver for its keyboard, for the tests of both.
 */
#pragma once

#include "tests/unit/unit.h"

#include "vmm/chip/i8042.h"

#define DATA   I8042_DATA_PORT
#define STATUS I8042_COMMAND_PORT

#define FULL	0x01
#define SYSTEM	0x04
#define COMMAND 0x08
#define IDLE	0x10 /* not locked */

static struct i8042 i8042;

static inline int start(void **state)
{
	(void)state;
	memset(&i8042, 0xff, sizeof(i8042));
	i8042_reset(&i8042);
	return 0;
}

/* As who drives it: looks at the level, and lets the next byte come. */
static inline uint8_t in(uint16_t port)
{
	uint8_t value = i8042_read(&i8042, port);

	i8042_poll(&i8042);
	return value;
}

static inline void out(uint16_t port, uint8_t value)
{
	assert_false(i8042_write(&i8042, port, value));
}

static inline bool full(void)
{
	return in(STATUS)&FULL;
}

static inline void expect(const char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		assert_true(full());
		assert_int_equal(in(DATA), (uint8_t)bytes[i]);
	}
	assert_false(full());
}

#define EXPECT(bytes) expect(bytes, sizeof(bytes) - 1)

static inline void command(uint8_t value)
{
	out(STATUS, value);
}

static inline void command_with(uint8_t value, uint8_t parameter)
{
	out(STATUS, value);
	out(DATA, parameter);
}

static inline void type(const char *text)
{
	while (*text)
		i8042_type(&i8042, *text++);
}

/* A driver: characters by scan codes of set 1. */
static const char plain[] = "\0\x1b"
			    "1234567890-=\b\tqwertyuiop[]\n\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[] = "\0\x1b"
			      "!@#$%^&*()_+\b\tQWERTYUIOP{}\n\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";

/* The character of the next keys; they must all be up again after it. */
static inline char driver_takes(void)
{
	bool shift = false, control = false, down[128] = {};
	char c = 0;

	while (full()) {
		uint8_t code = in(DATA);
		uint8_t key = code & 0x7f;

		assert_int_equal(down[key], code >> 7);
		down[key] = !(code & 0x80);
		assert_true(key < sizeof(plain));
		if (key == 0x2a) {
			shift = down[key];
		} else if (key == 0x1d) {
			control = down[key];
		} else if (down[key]) {
			assert_int_equal(c, 0);
			c = shift ? shifted[key] : plain[key];
			assert_int_not_equal(c, 0);
			if (control)
				c = c >= 'a' ? c - 'a' + 1 : c == '6' ? 30 : c == '-' ? 31 : c & 31;
		}
	}
	for (unsigned int i = 0; i < sizeof(down); i++)
		assert_false(down[i]);
	return c;
}

#define i8042_test(name) cmocka_unit_test_setup(name, start)
