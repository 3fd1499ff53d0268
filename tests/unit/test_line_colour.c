#include "tests/unit/unit.h"

#include "lib/line_colour.h"

/* The colour that a text's last line has, and after how many of its characters it was known. */
static enum text_colour colour_of(const char *text, size_t *after)
{
	struct line_colour line = {};

	*after = 0;
	for (size_t i = 0; text[i]; i++) {
		bool known = line_colour_next(&line, text[i]);

		if (known) {
			assert_true(*after == 0);
			*after = i + 1;
		}
		if (text[i] == '\n')
			*after = 0;
	}
	return line.found;
}

static void a_line_has_the_colour_of_its_beginning(void **state)
{
	static const struct {
		const char *text;
		enum text_colour colour;
		size_t after;
	} lines[] = {
		{"ERROR: no", TEXT_ERROR, 7},
		{"warning: so so", TEXT_WARNING, 9},
		{"@boot version=1", TEXT_RECORD, 1},
		{"plain", TEXT_PLAIN, 0},
		{"", TEXT_PLAIN, 0},
		{"ERROR", TEXT_PLAIN, 0},
		{" ERROR: indented", TEXT_PLAIN, 0},
		{"a| ERROR: a guest's", TEXT_PLAIN, 0},
		{"a| @boot", TEXT_PLAIN, 0},
		{"warning; not", TEXT_PLAIN, 0},
		{"debug: x", TEXT_PLAIN, 0},
		{"ERROR: one\nplain", TEXT_PLAIN, 0},
		{"plain\n@end", TEXT_RECORD, 7},
		{"\n\nwarning: x", TEXT_WARNING, 11},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		size_t after;

		assert_int_equal(colour_of(lines[i].text, &after), lines[i].colour);
		assert_int_equal(after, lines[i].after);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_the_colour_of_its_beginning),
	};

	return cmocka_run_group_tests_name("line_colour", tests, NULL, NULL);
}
