/*
 * A screen, a kernel's terminal that draws on it, and what is heard of it.
 */
#pragma once

#include "tests/unit/unit.h"

#include "vmm/chip/vga_text.h"

#define ROWS	VGA_TEXT_ROWS
#define COLUMNS VGA_TEXT_COLUMNS

static struct vga_text vga;
static uint16_t *cells;
static char said[1 << 20]; /* lines since the last look, each with its end */
static unsigned int lines;

/* The terminal of a kernel. */
static unsigned int row, column;
static bool moves_cursor;

static inline void set_register(uint8_t index, uint8_t value)
{
	vga_registers_write(&vga.registers, 0x3d4, index);
	vga_registers_write(&vga.registers, 0x3d5, value);
}

static inline void set_cursor(unsigned int cell)
{
	set_register(0x0e, cell >> 8);
	set_register(0x0f, cell);
}

static inline int start(void **state)
{
	(void)state;
	memset(&vga, 0xff, sizeof(vga));
	vga_text_reset(&vga);
	free(cells);
	cells = calloc(VGA_TEXT_CELLS, sizeof(*cells));
	assert_non_null(cells);
	said[0] = '\0';
	lines = row = column = 0;
	moves_cursor = true;
	return 0;
}

static inline int end(void **state)
{
	(void)state;
	free(cells);
	cells = NULL;
	return 0;
}

static inline void draw(unsigned int at_row, unsigned int at_column, const char *text)
{
	for (unsigned int i = 0; text[i]; i++)
		cells[at_row * COLUMNS + at_column + i] = 0x0700 | (uint8_t)text[i];
}

static inline void clear(void)
{
	for (unsigned int i = 0; i < ROWS * COLUMNS; i++)
		cells[i] = 0x0720;
	row = column = 0;
	if (moves_cursor)
		set_cursor(0);
}

static inline void newline(void)
{
	column = 0;
	if (++row < ROWS)
		return;
	row--;
	memmove(cells, cells + COLUMNS, (ROWS - 1) * COLUMNS * 2);
	for (unsigned int i = 0; i < COLUMNS; i++)
		cells[row * COLUMNS + i] = 0x0720;
}

static inline void print(const char *text)
{
	for (; *text; text++) {
		if (*text == '\n') {
			newline();
		} else {
			cells[row * COLUMNS + column] = 0x0700 | (uint8_t)*text;
			if (++column == COLUMNS)
				newline();
		}
	}
	if (moves_cursor)
		set_cursor(row * COLUMNS + column);
}

static inline void hear(void *arg, const char *text)
{
	assert_ptr_equal(arg, &said);
	assert_true(strlen(text) > 0 && strlen(text) <= COLUMNS);
	assert_int_not_equal(text[strlen(text) - 1], ' ');
	for (const char *c = text; *c; c++)
		assert_in_range(*c, ' ', '~');
	assert_true(strlen(said) + strlen(text) + 2 < sizeof(said));
	strcat(strcat(said, text), "\n");
	lines++;
}

static inline void scan(void)
{
	said[0] = '\0';
	lines = 0;
	vga_text_scan(&vga, cells, VGA_TEXT_CELLS, hear, &said);
	assert_true(lines <= ROWS);
}

/* True: there may be more. */
static inline bool flush(void)
{
	bool more;

	said[0] = '\0';
	lines = 0;
	more = vga_text_flush(&vga, cells, VGA_TEXT_CELLS, hear, &said);
	assert_true(lines <= ROWS);
	return more;
}

static inline void expect(const char *text)
{
	scan();
	assert_string_equal(said, text);
}

#define vga_test(name) cmocka_unit_test_setup_teardown(name, start, end)
