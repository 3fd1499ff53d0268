#include <stdint.h>

#include "lib/vga.h"
#include "lib/x86.h"

#define COLUMNS	   80
#define ROWS	   25
#define ATTRIBUTE  0x0700 /* light grey on black */
#define CRTC_INDEX 0x3d4
#define CRTC_DATA  0x3d5

static volatile uint16_t *const screen = (volatile uint16_t *)0xb8000;
static unsigned int row, column;

static void clear_row(unsigned int r)
{
	for (unsigned int c = 0; c < COLUMNS; c++)
		screen[r * COLUMNS + c] = ATTRIBUTE | ' ';
}

static void move_cursor(void)
{
	unsigned int position = row * COLUMNS + column;

	outb(CRTC_INDEX, 0x0e);
	outb(CRTC_DATA, position >> 8);
	outb(CRTC_INDEX, 0x0f);
	outb(CRTC_DATA, position);
}

static void next_row(void)
{
	column = 0;
	if (row + 1 < ROWS) {
		row++;
		return;
	}
	for (unsigned int i = 0; i < (ROWS - 1) * COLUMNS; i++)
		screen[i] = screen[i + COLUMNS];
	clear_row(ROWS - 1);
}

void vga_init(void)
{
	for (unsigned int r = 0; r < ROWS; r++)
		clear_row(r);
	row = column = 0;
	move_cursor();
}

void vga_write(char c)
{
	if (c == '\n') {
		next_row();
		move_cursor();
		return;
	}
	if (c == '\r')
		return;
	if (column == COLUMNS)
		next_row();
	screen[row * COLUMNS + column++] = ATTRIBUTE | (uint8_t)c;
}
