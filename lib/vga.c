#include <stdint.h>

#include "lib/vga.h"
#include "lib/x86.h"

#define COLUMNS	   80
#define ROWS	   25
#define ATTRIBUTE  0x0700 /* light grey on black */
#define BLANK	   (ATTRIBUTE | ' ')
#define CRTC_INDEX 0x3d4
#define CRTC_DATA  0x3d5

#define TOGETHER 4 /* cells that are compared at once */

/* A row; and where it is compared, a few cells of it. */
union row {
	uint16_t cell[COLUMNS];
	uint64_t cells[COLUMNS / TOGETHER];
};

static volatile uint16_t *const screen = (volatile uint16_t *)0xb8000;
static union row shown[ROWS]; /* what the screen has */
static union row text[ROWS];  /* what it is to have: a ring of rows, whose top moves */
static unsigned int top, row, column;
static unsigned int next; /* the row of the screen to be looked at */
static uint32_t unshown;  /* bit n: row n of the screen may differ from what it is to have */

static union row *row_at(unsigned int r)
{
	return &text[(top + r) % ROWS];
}

static void clear_row(unsigned int r)
{
	for (unsigned int c = 0; c < COLUMNS; c++)
		row_at(r)->cell[c] = BLANK;
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
	top = (top + 1) % ROWS;
	clear_row(ROWS - 1);
	unshown = BIT(ROWS) - 1;
}

void vga_init(void)
{
	top = row = column = next = unshown = 0;
	for (unsigned int r = 0; r < ROWS; r++) {
		clear_row(r);
		shown[r] = *row_at(r);
	}
	for (unsigned int i = 0; i < ROWS * COLUMNS; i++)
		screen[i] = BLANK;
	move_cursor();
}

void vga_write(char c)
{
	unshown |= BIT(row); /* at the least the cursor is elsewhere */
	if (c == '\n') {
		next_row();
		return;
	}
	if (c == '\r')
		return;
	if (column == COLUMNS)
		next_row();
	unshown |= BIT(row);
	row_at(row)->cell[column++] = ATTRIBUTE | (uint8_t)c;
}

static void show_cells(unsigned int r, unsigned int first)
{
	for (unsigned int c = first; c < first + TOGETHER; c++)
		screen[r * COLUMNS + c] = row_at(r)->cell[c];
}

bool vga_show(void)
{
	const union row *wanted;

	if (!unshown)
		return false;
	while (!(unshown & BIT(next)))
		next = next + 1 < ROWS ? next + 1 : 0;
	wanted = row_at(next);
	for (unsigned int i = 0; i < COLUMNS / TOGETHER; i++) {
		if (shown[next].cells[i] == wanted->cells[i])
			continue;
		show_cells(next, i * TOGETHER);
		shown[next].cells[i] = wanted->cells[i];
	}
	unshown &= ~BIT(next);
	if (!unshown)
		move_cursor();
	return unshown;
}
