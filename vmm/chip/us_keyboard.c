#include "vmm/chip/us_keyboard.h"

#include "lib/array.h"

enum command {
	SET_INDICATORS = 0xed,
	ECHO = 0xee,
	SELECT_SCAN_CODE_SET = 0xf0,
	READ_ID = 0xf2,
	SET_TYPEMATIC_RATE = 0xf3,
	ENABLE = 0xf4,
	DISABLE = 0xf5, /* with the defaults */
	SET_DEFAULT = 0xf6,
	SET_ALL_KEYS = 0xf7, /* to FAh, of set 3 */
	SET_ALL_KEYS_LAST = 0xfa,
	SET_KEY_TYPE = 0xfb, /* to FDh, of set 3: with a scan code */
	SET_KEY_TYPE_LAST = 0xfd,
	RESEND = 0xfe,
	RESET = 0xff,
};

#define A_COMMAND     0x80 /* no parameter has this bit */
#define ACKNOWLEDGE   0xfa
#define TEST_PASSED   0xaa
#define SEND_AGAIN    0xfe /* what it received is nothing that it knows */
#define ID_FIRST      0xab
#define ID_SECOND     0x83
#define BREAK_PREFIX  0xf0 /* of set 2 */
#define BREAK_BIT     0x80 /* of set 1 */
#define LONGEST_TYPED 6	   /* of set 2: shift, key, and both released */

#define SHIFT	      0x80 /* beside a key in the table below */
#define KEY_SHIFT     0x12
#define KEY_CONTROL   0x14
#define KEY_TAB	      0x0d
#define KEY_ENTER     0x5a
#define KEY_BACKSPACE 0x66
#define KEY_ESCAPE    0x76

/* The keys of set 2 that give the characters from space to '~'. */
static const uint8_t key_of[] = {
	[' '] = 0x29,	      ['!'] = SHIFT | 0x16, ['"'] = SHIFT | 0x52, ['#'] = SHIFT | 0x26,
	['$'] = SHIFT | 0x25, ['%'] = SHIFT | 0x2e, ['&'] = SHIFT | 0x3d, ['\''] = 0x52,
	['('] = SHIFT | 0x46, [')'] = SHIFT | 0x45, ['*'] = SHIFT | 0x3e, ['+'] = SHIFT | 0x55,
	[','] = 0x41,	      ['-'] = 0x4e,	    ['.'] = 0x49,	  ['/'] = 0x4a,
	['0'] = 0x45,	      ['1'] = 0x16,	    ['2'] = 0x1e,	  ['3'] = 0x26,
	['4'] = 0x25,	      ['5'] = 0x2e,	    ['6'] = 0x36,	  ['7'] = 0x3d,
	['8'] = 0x3e,	      ['9'] = 0x46,	    [':'] = SHIFT | 0x4c, [';'] = 0x4c,
	['<'] = SHIFT | 0x41, ['='] = 0x55,	    ['>'] = SHIFT | 0x49, ['?'] = SHIFT | 0x4a,
	['@'] = SHIFT | 0x1e, ['A'] = SHIFT | 0x1c, ['B'] = SHIFT | 0x32, ['C'] = SHIFT | 0x21,
	['D'] = SHIFT | 0x23, ['E'] = SHIFT | 0x24, ['F'] = SHIFT | 0x2b, ['G'] = SHIFT | 0x34,
	['H'] = SHIFT | 0x33, ['I'] = SHIFT | 0x43, ['J'] = SHIFT | 0x3b, ['K'] = SHIFT | 0x42,
	['L'] = SHIFT | 0x4b, ['M'] = SHIFT | 0x3a, ['N'] = SHIFT | 0x31, ['O'] = SHIFT | 0x44,
	['P'] = SHIFT | 0x4d, ['Q'] = SHIFT | 0x15, ['R'] = SHIFT | 0x2d, ['S'] = SHIFT | 0x1b,
	['T'] = SHIFT | 0x2c, ['U'] = SHIFT | 0x3c, ['V'] = SHIFT | 0x2a, ['W'] = SHIFT | 0x1d,
	['X'] = SHIFT | 0x22, ['Y'] = SHIFT | 0x35, ['Z'] = SHIFT | 0x1a, ['['] = 0x54,
	['\\'] = 0x5d,	      [']'] = 0x5b,	    ['^'] = SHIFT | 0x36, ['_'] = SHIFT | 0x4e,
	['`'] = 0x0e,	      ['a'] = 0x1c,	    ['b'] = 0x32,	  ['c'] = 0x21,
	['d'] = 0x23,	      ['e'] = 0x24,	    ['f'] = 0x2b,	  ['g'] = 0x34,
	['h'] = 0x33,	      ['i'] = 0x43,	    ['j'] = 0x3b,	  ['k'] = 0x42,
	['l'] = 0x4b,	      ['m'] = 0x3a,	    ['n'] = 0x31,	  ['o'] = 0x44,
	['p'] = 0x4d,	      ['q'] = 0x15,	    ['r'] = 0x2d,	  ['s'] = 0x1b,
	['t'] = 0x2c,	      ['u'] = 0x3c,	    ['v'] = 0x2a,	  ['w'] = 0x1d,
	['x'] = 0x22,	      ['y'] = 0x35,	    ['z'] = 0x1a,	  ['{'] = SHIFT | 0x54,
	['|'] = SHIFT | 0x5d, ['}'] = SHIFT | 0x5b, ['~'] = SHIFT | 0x0e,
};

