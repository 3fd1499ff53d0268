#include "tests/unit/unit.h"

#include "lib/text_screen.h"

#define COLUMNS_MAX TEXT_SCREEN_COLUMNS
#define ROWS_MAX    TEXT_SCREEN_ROWS

/* The screen: what it has, and how often it was drawn on. */
static uint16_t cells[ROWS_MAX][COLUMNS_MAX];
static unsigned int drawn_cells, drawn_calls, cursor_row, cursor_column;
static struct text_device device;

static void draw(unsigned int row, unsigned int column, const uint16_t *run, unsigned int count)
{
	assert_true(count && row < device.rows && column + count <= device.columns);
	memcpy(&cells[row][column], run, count * sizeof(*run));
	drawn_cells += count;
}

static void drawn(unsigned int row, unsigned int column)
{
	drawn_calls++;
	cursor_row = row;
	cursor_column = column;
}

static void show_all(void)
{
	while (text_screen_show())
		;
}

static void begin(unsigned int columns, unsigned int rows)
{
	device = (struct text_device){columns, rows, 8, draw, drawn};
	memset(cells, 0xff, sizeof(cells));
	text_screen_init(&device);
	show_all();
	drawn_cells = drawn_calls = 0;
}

static int start(void **state)
{
	(void)state;
	begin(20, 4);
	return 0;
}

static void say(const char *text)
{
	while (*text)
		text_screen_write(*text++);
}

static void expect_row(unsigned int row, const char *text)
{
	char found[COLUMNS_MAX + 1] = "";
	unsigned int length = device.columns;

	for (unsigned int c = 0; c < device.columns; c++)
		found[c] = (char)TEXT_CELL_CHAR(cells[row][c]);
	while (length && found[length - 1] == ' ')
		length--;
	found[length] = '\0';
	assert_string_equal(found, text);
}

static void expect_colour(unsigned int row, unsigned int columns, enum text_colour colour)
{
	for (unsigned int c = 0; c < columns; c++)
		assert_int_equal(TEXT_CELL_COLOUR(cells[row][c]), colour);
}

static void it_is_cleared_in_whole_at_first(void **state)
{
	(void)state;
	device = (struct text_device){7, 3, 2, draw, drawn};
	text_screen_init(&device);
	drawn_cells = 0;
	show_all();
	assert_int_equal(drawn_cells, 7 * 3);
	for (unsigned int r = 0; r < 3; r++)
		expect_row(r, "");
}

static void lines_follow_each_other_and_scroll(void **state)
{
	(void)state;
	say("one\ntwo\nthree\n");
	show_all();
	expect_row(0, "one");
	expect_row(2, "three");
	expect_row(3, "");
	say("four\nfive");
	show_all();
	expect_row(0, "two");
	expect_row(1, "three");
	expect_row(2, "four");
	expect_row(3, "five");
	assert_int_equal(cursor_row, 3);
	assert_int_equal(cursor_column, 4);
}

static void a_long_line_goes_on_in_the_next_row(void **state)
{
	(void)state;
	say("01234567890123456789");
	show_all();
	expect_row(1, "");
	say("\nnext");
	show_all();
	expect_row(1, "next");
	begin(20, 4);
	say("01234567890123456789abc");
	show_all();
	expect_row(0, "01234567890123456789");
	expect_row(1, "abc");
}

static void a_tab_goes_to_the_next_multiple_of_8_and_other_controls_are_left_out(void **state)
{
	(void)state;
	say("a\tb\r\b\x1b\x01\tc\td\n12345678\t9");
	show_all();
	expect_row(0, "a       b       c");
	expect_row(1, "d");
	expect_row(2, "12345678        9");
}

static void only_what_differs_is_drawn(void **state)
{
	(void)state;
	say("abc\nabd\n");
	show_all();
	assert_int_equal(drawn_cells, 6);
	assert_int_equal(drawn_calls, 1);
	drawn_cells = 0;
	say("abe\nabf\nabg");
	show_all();
	/* "ab" stays where it was in the first rows: three times a letter that differs, then "abg"
	 */
	assert_int_equal(drawn_cells, 1 + 1 + 3 + 3);
	drawn_cells = 0;
	assert_false(text_screen_show());
	assert_int_equal(drawn_cells, 0);
}

