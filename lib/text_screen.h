/*
 * Text on the machine's screen, whichever that is: VGA text (lib/vga.h) or a framebuffer
 * (lib/framebuffer.h). A screen's memory is slow, and is never read: text goes into a copy, where
 * it scrolls, and from there to the screen only where it differs from what is shown.
 *
 * There is one screen. One CPU at a time; no locks, and nothing that may wait or fault, so that a
 * panic can write over whatever was going on.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What fits is used of a larger screen: 320 columns are 2560 pixels. */
#define TEXT_SCREEN_COLUMNS 320
#define TEXT_SCREEN_ROWS    128

/* A cell: the character, and above it one of these. */
enum text_colour {
	TEXT_PLAIN,
	TEXT_ERROR,
	TEXT_WARNING,
	TEXT_RECORD, /* of a line that is for scripts */
};

#define TEXT_CELL(colour, c)   ((uint16_t)((colour) << 8 | (uint8_t)(c)))
#define TEXT_CELL_COLOUR(cell) ((enum text_colour)((cell) >> 8))
#define TEXT_CELL_CHAR(cell)   ((uint8_t)(cell))

struct text_device {
	unsigned int columns, rows; /* at least 1, at most the above */
	unsigned int at_once; /* cells that are drawn before the caller can look at the time */
	void (*draw)(unsigned int row, unsigned int column, const uint16_t *cells,
		     unsigned int count);
	/* all is drawn, and the next character goes there */
	void (*drawn)(unsigned int row, unsigned int column);
};

/* Takes a screen, and clears it: it is drawn in whole, a part with each text_screen_show(). */
void text_screen_init(const struct text_device *device);

/* Writes into the copy. A tab goes to the next multiple of 8; other controls but '\n' are left out.
 */
void text_screen_write(char c);

/* The line that has begun, and what is added to it, has this colour; the next is plain. */
void text_screen_colour(enum text_colour colour);

/* Shows a part of what is new; false: all is shown. */
bool text_screen_show(void);
