#include "tests/unit/unit.h"

#include "lib/cmdline.h"

static void expect_words(const char *line, const char *const *words)
{
	char word[32];

	for (; *words; words++) {
		assert_int_equal(cmdline_next(&line, word, sizeof(word)), 1);
		assert_string_equal(word, *words);
	}
	assert_int_equal(cmdline_next(&line, word, sizeof(word)), 0);
	assert_int_equal(*line, '\0');
}

static void words_are_split_at_white_space(void **state)
{
	(void)state;
	expect_words("", (const char *const[]){NULL});
	expect_words(" \t\r\n ", (const char *const[]){NULL});
	expect_words("  a=1\tb --  c ", (const char *const[]){"a=1", "b", "--", "c", NULL});
}

static void quotes_and_backslashes_are_undone(void **state)
{
	(void)state;
	expect_words("a=\"b c\" 'd e'f g\\ h", (const char *const[]){"a=b c", "d ef", "g h", NULL});
	expect_words("\"it's\" 'say \"x\"' \"q\\\"q\" '\\'",
		     (const char *const[]){"it's", "say \"x\"", "q\"q", "\\", NULL});
	expect_words("'' \"\" end\\", (const char *const[]){"", "", "end\\", NULL});
}

static void an_open_quote_is_an_error_and_the_line_is_over(void **state)
{
	const char *line = "a \"b c";
	char word[8];

	(void)state;
	assert_int_equal(cmdline_next(&line, word, sizeof(word)), 1);
	assert_int_equal(cmdline_next(&line, word, sizeof(word)), -EINVAL);
	assert_string_equal(word, "b c");
	assert_int_equal(cmdline_next(&line, word, sizeof(word)), 0);
}

static void a_word_too_long_is_cut_and_the_next_one_is_right(void **state)
{
	const char *line = "abcdefgh next";
	char *word = malloc(5);

	(void)state;
	assert_int_equal(cmdline_next(&line, word, 5), -ENAMETOOLONG);
	assert_string_equal(word, "abcd");
	assert_int_equal(cmdline_next(&line, word, 5), 1);
	assert_string_equal(word, "next");
	free(word);
}

static void split_takes_the_first_equals_sign(void **state)
{
	char word[] = "key=a=b", plain[] = "file.elf", empty[] = "=";

	(void)state;
	assert_string_equal(cmdline_split(word), "a=b");
	assert_string_equal(word, "key");
	assert_null(cmdline_split(plain));
	assert_string_equal(cmdline_split(empty), "");
	assert_string_equal(empty, "");
}

struct number_case {
	const char *text;
	int result;
	uint64_t value;
};

static void check_numbers(int (*parse)(const char *, uint64_t *), const struct number_case *cases,
			  size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t value = 0xDEAD;

		if (parse(cases[i].text, &value) != cases[i].result)
			fail_msg("\"%s\": not %d", cases[i].text, cases[i].result);
		if (value != (cases[i].result ? 0xDEAD : cases[i].value))
			fail_msg("\"%s\": value 0x%llx", cases[i].text, (unsigned long long)value);
	}
}

static void numbers_are_parsed_up_to_64_bits(void **state)
{
	static const struct number_case cases[] = {
		{"0", 0, 0},
		{"10", 0, 10},
		{"0x1fF", 0, 0x1FF},
		{"0X10", 0, 16},
		{"18446744073709551615", 0, UINT64_MAX},
		{"0xffffffffffffffff", 0, UINT64_MAX},
		{"18446744073709551616", -ERANGE, 0},
		{"0x10000000000000000", -ERANGE, 0},
		{"99999999999999999999999", -ERANGE, 0},
		{"99999999999999999999999x", -EINVAL, 0},
		{"", -EINVAL, 0},
		{"0x", -EINVAL, 0},
		{"-1", -EINVAL, 0},
		{"+1", -EINVAL, 0},
		{" 1", -EINVAL, 0},
		{"1 ", -EINVAL, 0},
		{"12a", -EINVAL, 0},
		{"0b1", -EINVAL, 0},
	};

	(void)state;
	check_numbers(cmdline_number, cases, ARRAY_SIZE(cases));
}

static void sizes_take_one_suffix(void **state)
{
	static const struct number_case cases[] = {
		{"4096", 0, 4096},
		{"64M", 0, 64ull << 20},
		{"1k", 0, 1024},
		{"2g", 0, 2ull << 30},
		{"3T", 0, 3ull << 40},
		{"0x10M", 0, 16ull << 20},
		{"16777215T", 0, 16777215ull << 40},
		{"16777216T", -ERANGE, 0},
		{"18446744073709551616", -ERANGE, 0},
		{"1MB", -EINVAL, 0},
		{"M", -EINVAL, 0},
		{"1 ", -EINVAL, 0},
		{"1P", -EINVAL, 0},
		{"1.5G", -EINVAL, 0},
		{"", -EINVAL, 0},
	};

	(void)state;
	check_numbers(cmdline_size, cases, ARRAY_SIZE(cases));
}

static void cpu_sets_become_masks(void **state)
{
	static const struct number_case cases[] = {
		{"0", 0, 1},	       {"0+2-3", 0, 0xD},
		{"63", 0, 1ull << 63}, {"0-63", 0, UINT64_MAX},
		{"5-5+5", 0, 0x20},    {"64", -ERANGE, 0},
		{"0-64", -ERANGE, 0},  {"18446744073709551616", -ERANGE, 0},
		{"3-2", -EINVAL, 0},   {"", -EINVAL, 0},
		{"0+", -EINVAL, 0},    {"+0", -EINVAL, 0},
		{"1-", -EINVAL, 0},    {"0,1", -EINVAL, 0},
		{"1-2-3", -EINVAL, 0},
	};

	(void)state;
	check_numbers(cmdline_cpus, cases, ARRAY_SIZE(cases));
}

static void random_lines_end_and_stay_in_their_buffers(void **state)
{
	static const char alphabet[] = "ab=\\'\" \t-+0x";
	uint64_t seed = 0x5EED;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char text[24];
		size_t length = random_next(&seed) % sizeof(text);
		size_t size = 1 + random_next(&seed) % 12;

		for (size_t i = 0; i < length; i++)
			text[i] = alphabet[random_next(&seed) % (sizeof(alphabet) - 1)];
		text[length] = '\0';

		char *line = exact_copy(text, length + 1);
		char *word = malloc(size);
		const char *cursor = line;
		uint64_t value;

		while (cmdline_next(&cursor, word, size)) {
			assert_true(strlen(word) < size);
			cmdline_number(word, &value);
			cmdline_size(word, &value);
			cmdline_cpus(word, &value);
			cmdline_split(word);
		}
		assert_ptr_equal(cursor, line + length);
		free(word);
		free(line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_split_at_white_space),
		cmocka_unit_test(quotes_and_backslashes_are_undone),
		cmocka_unit_test(an_open_quote_is_an_error_and_the_line_is_over),
		cmocka_unit_test(a_word_too_long_is_cut_and_the_next_one_is_right),
		cmocka_unit_test(split_takes_the_first_equals_sign),
		cmocka_unit_test(numbers_are_parsed_up_to_64_bits),
		cmocka_unit_test(sizes_take_one_suffix),
		cmocka_unit_test(cpu_sets_become_masks),
		cmocka_unit_test(random_lines_end_and_stay_in_their_buffers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
