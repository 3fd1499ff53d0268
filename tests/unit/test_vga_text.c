/*
 * A text screen as a console: what comes of a screen that is drawn as kernels draw.
 */
#include "tests/unit/vga_text_fixture.h"

static void an_empty_screen_says_nothing(void **state)
{
	(void)state;
	expect("");
	clear();
	expect("");
	flush();
	assert_string_equal(said, "");
}

static void complete_lines_come_once_and_at_once(void **state)
{
	(void)state;
	print("one\n  two   \n\nthree\n");
	expect("one\n  two\nthree\n");
	expect("");
	print("four\n");
	expect("four\n");
	flush();
	assert_string_equal(said, "");
}

static void a_line_that_is_being_written_waits_until_it_is_complete(void **state)
{
	(void)state;
	print("one\ntw");
	expect("one\n");
	print("o\n");
	expect("two\n");
	print("th");
	expect("");
	print("re");
	expect("");
	print("e\nfour");
	expect("three\n");
}

static void a_line_that_is_not_finished_comes_when_it_stands(void **state)
{
	(void)state;
	print("login: ");
	expect("");
	expect("login:\n");
	expect("");
	print("root\n");
	expect("login: root\n");
}

static void without_a_cursor_the_lowest_line_waits(void **state)
{
	(void)state;
	moves_cursor = false;
	for (unsigned int i = 0; i < 3; i++) {
		start(NULL);
		moves_cursor = false;
		if (i == 1)
			set_cursor(ROWS * COLUMNS); /* hidden */
		if (i == 2)
			set_register(0x0a, 0x20);
		print("one\ntwo\nthr");
		expect("one\ntwo\n");
		print("ee\nfo");
		expect("three\n");
		print("ur\n");
		expect("");
		expect("four\n");
	}
}

static void what_a_screen_scrolls_comes_once(void **state)
{
	char text[32], expected[32];

	(void)state;
	for (unsigned int i = 0; i < 200; i++) {
		sprintf(text, "line %u\n", i);
		print(text);
		expect(text);
	}
	for (unsigned int i = 200; i < 1000; i++) {
		sprintf(text, "line %u\nli", i);
		print(text + (i > 200 ? 2 : 0));
		sprintf(expected, "line %u\n", i);
		expect(expected);
	}
}

static void a_scroll_by_many_rows_loses_none(void **state)
{
	(void)state;
	for (unsigned int n = 0; n < 1000;) {
		char expected[1000] = "", text[40];

		for (unsigned int i = 0; i < ROWS - 2; i++, n++) {
			sprintf(text, "%u: something\n", n * n);
			strcat(expected, text);
			print(text);
		}
		expect(expected);
	}
}

static void a_part_that_scrolls_leaves_the_rest_in_peace(void **state)
{
	char text[32];

	(void)state;
	draw(0, 10, "A HEADER");
	draw(24, 10, "A STATUS");
	for (unsigned int i = 0; i < 4; i++)
		scan();
	for (unsigned int i = 0; i < 100; i++) {
		unsigned int at = i < 23 ? i + 1 : 23;

		if (i >= 23) {
			memmove(cells + COLUMNS, cells + 2 * COLUMNS, 22 * COLUMNS * 2);
			memset(cells + 23 * COLUMNS, 0, COLUMNS * 2);
		}
		sprintf(text, "line %u\n", i);
		draw(at, 0, strtok(text, "\n"));
		set_cursor(at * COLUMNS + strlen(text));
		expect("");
		strcat(text, "\n");
		expect(text);
	}
}

static void a_counter_that_runs_says_nothing_until_it_stands(void **state)
{
	char text[32];

	(void)state;
	print("first\n");
	scan();
	for (unsigned int i = 0; i < 1000; i++) {
		sprintf(text, "%u %%", i / 10);
		draw(1, 0, text);
		if (i % 10)
			continue;
		scan();
		assert_int_equal(lines, 0);
	}
	expect("99 %\n");
	expect("");
	draw(1, 0, "-----");
	expect("");
	draw(1, 0, "99 % "); /* as it was */
	expect("");
	expect("");
}

