#include "lib/vga.h"

#include "lib/x86.h"

#define COLUMNS	   80
#define ROWS	   25
#define CRTC_INDEX 0x3d4
#define CRTC_DATA  0x3d5

static volatile uint16_t *const screen = (volatile uint16_t *)0xb8000;

/* Each on black. */
static const uint8_t attribute[] = {
	[TEXT_PLAIN] = 0x07,   /* light grey */
	[TEXT_ERROR] = 0x0c,   /* light red */
	[TEXT_WARNING] = 0x0e, /* yellow */
	[TEXT_RECORD] = 0x03,  /* cyan */
};

static void draw(unsigned int row, unsigned int column, const uint16_t *cells, unsigned int count)
{
	volatile uint16_t *to = &screen[row * COLUMNS + column];

	for (unsigned int i = 0; i < count; i++)
		to[i] = (uint16_t)(attribute[TEXT_CELL_COLOUR(cells[i])] << 8 |
				   TEXT_CELL_CHAR(cells[i]));
}

static void move_cursor(unsigned int row, unsigned int column)
{
	unsigned int position = row * COLUMNS + column;

	outb(CRTC_INDEX, 0x0e);
	outb(CRTC_DATA, position >> 8);
	outb(CRTC_INDEX, 0x0f);
	outb(CRTC_DATA, position);
}

const struct text_device vga_text = {
	.columns = COLUMNS,
	.rows = ROWS,
	.at_once = COLUMNS,
	.draw = draw,
	.drawn = move_cursor,
};
