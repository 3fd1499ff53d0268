/*
 * A US keyboard as the keyboard controller has it at its serial line: commands come, and responses
 * and scan codes go (IBM PC AT Technical Reference, "Keyboard"; PS/2 Hardware Interface Technical
 * Reference, "Keyboard"). Scan code sets 1 and 2. No hardware in it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define US_KEYBOARD_KEYS      16
#define US_KEYBOARD_RESPONSES 8

struct us_keyboard {
	bool scans; /* else what is typed is lost */
	uint8_t scan_code_set;
	uint8_t parameter_of; /* the command whose next byte is awaited, or 0 */
	uint8_t last_sent;
	bool in_key; /* a prefix was sent, and its key was not */
	uint8_t responses_count, keys_count;
	uint8_t responses[US_KEYBOARD_RESPONSES]; /* sent before any key */
	uint8_t keys[US_KEYBOARD_KEYS];
};

/* After its test: it scans, with set 2. */
void us_keyboard_reset(struct us_keyboard *keyboard);

/* A byte has come from the controller. */
void us_keyboard_receive(struct us_keyboard *keyboard, uint8_t value);

/* Whether there is a byte to send; and that byte, where there is one. */
bool us_keyboard_has_byte(const struct us_keyboard *keyboard);
uint8_t us_keyboard_send(struct us_keyboard *keyboard);

/* Whether the keys of any one character can be typed and none is lost. */
bool us_keyboard_has_room(const struct us_keyboard *keyboard);

/*
 * Somebody types an ASCII character: its key is pressed and released, with shift or control where
 * it needs them. LF and CR are Enter, BS and DEL are Backspace. Without room it is lost.
 */
void us_keyboard_type(struct us_keyboard *keyboard, char ascii);

/* The code of set 1 for one of set 2: what the controller's translation makes of a byte. */
uint8_t us_keyboard_translate(uint8_t code);