static void a_counter_that_is_scrolled_away_says_its_last(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < ROWS - 1; i++) {
		char text[20];

		sprintf(text, "line %u\n", i);
		print(text);
	}
	scan();
	draw(0, 0, "counts: 7");
	expect("");
	print("next\n");
	expect("counts: 7\nnext\n");
}

static void a_screen_that_is_drawn_anew_comes_once(void **state)
{
	char expected[1000] = "";

	(void)state;
	clear();
	for (unsigned int i = 0; i < ROWS; i++) {
		draw(i, 3, "an old row");
		cells[i * COLUMNS] = 'a' + i;
	}
	set_cursor(5 * COLUMNS + 10);
	scan();
	scan();
	for (unsigned int i = 0; i < ROWS; i++) {
		char text[20];

		sprintf(text, "NEW ROW %c", 'a' + i * 7 % 26);
		draw(i, 0, text);
		draw(i, 10, "       ");
		strcat(strcat(expected, text), "\n");
	}
	expect("");
	expect(expected);
	expect("");
}

static void a_cleared_screen_is_new_when_it_was_empty_for_two_scans(void **state)
{
	(void)state;
	print("one\n");
	scan();
	clear();
	scan();
	print("one\n"); /* a picture that is drawn anew */
	expect("");
	clear();
	scan();
	scan();
	print("one\n");
	expect("one\n");
}

static void the_rest_comes_at_the_end(void **state)
{
	(void)state;
	print("one\ntwo");
	flush();
	assert_string_equal(said, "one\ntwo\n");
	flush();
	assert_string_equal(said, "");
	draw(0, 0, "ONE");
	flush();
	assert_string_equal(said, "ONE\n");
}

static void the_start_address_moves_the_screen(void **state)
{
	(void)state;
	print("one\ntwo\n");
	scan();
	set_register(0x0d, COLUMNS);
	draw(24, 0, "last");
	draw(25, 0, "below");
	set_cursor(25 * COLUMNS + 5);
	expect("last\n");
	expect("below\n");
	/* and wraps at the end of the page */
	start(NULL);
	set_register(0x0c, (VGA_TEXT_CELLS - 2) >> 8);
	set_register(0x0d, (VGA_TEXT_CELLS - 2) & 0xff);
	draw(VGA_TEXT_CELLS / COLUMNS, (VGA_TEXT_CELLS - 2) % COLUMNS, "ab");
	draw(0, 0, "cd");
	flush();
	assert_string_equal(said, "abcd\n");
}

static void frames_and_other_characters_become_ascii(void **state)
{
	(void)state;
	draw(0, 0, "\xc9\xcd\xbb \xda\xc4\xbf");
	draw(1, 0, "\xba\x01\xba \xb3\x80\xb3");
	draw(2, 0, "\xc8\xcd\xbc \xc0\xc4\xd9");
	draw(3, 0, "\xff~ \x7f\xdb\xb2");
	flush();
	assert_string_equal(said, "+-+ +-+\n|.| |.|\n+-+ +-+\n ~ ...\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		vga_test(an_empty_screen_says_nothing),
		vga_test(complete_lines_come_once_and_at_once),
		vga_test(a_line_that_is_being_written_waits_until_it_is_complete),
		vga_test(a_line_that_is_not_finished_comes_when_it_stands),
		vga_test(without_a_cursor_the_lowest_line_waits),
		vga_test(what_a_screen_scrolls_comes_once),
		vga_test(a_scroll_by_many_rows_loses_none),
		vga_test(a_part_that_scrolls_leaves_the_rest_in_peace),
		vga_test(a_counter_that_runs_says_nothing_until_it_stands),
		vga_test(a_counter_that_is_scrolled_away_says_its_last),
		vga_test(a_screen_that_is_drawn_anew_comes_once),
		vga_test(a_cleared_screen_is_new_when_it_was_empty_for_two_scans),
		vga_test(the_rest_comes_at_the_end),
		vga_test(the_start_address_moves_the_screen),
		vga_test(frames_and_other_characters_become_ascii),
	};

	return cmocka_run_group_tests_name("vga_text", tests, NULL, NULL);
}
