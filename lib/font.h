/*
 * The glyphs of the framebuffer console: printable ASCII, out of a font of Debian's for the Linux
 * console, by tools/font.py.
 */
#pragma once

#define FONT_FIRST  0x20
#define FONT_LAST   0x7e
#define FONT_COUNT  (FONT_LAST - FONT_FIRST + 1)
#define FONT_WIDTH  8
#define FONT_HEIGHT 16

#ifndef __ASSEMBLER__
#include <stdint.h>

/* A byte for each line of a glyph, its highest bit left. */
extern const uint8_t font[FONT_COUNT][FONT_HEIGHT];
#endif