/* Set 2 to set 1, 16 in a row; from 85h on nothing changes. */
static const uint8_t set_1_of[] = {
	"\xff\x43\x41\x3f\x3d\x3b\x3c\x58\x64\x44\x42\x40\x3e\x0f\x29\x59"
	"\x65\x38\x2a\x70\x1d\x10\x02\x5a\x66\x71\x2c\x1f\x1e\x11\x03\x5b"
	"\x67\x2e\x2d\x20\x12\x05\x04\x5c\x68\x39\x2f\x21\x14\x13\x06\x5d"
	"\x69\x31\x30\x23\x22\x15\x07\x5e\x6a\x72\x32\x24\x16\x08\x09\x5f"
	"\x6b\x33\x25\x17\x18\x0b\x0a\x60\x6c\x34\x35\x26\x27\x19\x0c\x61"
	"\x6d\x73\x28\x74\x1a\x0d\x62\x6e\x3a\x36\x1c\x1b\x75\x2b\x63\x76"
	"\x55\x56\x77\x78\x79\x7a\x0e\x7b\x7c\x4f\x7d\x4b\x47\x7e\x7f\x6f"
	"\x52\x53\x50\x4c\x4d\x48\x01\x45\x57\x4e\x51\x4a\x37\x49\x46\x54"
	"\x80\x81\x82\x41\x54"};

#define SET_1_CHANGES (sizeof(set_1_of) - 1)

uint8_t us_keyboard_translate(uint8_t code)
{
	return code < SET_1_CHANGES ? set_1_of[code] : code;
}

static void set_defaults(struct us_keyboard *keyboard, bool scans)
{
	keyboard->scans = scans;
	keyboard->scan_code_set = 2;
	keyboard->keys_count = 0;
	keyboard->in_key = false;
}

void us_keyboard_reset(struct us_keyboard *keyboard)
{
	*keyboard = (struct us_keyboard){.last_sent = TEST_PASSED};
	set_defaults(keyboard, true);
}

static void respond(struct us_keyboard *keyboard, uint8_t value)
{
	if (keyboard->responses_count < US_KEYBOARD_RESPONSES)
		keyboard->responses[keyboard->responses_count++] = value;
}

static void obey(struct us_keyboard *keyboard, uint8_t command)
{
	switch (command) {
	case ECHO:
		respond(keyboard, ECHO);
		return;
	case RESEND:
		respond(keyboard, keyboard->last_sent);
		return;
	case SET_INDICATORS:
	case SELECT_SCAN_CODE_SET:
	case SET_TYPEMATIC_RATE:
	case SET_KEY_TYPE ... SET_KEY_TYPE_LAST:
		keyboard->parameter_of = command;
		break;
	case ENABLE:
		keyboard->scans = true;
		keyboard->keys_count = 0;
		keyboard->in_key = false;
		break;
	case DISABLE:
	case SET_DEFAULT:
		set_defaults(keyboard, command == SET_DEFAULT);
		break;
	case READ_ID:
	case RESET:
	case SET_ALL_KEYS ... SET_ALL_KEYS_LAST:
		break;
	default:
		respond(keyboard, SEND_AGAIN);
		return;
	}
	respond(keyboard, ACKNOWLEDGE);
	if (command == READ_ID) {
		respond(keyboard, ID_FIRST);
		respond(keyboard, ID_SECOND);
	} else if (command == RESET) {
		set_defaults(keyboard, true);
		respond(keyboard, TEST_PASSED);
	}
}

