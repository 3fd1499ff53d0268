#include "tests/unit/unit.h"

#include "lib/refusal.h"

static void the_line_is_written_and_the_error_handed_on(void **state)
{
	struct refusal refusal;

	(void)state;
	assert_int_equal(refuse(&refusal, -ENOMEM, "%lu bytes of %s", 5ul, "x"), -ENOMEM);
	assert_string_equal(refusal.text, "5 bytes of x");
	assert_int_equal(refuse(&refusal, -EINVAL, "other"), -EINVAL);
	assert_string_equal(refusal.text, "other");
}

/* AddressSanitizer knows where it ends. */
static void a_line_that_is_too_long_is_cut(void **state)
{
	struct refusal *refusal = malloc(sizeof(*refusal));
	char text[2 * REFUSAL_SIZE];

	(void)state;
	assert_non_null(refusal);
	for (size_t length = REFUSAL_SIZE - 2; length < sizeof(text) - 1; length++) {
		memset(text, 'x', length);
		text[length] = '\0';
		refuse(refusal, 0, "%s", text);
		assert_int_equal(strlen(refusal->text),
				 length < REFUSAL_SIZE ? length : REFUSAL_SIZE - 1);
	}
	free(refusal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_line_is_written_and_the_error_handed_on),
		cmocka_unit_test(a_line_that_is_too_long_is_cut),
	};

	return cmocka_run_group_tests_name("refusal", tests, NULL, NULL);
}
