#include "vmm/chip/i8042.h"

enum command {
	READ_COMMAND_BYTE = 0x20,
	WRITE_COMMAND_BYTE = 0x60,
	TEST_PASSWORD = 0xa4,
	DISABLE_AUXILIARY = 0xa7,
	ENABLE_AUXILIARY = 0xa8,
	TEST_AUXILIARY = 0xa9,
	SELF_TEST = 0xaa,
	TEST_KEYBOARD = 0xab,
	DISABLE_KEYBOARD = 0xad,
	ENABLE_KEYBOARD = 0xae,
	READ_INPUT_PORT = 0xc0,
	READ_OUTPUT_PORT = 0xd0,
	WRITE_OUTPUT_PORT = 0xd1,
	WRITE_KEYBOARD_OUTPUT = 0xd2,
	WRITE_AUXILIARY_OUTPUT = 0xd3,
	WRITE_AUXILIARY = 0xd4,
	A20_OFF = 0xdd,
	A20_ON = 0xdf,
	PULSE = 0xf0, /* to FFh: the lines of the output port whose bits are 0 */
	PULSE_LAST = 0xff,
};

#define INTERRUPT    0x01 /* of the command byte */
#define SYSTEM_FLAG  0x04
#define NO_KEYBOARD  0x10
#define NO_AUXILIARY 0x20
#define TRANSLATE    0x40

#define OUTPUT_FULL   0x01 /* of the status, where the system flag has the same place */
#define COMMAND_WRITE 0x08
#define NOT_LOCKED    0x10

#define NO_RESET_LINE	 0x01 /* of the output port */
#define A20_LINE	 0x02
#define OUTPUT_FULL_LINE 0x10
#define OUTPUT_ONES	 0xcc

#define INPUT_PORT	    0xa0 /* not locked; no manufacturing jumper */
#define SELF_TEST_PASSED    0x55
#define NO_PASSWORD	    0xf1
#define NO_ERROR	    0x00
#define AUXILIARY_DATA_HIGH 0x04 /* an error: its data line is stuck */
#define BREAK_PREFIX	    0xf0
#define BREAK_BIT	    0x80

/* As the translation leaves a byte; false: it keeps it to itself. */
static bool translate(struct i8042 *i8042, uint8_t *byte)
{
	if (!(i8042->command_byte & TRANSLATE)) {
		i8042->in_break = false;
		return true;
	}
	if (*byte == BREAK_PREFIX) {
		i8042->in_break = true;
		return false;
	}
	*byte = us_keyboard_translate(*byte);
	if (i8042->in_break)
		*byte |= BREAK_BIT;
	i8042->in_break = false;
	return true;
}

static void put_out(struct i8042 *i8042, uint8_t byte)
{
	i8042->output = byte;
	i8042->output_full = true;
}

void i8042_poll(struct i8042 *i8042)
{
	if (i8042->output_full)
		return;
	if (i8042->reply_waits) {
		i8042->reply_waits = false;
		put_out(i8042, i8042->reply);
		return;
	}
	if (i8042->command_byte & NO_KEYBOARD)
		return;
	while (us_keyboard_has_byte(&i8042->keyboard)) {
		uint8_t byte = us_keyboard_send(&i8042->keyboard);

		if (translate(i8042, &byte)) {
			put_out(i8042, byte);
			return;
		}
	}
}

void i8042_reset(struct i8042 *i8042)
{
	*i8042 = (struct i8042){
		.command_byte = TRANSLATE | NO_AUXILIARY | SYSTEM_FLAG | INTERRUPT,
		.a20 = true,
	};
	us_keyboard_reset(&i8042->keyboard);
}

static uint8_t status(const struct i8042 *i8042)
{
	return NOT_LOCKED | (i8042->command_byte & SYSTEM_FLAG) |
	       (i8042->command_last ? COMMAND_WRITE : 0) | (i8042->output_full ? OUTPUT_FULL : 0);
}

uint32_t i8042_read(struct i8042 *i8042, uint16_t port)
{
	if (port == I8042_COMMAND_PORT)
		return status(i8042);
	i8042->output_full = false;
	return i8042->output;
}

