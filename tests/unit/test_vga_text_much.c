/*
 * A text screen as a console, when much is drawn on it: long listings, films, and anything at all.
 */
#include "tests/unit/vga_text_fixture.h"

static void more_than_a_screen_between_two_scans_leaves_its_last(void **state)
{
	(void)state;
	for (unsigned int n = 0; n < 1000; n += 100) {
		for (unsigned int i = 0; i < 100; i++) {
			char text[32];

			sprintf(text, "%u %u\n", n + i, (n + i) * 31 % 97);
			print(text);
		}
		scan();
		assert_int_equal(lines, ROWS - 1);
		assert_int_equal(atoi(said), n + 76);
	}
}

/* What has scrolled away and was not said, and what is there: more than may come at once. */
static void the_end_of_much_comes_in_parts(void **state)
{
	unsigned int all = 0, calls = 0;
	bool more;

	(void)state;
	for (unsigned int i = 0; i < ROWS; i++)
		draw(i, 0, "first");
	set_cursor(0);
	scan();
	for (unsigned int i = 0; i < ROWS; i++) {
		char text[32];

		sprintf(text, "%u%u%u", i, i * 7 % 10, i * 3 % 10);
		draw(i, 0, text);
	}
	set_cursor(10 * COLUMNS + 1); /* not a terminal's: they wait until they stand */
	scan();
	row = ROWS - 1;
	moves_cursor = false;
	for (unsigned int i = 0; i < ROWS - 5; i++) {
		char text[32];

		sprintf(text, "\nnew %u", i);
		print(text);
	}
	do {
		more = flush();
		all += lines;
		calls++;
	} while (more);
	assert_in_range(all, ROWS + 1, 2 * ROWS - 1);
	assert_int_equal(calls, 2);
	assert_false(flush());
	assert_int_equal(lines, 0);
}

/*
 * Pictures that stand for two scans, or for one: then they come as a listing does. With parts that
 * blink, and a row that seems to have scrolled; or between empty screens.
 */
static void a_film_does_not_flood(void **state)
{
	uint64_t seed = 24;

	(void)state;
	for (unsigned int kind = 0; kind < 6; kind++) {
		unsigned int all = 0, scans = 4000, stand = kind % 2 + 1;

		start(NULL);
		for (unsigned int i = 0; i < scans; i++) {
			for (unsigned int at = 0; i % stand == 0 && at < ROWS; at++) {
				uint64_t random = random_next(&seed);
				char text[20];

				sprintf(text, "%u", (unsigned int)random & 0xffffff);
				memset(cells + at * COLUMNS, 0, 2 * COLUMNS);
				if (kind / 2 == 1 && !at)
					memcpy(cells, cells + 24 * COLUMNS, 2 * COLUMNS);
				else if (kind / 2 != 1 || random >> 32 & 3)
					draw(at, 0, text);
			}
			if (kind / 2 == 2 && i / 2 % 2)
				clear();
			scan();
			all += lines;
		}
		assert_in_range(all, 1000, 1200 + scans);
	}
}

static void what_blinks_comes_once(void **state)
{
	(void)state;
	print("steady\nWARNING\n");
	expect("steady\nWARNING\n");
	for (unsigned int i = 0; i < 100; i++) {
		draw(1, 0, i / 5 % 2 ? "WARNING" : "       ");
		expect("");
	}
}

static void rows_that_are_alike_make_no_scroll(void **state)
{
	(void)state;
	for (unsigned int screen = 0; screen < 2; screen++) {
		for (unsigned int i = 0; i < 30; i++) {
			char text[32] = "alike\n";

			if (i != (screen ? 10 : 19))
				sprintf(text, "%u of screen %u\n", i, screen);
			print(text);
		}
		scan();
		assert_int_equal(lines, ROWS - 1);
	}
}

static void at_most_25_lines_come_of_a_scan(void **state)
{
	char text[32];

	(void)state;
	for (unsigned int i = 0; i < 2 * ROWS; i++) {
		sprintf(text, "%s%u", i < ROWS ? "first" : "FIRST", i % ROWS);
		draw(i % ROWS, 0, text);
		if (i == ROWS - 1) {
			scan();
			scan();
		}
	}
	set_cursor(10 * COLUMNS);
	expect("");
	row = ROWS - 1;
	for (unsigned int i = 0; i < 20; i++) {
		sprintf(text, "\nthen%u", i);
		print(text);
	}
	scan();
	assert_int_equal(lines, ROWS);
	assert_memory_equal(said, "FIRST0\nFIRST1\n", 14);
	scan();
	assert_int_equal(lines, 20);
	assert_memory_equal(said, "then0\nthen1\n", 12);
}

/* The first line of what was said is that, or the beginning of it when it had stood for a while. */
static const char *take_line(const char *text, const char *line, bool *complete)
{
	size_t length = strcspn(text, "\n");

	assert_true(length <= strlen(line));
	assert_memory_equal(text, line, length);
	*complete = length == strlen(line);
	return text + length + 1;
}

static void whatever_a_terminal_prints_comes_once_and_in_order(void **state)
{
	static char line[20000][64];
	uint64_t seed = 3;
	unsigned int next = 0;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(line); i++) {
		unsigned int words = random_next(&seed) % 6;
		char text[2] = "";

		sprintf(line[i], "%u:", i);
		while (words--)
			strcat(line[i], random_next(&seed) & 1 ? " the word" : " ok");
		for (const char *c = line[i]; *c; c++) {
			text[0] = *c;
			print(text);
			if (random_next(&seed) % 50)
				continue;
			scan();
			for (const char *now = said; *now;) {
				bool complete;

				now = take_line(now, line[next], &complete);
				next += complete;
			}
			assert_in_range(next, i ? i - 1 : 0, i);
		}
		print(random_next(&seed) % 10 ? "\n" : "\n\n");
	}
	scan();
	assert_int_equal(next + lines, ARRAY_SIZE(line));
}

static void random_pages_and_registers_are_harmless(void **state)
{
	uint64_t seed = 0xb8000;

	(void)state;
	for (unsigned int i = 0; i < 3000; i++) {
		uint32_t count = i & 1 ? random_next(&seed) % 3000 : VGA_TEXT_CELLS;
		uint16_t *page = exact_copy(cells, count * sizeof(*cells));

		set_register(0x0c, random_next(&seed) >> random_next(&seed) % 64);
		set_register(0x0d, random_next(&seed) >> random_next(&seed) % 64);
		set_cursor(random_next(&seed) >> random_next(&seed) % 64);
		for (unsigned int j = 0; j < 2000; j++)
			cells[random_next(&seed) % VGA_TEXT_CELLS] =
				random_next(&seed) & 3 ? 0 : random_next(&seed);
		said[0] = '\0';
		lines = 0;
		vga_text_scan(&vga, page, count, hear, &said);
		assert_true(lines <= ROWS);
		free(page);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		vga_test(more_than_a_screen_between_two_scans_leaves_its_last),
		vga_test(the_end_of_much_comes_in_parts),
		vga_test(a_film_does_not_flood),
		vga_test(what_blinks_comes_once),
		vga_test(rows_that_are_alike_make_no_scroll),
		vga_test(at_most_25_lines_come_of_a_scan),
		vga_test(whatever_a_terminal_prints_comes_once_and_in_order),
		vga_test(random_pages_and_registers_are_harmless),
	};

	return cmocka_run_group_tests_name("vga_text_much", tests, NULL, NULL);
}