/* However much is printed between two looks, the screen is drawn at most once in whole. */
static void what_scrolls_past_unseen_is_never_drawn(void **state)
{
	char line[32];

	(void)state;
	for (int i = 0; i < 10000; i++) {
		snprintf(line, sizeof(line), "line %d of many\n", i);
		say(line);
	}
	show_all();
	assert_in_range(drawn_cells, 3 * 14, 4 * 20); /* perhaps without the blanks */
	expect_row(0, "line 9997 of many");
	expect_row(2, "line 9999 of many");
}

static void a_call_draws_little(void **state)
{
	(void)state;
	begin(COLUMNS_MAX, ROWS_MAX);
	for (unsigned int i = 0; i < COLUMNS_MAX * (ROWS_MAX - 1); i++)
		text_screen_write('x');
	for (bool more = true; more;) {
		drawn_cells = 0;
		more = text_screen_show();
		assert_true(drawn_cells < device.at_once + 4);
	}
}

static void the_colour_is_of_the_whole_line_and_no_other(void **state)
{
	(void)state;
	say("plain\nERR");
	show_all();
	text_screen_colour(TEXT_ERROR);
	say("OR that is longer than a row\nplain");
	show_all();
	expect_colour(0, 20, TEXT_PLAIN);
	expect_row(1, "ERROR that is longer");
	expect_colour(1, 20, TEXT_ERROR);
	expect_row(2, " than a row");
	expect_colour(2, 11, TEXT_ERROR);
	expect_colour(3, 20, TEXT_PLAIN);
	assert_int_equal(cells[2][11], TEXT_CELL(TEXT_PLAIN, ' '));
}

/* Text may come while a row is half drawn. */
static void what_is_written_while_it_is_drawn_is_not_missed(void **state)
{
	static char model[4][21];
	uint64_t seed = 7;
	unsigned int row = 0, column = 0;

	(void)state;
	memset(model, ' ', sizeof(model));
	device.at_once = 1;
	for (int i = 0; i < 20000; i++) {
		char c = (char)('a' + random_next(&seed) % 26);
		bool newline = random_next(&seed) % 16 == 0;

		if (newline || column == 20) {
			column = 0;
			if (row < 3) {
				row++;
			} else {
				memmove(model[0], model[1], 3 * sizeof(model[0]));
				memset(model[3], ' ', sizeof(model[3]));
			}
		}
		if (newline) {
			text_screen_write('\n');
		} else {
			text_screen_write(c);
			model[row][column++] = c;
		}
		if (random_next(&seed) % 4)
			text_screen_show();
		if (random_next(&seed) % 64)
			continue;
		show_all();
		for (unsigned int r = 0; r < 4; r++)
			for (unsigned int k = 0; k < 20; k++)
				assert_int_equal(TEXT_CELL_CHAR(cells[r][k]), model[r][k]);
	}
}

static void sizes_that_are_no_multiple_of_anything_work(void **state)
{
	(void)state;
	for (unsigned int columns = 1; columns < 12; columns++) {
		for (unsigned int rows = 1; rows < 6; rows++) {
			begin(columns, rows);
			say("some text\tthat goes\non and on and on");
			show_all();
			assert_int_equal(TEXT_CELL_CHAR(cells[cursor_row][cursor_column - 1]), 'n');
		}
	}
}

#define screen_test(name) cmocka_unit_test_setup(name, start)

int main(void)
{
	const struct CMUnitTest tests[] = {
		screen_test(it_is_cleared_in_whole_at_first),
		screen_test(lines_follow_each_other_and_scroll),
		screen_test(a_long_line_goes_on_in_the_next_row),
		screen_test(a_tab_goes_to_the_next_multiple_of_8_and_other_controls_are_left_out),
		screen_test(only_what_differs_is_drawn),
		screen_test(what_scrolls_past_unseen_is_never_drawn),
		screen_test(a_call_draws_little),
		screen_test(the_colour_is_of_the_whole_line_and_no_other),
		screen_test(what_is_written_while_it_is_drawn_is_not_missed),
		screen_test(sizes_that_are_no_multiple_of_anything_work),
	};

	return cmocka_run_group_tests_name("text_screen", tests, NULL, NULL);
}
