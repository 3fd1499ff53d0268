#include "tests/unit/unit.h"

#include "lib/string.h"

void *kernel_memcpy(void *to, const void *from, size_t count);
void *kernel_memmove(void *to, const void *from, size_t count);
void *kernel_memset(void *to, int value, size_t count);
int kernel_memcmp(const void *left, const void *right, size_t count);
size_t kernel_strlen(const char *s);
int kernel_strcmp(const char *left, const char *right);
int kernel_strncmp(const char *left, const char *right, size_t count);
char *kernel_strchr(const char *s, int c);

static int sign(int value)
{
	return (value > 0) - (value < 0);
}

static void memcpy_and_memset_touch_exactly_their_bytes(void **state)
{
	(void)state;
	for (size_t count = 0; count < 40; count++) {
		uint8_t from[64], to[64], expected[64];

		for (size_t i = 0; i < sizeof(from); i++)
			from[i] = (uint8_t)(i + 1);
		memset(to, 0xEE, sizeof(to));
		memset(expected, 0xEE, sizeof(expected));
		memcpy(expected + 5, from + 3, count);
		assert_ptr_equal(kernel_memcpy(to + 5, from + 3, count), to + 5);
		assert_memory_equal(to, expected, sizeof(to));
		memset(expected + 7, 0x5A, count);
		assert_ptr_equal(kernel_memset(to + 7, 0x35A, count), to + 7);
		assert_memory_equal(to, expected, sizeof(to));
	}
}

static void memmove_copes_with_every_overlap(void **state)
{
	(void)state;
	for (size_t from = 0; from < 16; from++) {
		for (size_t to = 0; to < 16; to++) {
			for (size_t count = 0; count < 16; count++) {
				uint8_t ours[32], theirs[32];

				for (size_t i = 0; i < sizeof(ours); i++)
					ours[i] = theirs[i] = (uint8_t)i;
				assert_ptr_equal(kernel_memmove(ours + to, ours + from, count),
						 ours + to);
				memmove(theirs + to, theirs + from, count);
				assert_memory_equal(ours, theirs, sizeof(ours));
			}
		}
	}
}

static void comparisons_have_the_sign_of_the_standard_ones(void **state)
{
	static const char *const text[] = {"", "a", "b", "ab", "abc", "abd", "\x80", "a\xff"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(text); i++) {
		assert_int_equal(kernel_strlen(text[i]), strlen(text[i]));
		for (size_t j = 0; j < ARRAY_SIZE(text); j++) {
			assert_int_equal(kernel_strcmp(text[i], text[j]),
					 sign(strcmp(text[i], text[j])));
			for (size_t n = 0; n < 5; n++)
				assert_int_equal(kernel_strncmp(text[i], text[j], n),
						 sign(strncmp(text[i], text[j], n)));
		}
	}
	assert_int_equal(kernel_memcmp("a\0b", "a\0c", 3), -1);
	assert_int_equal(kernel_memcmp("\xff", "\x01", 1), 1);
	assert_int_equal(kernel_memcmp("x", "y", 0), 0);
}

static void strchr_finds_the_first_and_the_terminator(void **state)
{
	const char *text = "a=b=c";

	(void)state;
	assert_ptr_equal(kernel_strchr(text, '='), text + 1);
	assert_ptr_equal(kernel_strchr(text, '\0'), text + 5);
	assert_null(kernel_strchr(text, 'x'));
}

static void copy_string_cuts_and_terminates(void **state)
{
	char buffer[4];

	(void)state;
	assert_int_equal(copy_string(buffer, sizeof(buffer), "abc"), 3);
	assert_string_equal(buffer, "abc");
	assert_int_equal(copy_string(buffer, sizeof(buffer), "wxyz!"), 5);
	assert_string_equal(buffer, "wxy");
	assert_int_equal(copy_string(buffer, 1, "q"), 1);
	assert_string_equal(buffer, "");
	buffer[0] = '#';
	assert_int_equal(copy_string(buffer, 0, "q"), 1);
	assert_int_equal(buffer[0], '#');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memcpy_and_memset_touch_exactly_their_bytes),
		cmocka_unit_test(memmove_copes_with_every_overlap),
		cmocka_unit_test(comparisons_have_the_sign_of_the_standard_ones),
		cmocka_unit_test(strchr_finds_the_first_and_the_terminator),
		cmocka_unit_test(copy_string_cuts_and_terminates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
