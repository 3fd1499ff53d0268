#include "tests/unit/unit.h"

#include <inttypes.h>
#include <limits.h>

#include "lib/format.h"

/* The libc's snprintf is the reference: the same text, the same length. */
#define same(...)                                                                                  \
	do {                                                                                       \
		char ours[256], theirs[256];                                                       \
		int length = format(ours, sizeof(ours), __VA_ARGS__);                              \
                                                                                                   \
		assert_int_equal(length, snprintf(theirs, sizeof(theirs), __VA_ARGS__));           \
		assert_string_equal(ours, theirs);                                                 \
	} while (0)

/* For formats built at run time and for those the compiler warns of. */
static int run(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	int length;

	va_start(args, fmt);
	length = format_v(buf, size, fmt, args);
	va_end(args);
	return length;
}

static void numbers_print_as_the_libc_prints_them(void **state)
{
	(void)state;
	same("%d %i %u %o %x %X", 0, -1, 42u, 8u, 0xbeefu, 0xBEEFu);
	same("%d %d %u", INT_MIN, INT_MAX, UINT_MAX);
	same("%ld %lu %lx", LONG_MIN, ULONG_MAX, ULONG_MAX);
	same("%lld %llu %llx %llo", LLONG_MIN, ULLONG_MAX, ULLONG_MAX, ULLONG_MAX);
	same("%zu %zd %jd %td", SIZE_MAX, (ssize_t)-5, INTMAX_MIN, (ptrdiff_t)-7);
	same("%hhd %hhu %hd %hu", (signed char)-3, (unsigned char)250, (short)-300,
	     (unsigned short)65000);
	same("%" PRIx64 " %" PRIu32, UINT64_C(0x123456789abcdef0), UINT32_C(77));
	same("%p", (void *)(uintptr_t)0x1234);
}

static void every_combination_of_flags_width_and_precision_agrees(void **state)
{
	static const char *const widths[] = {"", "1", "5", "20"};
	static const char *const precisions[] = {"", ".", ".0", ".1", ".4", ".12"};
	static const char conversions[] = "diuoxX";
	static const int values[] = {0, 1, -1, 7, 12345, INT_MIN};

	(void)state;
	for (unsigned flags = 0; flags < 32; flags++) {
		char set[8];
		size_t count = 0;

		for (unsigned bit = 0; bit < 5; bit++)
			if (flags & 1u << bit)
				set[count++] = "-+ 0#"[bit];
		set[count] = '\0';
		for (size_t w = 0; w < ARRAY_SIZE(widths); w++) {
			for (size_t p = 0; p < ARRAY_SIZE(precisions); p++) {
				for (const char *c = conversions; *c; c++) {
					char fmt[32], ours[64], theirs[64];

					snprintf(fmt, sizeof(fmt), "<%%%s%s%s%c>", set, widths[w],
						 precisions[p], *c);
					for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
						int length =
							run(ours, sizeof(ours), fmt, values[v]);
						int expected = snprintf(theirs, sizeof(theirs), fmt,
									values[v]);

						assert_string_equal(ours, theirs);
						assert_int_equal(length, expected);
					}
				}
			}
		}
	}
}

static void strings_and_characters_print_as_the_libc_prints_them(void **state)
{
	(void)state;
	same("%s|%10s|%-10s|%.2s|%10.1s|%c|%5c|%-5c|%%", "abc", "abc", "abc", "abc", "abc", 'x',
	     'y', 'z');
	same("%*d|%-*d|%*d|%.*d|%.*s", 6, 42, 6, 42, -6, 42, 4, 42, 2, "abcdef");
	same("%.*s", -1, "whole");
	same("plain");
	same("%s", "");
}

static void a_null_string_is_said_to_be_null(void **state)
{
	char buffer[32];

	(void)state;
	assert_int_equal(run(buffer, sizeof(buffer), "[%s]", (const char *)NULL), 8);
	assert_string_equal(buffer, "[(null)]");
}

static void a_precision_bounds_what_is_read_of_a_string(void **state)
{
	char *unterminated = exact_copy("abcd", 4);
	char buffer[16];

	(void)state;
	assert_int_equal(format(buffer, sizeof(buffer), "%.4s", unterminated), 4);
	assert_string_equal(buffer, "abcd");
	free(unterminated);
}

static void every_buffer_size_is_respected_and_terminated(void **state)
{
	const char *whole = "value=0x00ff name=  g end";

	(void)state;
	for (size_t size = 0; size <= strlen(whole) + 2; size++) {
		char *buffer = malloc(size ? size : 1);
		int length = format(buffer, size, "value=%#06x name=%3s end", 0xffu, "g");

		assert_int_equal(length, strlen(whole));
		if (size) {
			size_t kept = size - 1 < strlen(whole) ? size - 1 : strlen(whole);

			assert_int_equal(strlen(buffer), kept);
			assert_memory_equal(buffer, whole, kept);
		}
		free(buffer);
	}
	assert_int_equal(format(NULL, 0, "%d", 12345), 5);
}

static void an_unknown_conversion_prints_as_it_stands(void **state)
{
	char buffer[32];

	(void)state;
	run(buffer, sizeof(buffer), "a%-3qb");
	assert_string_equal(buffer, "a%-3qb");
	run(buffer, sizeof(buffer), "end%");
	assert_string_equal(buffer, "end%");
	run(buffer, sizeof(buffer), "end%08l");
	assert_string_equal(buffer, "end%08l");
}

static void an_absurd_precision_is_only_as_long_as_the_string(void **state)
{
	char buffer[32];

	(void)state;
	assert_int_equal(run(buffer, sizeof(buffer), "%.99999999999999s", "ab"), 2);
	assert_string_equal(buffer, "ab");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_print_as_the_libc_prints_them),
		cmocka_unit_test(every_combination_of_flags_width_and_precision_agrees),
		cmocka_unit_test(strings_and_characters_print_as_the_libc_prints_them),
		cmocka_unit_test(a_null_string_is_said_to_be_null),
		cmocka_unit_test(a_precision_bounds_what_is_read_of_a_string),
		cmocka_unit_test(every_buffer_size_is_respected_and_terminated),
		cmocka_unit_test(an_unknown_conversion_prints_as_it_stands),
		cmocka_unit_test(an_absurd_precision_is_only_as_long_as_the_string),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
