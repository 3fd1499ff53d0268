#include "vmm/chip/vga_text.h"

#include "lib/string.h"

#define COLUMNS VGA_TEXT_COLUMNS
#define ROWS	VGA_TEXT_ROWS

#define ALLOWANCE_MAX 1000
#define MOVED_MIN     3 /* rows, of a scroll without doubt */

struct scan {
	struct vga_text *vga;
	const volatile uint16_t *cells;
	uint32_t count;
	uint32_t start;	     /* of the screen, in cells */
	unsigned int cursor; /* cells from the start; 0 also if it is not to be seen */
	unsigned int lowest; /* row with characters */
	bool scrolled;
	bool whole_screen; /* all of it is new */
	bool flush;
	unsigned int lines; /* that may still come */
	void (*line)(void *arg, const char *text);
	void *arg;
};

/* A character of code page 437. */
static char ascii(uint8_t character)
{
	switch (character) {
	case 0x00:
	case 0xff:
		return ' ';
	case ' ' ... '~':
		return character;
	case 0xb3:
	case 0xba:
		return '|';
	case 0xc4:
	case 0xcd:
		return '-';
	case 0xb4 ... 0xb9:
	case 0xbb ... 0xc3:
	case 0xc5 ... 0xcc:
	case 0xce ... 0xda:
		return '+';
	default:
		return '.';
	}
}

/* Where a row starts in the page, which goes on at its beginning. */
static uint32_t first_cell(const struct scan *scan, unsigned int row)
{
	return (scan->start + row * COLUMNS) % scan->count;
}

static void read_row(const struct scan *scan, unsigned int row, char *text)
{
	uint32_t cell = first_cell(scan, row);

	for (unsigned int i = 0; i < COLUMNS; i++) {
		text[i] = ascii(scan->cells[cell]);
		if (++cell == scan->count)
			cell = 0;
	}
}

static bool shows(const struct scan *scan, unsigned int row, const char *text)
{
	uint32_t cell = first_cell(scan, row);

	for (unsigned int i = 0; i < COLUMNS; i++) {
		if (ascii(scan->cells[cell]) != text[i])
			return false;
		if (++cell == scan->count)
			cell = 0;
	}
	return true;
}

static unsigned int length_of(const char *row)
{
	unsigned int length = COLUMNS;

	while (length && row[length - 1] == ' ')
		length--;
	return length;
}

static bool is_blank(const char *row)
{
	return !length_of(row);
}

static bool is_same(const char *row, const char *other)
{
	return !memcmp(row, other, COLUMNS);
}

static void give(struct scan *scan, const char *row)
{
	char text[COLUMNS + 1];
	unsigned int length = length_of(row);

	memcpy(text, row, length);
	text[length] = '\0';
	scan->line(scan->arg, text);
	scan->lines--;
}

/*
 * How many rows from first to before end show what was n rows below; 0 if most of what was there is
 * not found. Blank rows do not count.
 */
static unsigned int rows_moved(const struct scan *scan, unsigned int first, unsigned int end,
			       unsigned int n)
{
	unsigned int rows = 0, moved = 0;

	for (unsigned int row = first; row + n < end; row++) {
		const char *before = scan->vga->seen[row + n];

		if (is_blank(before))
			continue;
		rows++;
		moved += shows(scan, row, before);
	}
	return 2 * moved >= rows ? moved : 0;
}

/*
 * By how many rows the part from first to before end has scrolled up; 0: it has not. A few rows may
 * be alike and have not moved: that may be an error as often as there is an allowance.
 */
static unsigned int rows_scrolled(struct scan *scan, unsigned int first, unsigned int end)
{
	unsigned int best = 0, most = 0;

	for (unsigned int n = 0; n < end - first; n++) {
		unsigned int moved = rows_moved(scan, first, end, n);

		if (moved > most) {
			most = moved;
			best = n;
		}
	}
	if (most >= MOVED_MIN || !best)
		return best;
	if (scan->vga->allowance < best)
		return 0;
	scan->vga->allowance -= best;
	return best;
}

/* The part has scrolled: what was not given of the rows that left is given now. */
static void scroll(struct scan *scan, unsigned int first, unsigned int end, unsigned int n)
{
	struct vga_text *vga = scan->vga;

	for (unsigned int row = first; row < first + n; row++)
		if (!is_same(vga->seen[row], vga->given[row]) && !is_blank(vga->seen[row]))
			give(scan, vga->seen[row]);
	memmove(vga->seen[first], vga->seen[first + n], (end - first - n) * COLUMNS);
	memmove(vga->given[first], vga->given[first + n], (end - first - n) * COLUMNS);
	memset(vga->seen[end - n], ' ', n * COLUMNS);
	memset(vga->given[end - n], ' ', n * COLUMNS);
}

/* Whether the cursor is where a terminal has it, or was never moved. */
static bool is_terminal(const struct scan *scan)
{
	return !scan->cursor || scan->cursor / COLUMNS >= scan->lowest;
}