/* It waits for a byte that has not been read, and takes the place of one that waits. */
static void reply(struct i8042 *i8042, uint8_t value)
{
	i8042->reply = value;
	i8042->reply_waits = true;
}

static uint8_t output_port(const struct i8042 *i8042)
{
	return OUTPUT_ONES | NO_RESET_LINE | (i8042->a20 ? A20_LINE : 0) |
	       (i8042->output_full ? OUTPUT_FULL_LINE : 0);
}

static bool obey(struct i8042 *i8042, uint8_t command)
{
	i8042->parameter_of = 0;
	switch (command) {
	case READ_COMMAND_BYTE:
		reply(i8042, i8042->command_byte);
		break;
	case WRITE_COMMAND_BYTE:
	case WRITE_OUTPUT_PORT:
	case WRITE_KEYBOARD_OUTPUT:
	case WRITE_AUXILIARY_OUTPUT:
	case WRITE_AUXILIARY:
		i8042->parameter_of = command;
		break;
	case TEST_PASSWORD:
		reply(i8042, NO_PASSWORD);
		break;
	case DISABLE_AUXILIARY:
		i8042->command_byte |= NO_AUXILIARY;
		break;
	case ENABLE_AUXILIARY:
		i8042->command_byte &= ~NO_AUXILIARY;
		break;
	case TEST_AUXILIARY:
		reply(i8042, AUXILIARY_DATA_HIGH);
		break;
	case SELF_TEST:
		i8042->command_byte |= SYSTEM_FLAG;
		reply(i8042, SELF_TEST_PASSED);
		break;
	case TEST_KEYBOARD:
		reply(i8042, NO_ERROR);
		break;
	case DISABLE_KEYBOARD:
		i8042->command_byte |= NO_KEYBOARD;
		break;
	case ENABLE_KEYBOARD:
		i8042->command_byte &= ~NO_KEYBOARD;
		break;
	case READ_INPUT_PORT:
		reply(i8042, INPUT_PORT);
		break;
	case READ_OUTPUT_PORT:
		reply(i8042, output_port(i8042));
		break;
	case A20_OFF:
	case A20_ON:
		i8042->a20 = command == A20_ON;
		break;
	case PULSE ... PULSE_LAST:
		return !(command & NO_RESET_LINE);
	}
	return false;
}

static bool take_parameter(struct i8042 *i8042, uint8_t command, uint8_t value)
{
	i8042->parameter_of = 0;
	switch (command) {
	case WRITE_COMMAND_BYTE:
		i8042->command_byte = value;
		break;
	case WRITE_OUTPUT_PORT:
		i8042->a20 = value & A20_LINE;
		return !(value & NO_RESET_LINE);
	case WRITE_KEYBOARD_OUTPUT:
	case WRITE_AUXILIARY_OUTPUT: /* it comes, but not as an auxiliary device's: there is none */
		reply(i8042, value);
		break;
	case WRITE_AUXILIARY:
		break;
	default: /* the keyboard's; it can answer even if it was disabled */
		i8042->command_byte &= ~NO_KEYBOARD;
		us_keyboard_receive(&i8042->keyboard, value);
	}
	return false;
}

bool i8042_write(struct i8042 *i8042, uint16_t port, uint8_t value)
{
	bool resets;

	i8042->command_last = port == I8042_COMMAND_PORT;
	if (i8042->command_last)
		resets = obey(i8042, value);
	else
		resets = take_parameter(i8042, i8042->parameter_of, value);
	i8042_poll(i8042);
	return resets;
}

bool i8042_interrupts(const struct i8042 *i8042)
{
	return i8042->output_full && i8042->command_byte & INTERRUPT;
}

bool i8042_has_room(const struct i8042 *i8042)
{
	return us_keyboard_has_room(&i8042->keyboard);
}

void i8042_type(struct i8042 *i8042, char ascii)
{
	us_keyboard_type(&i8042->keyboard, ascii);
	i8042_poll(i8042);
}