/* Lamps and the rate of repetition are nothing to be seen here. */
static void take_parameter(struct us_keyboard *keyboard, uint8_t command, uint8_t value)
{
	if (command != SELECT_SCAN_CODE_SET) {
		respond(keyboard, ACKNOWLEDGE);
	} else if (value > 2) {
		respond(keyboard, SEND_AGAIN);
	} else {
		respond(keyboard, ACKNOWLEDGE);
		if (value == 0) {
			respond(keyboard, keyboard->scan_code_set);
			return;
		}
		keyboard->scan_code_set = value;
		keyboard->keys_count = 0;
		keyboard->in_key = false;
	}
}

void us_keyboard_receive(struct us_keyboard *keyboard, uint8_t value)
{
	uint8_t command = keyboard->parameter_of;

	keyboard->parameter_of = 0;
	if (command && !(value & A_COMMAND))
		take_parameter(keyboard, command, value);
	else
		obey(keyboard, value);
}

bool us_keyboard_has_byte(const struct us_keyboard *keyboard)
{
	return keyboard->responses_count || keyboard->keys_count;
}

static uint8_t take(uint8_t *queue, uint8_t *count)
{
	uint8_t value = queue[0];

	(*count)--;
	for (unsigned int i = 0; i < *count; i++)
		queue[i] = queue[i + 1];
	return value;
}

uint8_t us_keyboard_send(struct us_keyboard *keyboard)
{
	if (keyboard->responses_count && !keyboard->in_key) {
		keyboard->last_sent = take(keyboard->responses, &keyboard->responses_count);
	} else if (keyboard->keys_count) {
		keyboard->last_sent = take(keyboard->keys, &keyboard->keys_count);
		keyboard->in_key = keyboard->last_sent == BREAK_PREFIX;
	}
	return keyboard->last_sent;
}

bool us_keyboard_has_room(const struct us_keyboard *keyboard)
{
	return keyboard->scans && keyboard->keys_count <= US_KEYBOARD_KEYS - LONGEST_TYPED;
}

static void press(struct us_keyboard *keyboard, uint8_t key)
{
	keyboard->keys[keyboard->keys_count++] =
		keyboard->scan_code_set == 1 ? us_keyboard_translate(key) : key;
}

static void release(struct us_keyboard *keyboard, uint8_t key)
{
	if (keyboard->scan_code_set == 1) {
		keyboard->keys[keyboard->keys_count++] = us_keyboard_translate(key) | BREAK_BIT;
		return;
	}
	keyboard->keys[keyboard->keys_count++] = BREAK_PREFIX;
	keyboard->keys[keyboard->keys_count++] = key;
}

/* Shift or control, as the one whose key is held, or 0; and the key, or 0: there is none. */
static uint8_t keys_of(uint8_t ascii, uint8_t *held)
{
	*held = 0;
	switch (ascii) {
	case '\b':
	case 0x7f:
		return KEY_BACKSPACE;
	case '\t':
		return KEY_TAB;
	case '\n':
	case '\r':
		return KEY_ENTER;
	case 0x1b:
		return KEY_ESCAPE;
	}
	if (ascii < ' ') {
		*held = KEY_CONTROL;
		return key_of[ascii + '@'] & ~SHIFT;
	}
	if (ascii >= ARRAY_SIZE(key_of))
		return 0;
	if (key_of[ascii] & SHIFT)
		*held = KEY_SHIFT;
	return key_of[ascii] & ~SHIFT;
}

void us_keyboard_type(struct us_keyboard *keyboard, char ascii)
{
	uint8_t held;
	uint8_t key = keys_of(ascii, &held);

	if (!key || !us_keyboard_has_room(keyboard))
		return;
	if (held)
		press(keyboard, held);
	press(keyboard, key);
	release(keyboard, key);
	if (held)
		release(keyboard, held);
}
