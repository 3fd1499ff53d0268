#include "lib/text_screen.h"

#include "lib/array.h"
#include "lib/x86.h"

#define TOGETHER 4 /* cells that are compared at once */
#define TAB	 8
#define BLANK	 TEXT_CELL(TEXT_PLAIN, ' ')
#define NOTHING	 0 /* no cell is so: it differs from all */

_Static_assert(TEXT_SCREEN_COLUMNS % TOGETHER == 0 && TEXT_SCREEN_ROWS % 64 == 0, "whole words");

typedef uint64_t __attribute__((may_alias)) cells_together;

/* A row; and where it is compared, a few cells of it. */
union row {
	uint16_t cell[TEXT_SCREEN_COLUMNS];
	uint64_t cells[TEXT_SCREEN_COLUMNS / TOGETHER];
};

static const struct text_device *device;
static union row shown[TEXT_SCREEN_ROWS]; /* what the screen has */
static union row text[TEXT_SCREEN_ROWS];  /* what it is to have: a ring of rows, whose top moves */
static unsigned int top, row, column;
static enum text_colour colour;

/* A bit for each row of the screen that may differ from what it is to have. */
static uint64_t unshown[TEXT_SCREEN_ROWS / 64];
static uint64_t every[TEXT_SCREEN_ROWS / 64]; /* all rows that there are; written at boot */
static unsigned int next, next_together;      /* what is to be looked at: a row, and cells in it */

static union row *row_at(unsigned int r)
{
	return &text[(top + r) % device->rows];
}

static void mark(unsigned int r)
{
	unshown[r / 64] |= BIT(r % 64);
	if (r == next)
		next_together = 0;
}

static void mark_all(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(unshown); i++)
		unshown[i] = every[i];
	next_together = 0;
}

static void clear_row(union row *cells)
{
	for (unsigned int i = 0; i * TOGETHER < device->columns; i++)
		cells->cells[i] = BLANK * 0x0001000100010001ull;
}

static void next_row(void)
{
	column = 0;
	if (row + 1 < device->rows) {
		mark(++row);
		return;
	}
	top = (top + 1) % device->rows;
	clear_row(row_at(row));
	mark_all();
}

void text_screen_init(const struct text_device *new_device)
{
	device = new_device;
	top = row = column = next = 0;
	colour = TEXT_PLAIN;
	for (unsigned int i = 0; i < ARRAY_SIZE(every); i++)
		every[i] = 0;
	for (unsigned int r = 0; r < device->rows; r++) {
		every[r / 64] |= BIT(r % 64);
		clear_row(&text[r]);
		/* beyond the last column the two must not differ */
		clear_row(&shown[r]);
		for (unsigned int c = 0; c < device->columns; c++)
			shown[r].cell[c] = NOTHING;
	}
	mark_all();
}

static void put(char c)
{
	if (column == device->columns)
		next_row();
	mark(row);
	row_at(row)->cell[column++] = TEXT_CELL(colour, c);
}

void text_screen_write(char c)
{
	if (c == '\n') {
		mark(row); /* at the least the cursor is elsewhere */
		next_row();
		colour = TEXT_PLAIN;
	} else if (c == '\t') {
		do
			put(' ');
		while (column % TAB && column < device->columns);
	} else if ((uint8_t)c >= ' ') {
		put(c);
	}
}

void text_screen_colour(enum text_colour new_colour)
{
	colour = new_colour;
	mark(row);
	for (unsigned int c = 0; c < column; c++)
		row_at(row)->cell[c] = TEXT_CELL(colour, row_at(row)->cell[c]);
}

/* Draws, of a few cells, from the first that differs to the last; how many those are. */
static unsigned int show_cells(unsigned int first)
{
	const uint16_t *wanted = &row_at(next)->cell[first];
	uint16_t *has = &shown[next].cell[first];
	unsigned int from = 0, end = TOGETHER;

	while (from < end && has[from] == wanted[from])
		from++;
	while (end > from && has[end - 1] == wanted[end - 1])
		end--;
	device->draw(next, first + from, wanted + from, end - from);
	*(cells_together *)has = *(const cells_together *)wanted;
	return end - from;
}

/* Of the next row, until enough is drawn; false: there is more of it. */
static bool show_row(void)
{
	const union row *wanted = row_at(next);
	unsigned int drawn = 0;

	for (; next_together * TOGETHER < device->columns; next_together++) {
		if (shown[next].cells[next_together] == wanted->cells[next_together])
			continue;
		if (drawn >= device->at_once)
			return false;
		drawn += show_cells(next_together * TOGETHER);
	}
	next_together = 0;
	return true;
}

static bool is_marked(unsigned int r)
{
	return unshown[r / 64] & BIT(r % 64);
}

static bool all_is_shown(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(unshown); i++)
		if (unshown[i])
			return false;
	return true;
}

bool text_screen_show(void)
{
	if (all_is_shown())
		return false;
	while (!is_marked(next)) {
		next = next + 1 < device->rows ? next + 1 : 0;
		next_together = 0;
	}
	if (show_row())
		unshown[next / 64] &= ~BIT(next % 64);
	if (!all_is_shown())
		return true;
	device->drawn(row, column);
	return false;
}
