#include "lib/framebuffer.h"

#include <stddef.h>

#include "lib/array.h"
#include "lib/font.h"

#define BYTES_MAX 4 /* of a pixel */
#define SCALE_MAX 8

/* A screen of this size has characters twice as large as one of half of it. */
#define SCALE_WIDTH  1280
#define SCALE_HEIGHT 720

/* Drawn at once: even where a word takes 100 ns to be written they take some 50 us. */
#define PIXELS_AT_ONCE 1024

#define BACKGROUND 0x000000

/* Red, green, blue. */
static const uint32_t rgb[] = {
	[TEXT_PLAIN] = 0xc0c0c0,
	[TEXT_ERROR] = 0xff6060,
	[TEXT_WARNING] = 0xffe060,
	[TEXT_RECORD] = 0x60b0c0,
};

/* Of the video memory, which may begin and have its lines anywhere. */
typedef uint64_t __attribute__((aligned(1), may_alias)) word;

/* Written at boot. */
static struct framebuffer fb;
static uint32_t bytes; /* a pixel */
static uint32_t scale;
static uint32_t background, foreground[ARRAY_SIZE(rgb)]; /* as pixels */
static struct text_device device;

static uint32_t field_of(const struct framebuffer_field *field, uint8_t level)
{
	uint32_t value = level;

	value = field->size < 8 ? value >> (8 - field->size) : value << (field->size - 8);
	return value << field->position;
}

static uint32_t pixel_of(uint32_t colour)
{
	return field_of(&fb.red, colour >> 16) | field_of(&fb.green, colour >> 8) |
	       field_of(&fb.blue, colour);
}

/* One line of a glyph as pixels; each is there `scale` times. */
static void make_line(uint8_t *line, uint8_t glyph_line, uint32_t ink)
{
	for (unsigned int x = 0; x < FONT_WIDTH; x++) {
		uint32_t pixel = glyph_line & (0x80 >> x) ? ink : background;

		for (uint32_t i = 0; i < scale; i++) {
			for (uint32_t b = 0; b < bytes; b++)
				*line++ = (uint8_t)(pixel >> 8 * b);
		}
	}
}

/* A line of 8 pixels is whole words, whatever the depth. */
static void copy_line(uint8_t *to, const uint8_t *line)
{
	word *at = (word *)to;
	const word *from = (const word *)line;

	for (uint32_t i = 0; i < scale * bytes; i++)
		at[i] = from[i];
}

static void draw_cell(unsigned int row, unsigned int column, uint16_t cell)
{
	uint8_t c = TEXT_CELL_CHAR(cell), line[FONT_WIDTH * SCALE_MAX * BYTES_MAX];
	const uint8_t *glyph = font[(c >= FONT_FIRST && c <= FONT_LAST ? c : '?') - FONT_FIRST];
	uint8_t *to = fb.memory + (size_t)row * FONT_HEIGHT * scale * fb.pitch +
		      (size_t)column * FONT_WIDTH * scale * bytes;

	for (unsigned int y = 0; y < FONT_HEIGHT; y++) {
		if (!y || glyph[y] != glyph[y - 1])
			make_line(line, glyph[y], foreground[TEXT_CELL_COLOUR(cell)]);
		for (uint32_t i = 0; i < scale; i++, to += fb.pitch)
			copy_line(to, line);
	}
}

static void draw(unsigned int row, unsigned int column, const uint16_t *cells, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		draw_cell(row, column + i, cells[i]);
}

/* What has been written may wait in a buffer of the CPU. */
static void drawn(unsigned int row, unsigned int column)
{
	(void)row;
	(void)column;
	__asm__ volatile("sfence" : : : "memory");
}

static bool fits(const struct framebuffer_field *field, uint32_t bits)
{
	return field->size && field->position + field->size <= bits;
}

static uint32_t at_most(uint32_t value, uint32_t most)
{
	return value < most ? value : most;
}

static uint32_t scale_of(uint32_t width, uint32_t height)
{
	uint32_t times = at_most(at_most(width / SCALE_WIDTH, height / SCALE_HEIGHT), SCALE_MAX);

	return times ? times : 1;
}

const struct text_device *framebuffer_text(const struct framebuffer *framebuffer)
{
	uint32_t pixels;

	fb = *framebuffer;
	bytes = (fb.bits + 7) / 8;
	if (fb.bits < 15 || fb.bits > 8 * BYTES_MAX || !fits(&fb.red, fb.bits) ||
	    !fits(&fb.green, fb.bits) || !fits(&fb.blue, fb.bits) || fb.width < FONT_WIDTH ||
	    fb.height < FONT_HEIGHT || fb.pitch / bytes < fb.width)
		return NULL;
	scale = scale_of(fb.width, fb.height);
	background = pixel_of(BACKGROUND);
	for (unsigned int i = 0; i < ARRAY_SIZE(rgb); i++)
		foreground[i] = pixel_of(rgb[i]);
	pixels = FONT_WIDTH * FONT_HEIGHT * scale * scale;
	device = (struct text_device){
		.columns = at_most(fb.width / (FONT_WIDTH * scale), TEXT_SCREEN_COLUMNS),
		.rows = at_most(fb.height / (FONT_HEIGHT * scale), TEXT_SCREEN_ROWS),
		.at_once = pixels < PIXELS_AT_ONCE ? PIXELS_AT_ONCE / pixels : 1,
		.draw = draw,
		.drawn = drawn,
	};
	return &device;
}
