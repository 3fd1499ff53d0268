#include "tests/unit/unit.h"

#include "lib/console.h"
#include "vmm/guest_console.h"

#define RANDOM_BYTES 100000
#define MARK	     "g| "

static struct guest_console console;
static char printed[2 * RANDOM_BYTES];
static size_t printed_length;

void print(const char *format, ...)
{
	size_t room = sizeof(printed) - printed_length;
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(printed + printed_length, room, format, args);
	va_end(args);
	assert_in_range(length, 1, room - 1);
	printed_length += length;
}

static int start(void **state)
{
	(void)state;
	/* whatever is not initialised is not to be printed */
	memset(&console, '@', sizeof(console));
	console = (struct guest_console){0};
	memset(printed, 0, sizeof(printed));
	printed_length = 0;
	return 0;
}

static void write_bytes(const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		guest_console_write(&console, "g", bytes[i]);
}

static void write_text(const char *text)
{
	write_bytes(text, strlen(text));
}

static void a_line_is_printed_when_it_ends_and_marked_with_the_name(void **state)
{
	(void)state;
	write_text("one");
	assert_string_equal(printed, "");
	write_text("\ntwo\n");
	assert_string_equal(printed, "g| one\ng| two\n");
}

static void an_empty_line_is_a_mark_without_blanks_at_its_end(void **state)
{
	(void)state;
	write_text("\n\na\n");
	assert_string_equal(printed, "g|\ng|\ng| a\n");
}

static void a_carriage_return_neither_ends_a_line_nor_overwrites_one(void **state)
{
	(void)state;
	write_text("harmless\r@end status=0\r\n");
	assert_string_equal(printed, "g| harmless@end status=0\n");
}

static void a_record_in_a_guests_output_stays_behind_its_mark(void **state)
{
	(void)state;
	write_text("@end status=0\n\n@end status=0\n");
	assert_string_equal(printed, "g| @end status=0\ng|\ng| @end status=0\n");
}

static void formats_in_a_guests_output_are_text(void **state)
{
	(void)state;
	write_text("%s%n%llx\n");
	assert_string_equal(printed, "g| %s%n%llx\n");
}

/* Line ends of other worlds too: VT, FF, FS to US, and in UTF-8 NEL and LS. */
static void what_is_not_printable_ascii_or_tab_is_a_question_mark(void **state)
{
	static const char bytes[] = "\0\a\b\t\v\f\x1b[2J\x1c\x1e\x7f\xc2\x85\xe2\x80\xa8\x9bx\n";

	(void)state;
	write_bytes(bytes, sizeof(bytes) - 1);
	assert_string_equal(printed, "g| ???\t???[2J?????????x\n");
}

static void a_long_line_is_printed_in_parts_and_each_is_marked(void **state)
{
	char expected[2 * GUEST_LINE_MAX];
	int length;

	(void)state;
	for (int i = 0; i < GUEST_LINE_MAX; i++)
		write_text("x");
	length = snprintf(expected, sizeof(expected), MARK "%.*s\n", GUEST_LINE_MAX, console.line);
	assert_string_equal(printed, expected);
	assert_int_equal(console.length, 0);
	write_text("@end\n");
	assert_string_equal(printed + length, "g| @end\n");
}

static void a_flush_prints_what_has_begun_and_only_once(void **state)
{
	(void)state;
	guest_console_flush(&console, "g");
	write_text("login: ");
	guest_console_flush(&console, "g");
	guest_console_flush(&console, "g");
	assert_string_equal(printed, "g| login: \n");
}

static void no_bytes_whatever_begin_a_line_of_their_own(void **state)
{
	uint64_t seed = 0xC0;

	(void)state;
	for (int i = 0; i < RANDOM_BYTES; i++) {
		static const char likely[] = "\n\r@\x1b";
		uint64_t random = random_next(&seed) >> 32;
		char byte = random & 3 ? (char)(random >> 8) : likely[random >> 8 & 3];

		guest_console_write(&console, "g", byte);
	}
	guest_console_flush(&console, "g");
	assert_true(printed_length > RANDOM_BYTES / 2);
	for (char *line = printed, *end; *line; line = end + 1) {
		end = strchr(line, '\n');
		assert_non_null(end);
		assert_true(!strncmp(line, "g|\n", 3) || !strncmp(line, MARK, strlen(MARK)));
		assert_true(end - line <= (long)strlen(MARK) + GUEST_LINE_MAX);
		for (const char *c = line; c < end; c++)
			assert_true((*c >= ' ' && *c <= '~') || *c == '\t');
	}
}

#define console_test(name) cmocka_unit_test_setup(name, start)

int main(void)
{
	const struct CMUnitTest tests[] = {
		console_test(a_line_is_printed_when_it_ends_and_marked_with_the_name),
		console_test(an_empty_line_is_a_mark_without_blanks_at_its_end),
		console_test(a_carriage_return_neither_ends_a_line_nor_overwrites_one),
		console_test(a_record_in_a_guests_output_stays_behind_its_mark),
		console_test(formats_in_a_guests_output_are_text),
		console_test(what_is_not_printable_ascii_or_tab_is_a_question_mark),
		console_test(a_long_line_is_printed_in_parts_and_each_is_marked),
		console_test(a_flush_prints_what_has_begun_and_only_once),
		console_test(no_bytes_whatever_begin_a_line_of_their_own),
	};

	return cmocka_run_group_tests_name("guest_console", tests, NULL, NULL);
}