/* The screen has been empty for two scans: all that is written from now on is new. */
static void forget(struct vga_text *vga)
{
	bool any = false;

	for (unsigned int row = 0; row < ROWS; row++)
		any = any || !is_blank(vga->given[row]);
	if (!any || vga->allowance < ROWS)
		return;
	vga->allowance -= ROWS;
	memset(vga->given, ' ', sizeof(vga->given));
}

/* What has moved, and what was overwritten, as a whole. */
static void compare(struct scan *scan)
{
	struct vga_text *vga = scan->vga;
	unsigned int first = ROWS, end = 0, overwritten = 0, n;

	scan->lowest = 0;
	for (unsigned int row = 0; row < ROWS; row++) {
		char text[COLUMNS];

		read_row(scan, row, text);
		if (!is_blank(text))
			scan->lowest = row;
		if (is_same(text, vga->seen[row]))
			continue;
		if (first == ROWS)
			first = row;
		end = row + 1;
		overwritten += !is_blank(text) && !is_blank(vga->seen[row]);
	}
	if (first == ROWS) {
		if (!scan->lowest && is_blank(vga->seen[0]))
			forget(vga);
		return;
	}
	n = rows_scrolled(scan, first, end);
	scan->scrolled = n;
	if (n)
		scroll(scan, first, end, n);
	scan->whole_screen = !n && overwritten > ROWS / 2 && is_terminal(scan);
}

/* Whether more of a row may come at any moment. */
static bool is_being_written(const struct scan *scan, unsigned int row)
{
	if (row == scan->cursor / COLUMNS && scan->cursor % COLUMNS)
		return true;
	return row == scan->lowest && scan->cursor / COLUMNS <= row;
}

/* Whether a row has only more at its end than what it was: also all, if that was blank. */
static bool goes_on(const char *before, const char *text)
{
	return !memcmp(before, text, length_of(before));
}

/* One line more; of those that overwrite others there is an allowance. */
static bool may_give(struct scan *scan, bool overwrites)
{
	if (!scan->lines)
		return false;
	if (!overwrites || scan->flush)
		return true;
	if (!scan->vga->allowance)
		return false;
	scan->vga->allowance--;
	return true;
}

static void scan_row(struct scan *scan, unsigned int row)
{
	char *seen = scan->vga->seen[row];
	char *given = scan->vga->given[row];
	char text[COLUMNS];
	bool adds, unfinished, stands;

	read_row(scan, row, text);
	adds = goes_on(given, text);
	unfinished = is_being_written(scan, row);
	/* what follows a line that has scrolled may begin as that did */
	stands = scan->flush || (is_same(text, seen) && !(scan->scrolled && unfinished));
	memcpy(seen, text, COLUMNS);
	if (is_blank(text) || is_same(text, given))
		return;
	if (!stands && (unfinished || !(adds || scan->whole_screen)))
		return;
	if (!may_give(scan, !adds))
		return;
	give(scan, text);
	memcpy(given, text, COLUMNS);
}

static unsigned int cursor(const struct scan *scan)
{
	const struct vga_registers *registers = &scan->vga->registers;
	uint16_t cursor = vga_registers_cursor(registers) - vga_registers_start(registers);

	return vga_registers_has_cursor(registers) && cursor < ROWS * COLUMNS ? cursor : 0;
}

/* True: no more lines may come of it. */
static bool look(struct scan *scan)
{
	if (!scan->count)
		return false;
	scan->start = vga_registers_start(&scan->vga->registers);
	scan->cursor = cursor(scan);
	if (scan->vga->allowance < ALLOWANCE_MAX)
		scan->vga->allowance++;
	compare(scan);
	for (unsigned int row = 0; row < ROWS; row++)
		scan_row(scan, row);
	return !scan->lines;
}

void vga_text_reset(struct vga_text *vga)
{
	vga_registers_reset(&vga->registers);
	vga_text_begin(vga);
}

void vga_text_begin(struct vga_text *vga)
{
	vga->allowance = ALLOWANCE_MAX;
	memset(vga->seen, ' ', sizeof(vga->seen));
	memset(vga->given, ' ', sizeof(vga->given));
}

void vga_text_scan(struct vga_text *vga, const volatile uint16_t *cells, uint32_t count,
		   void (*line)(void *arg, const char *text), void *arg)
{
	look(&(struct scan){
		.vga = vga,
		.cells = cells,
		.count = count,
		.lines = ROWS,
		.line = line,
		.arg = arg,
	});
}

bool vga_text_flush(struct vga_text *vga, const volatile uint16_t *cells, uint32_t count,
		    void (*line)(void *arg, const char *text), void *arg)
{
	return look(&(struct scan){
		.vga = vga,
		.cells = cells,
		.count = count,
		.flush = true,
		.lines = ROWS,
		.line = line,
		.arg = arg,
	});
}
