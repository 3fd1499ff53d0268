/*
 * Text on a linear framebuffer, as UEFI and VBE leave one: its characters (lib/font.h) are drawn
 * for lib/text_screen.h. Large screens have each pixel of them several times, so that there are at
 * least 160 columns. The framebuffer is written in words of 8 bytes, and never read.
 */
#pragma once

#include <stdint.h>

#include "lib/text_screen.h"

/* Where in a pixel, a little-endian number, a colour is; in bits. */
struct framebuffer_field {
	uint8_t position;
	uint8_t size;
};

struct framebuffer {
	uint8_t *memory;
	uint32_t pitch; /* bytes from a line to the next */
	uint32_t width; /* pixels */
	uint32_t height;
	uint32_t bits; /* a pixel */
	struct framebuffer_field red, green, blue;
};

/*
 * The screen that is drawn on it; there is one. NULL if nothing can be drawn: a pixel has not 2, 3
 * or 4 bytes (15 to 32 bits), a colour has no place in it, or not one character fits.
 */
const struct text_device *framebuffer_text(const struct framebuffer *framebuffer);
