#include "tests/unit/unit.h"

#include "fpu/policy.h"
#include "lib/console.h"
#include "vmm/command.h"
#include "vmm/fpu_policy.h"

static enum fpu_policy current;
static char printed[4096];
static unsigned int errors, policies_set;
static const char *waiting; /* what the UART has received */

static void append(const char *end, const char *format, va_list args)
{
	size_t length = strlen(printed);

	vsnprintf(printed + length, sizeof(printed) - length, format, args);
	strncat(printed, end, sizeof(printed) - strlen(printed) - 1);
}

#define STUB_PRINT(end)                                                                            \
	do {                                                                                       \
		va_list args;                                                                      \
                                                                                                   \
		va_start(args, format);                                                            \
		append(end, format, args);                                                         \
		va_end(args);                                                                      \
	} while (0)

void print(const char *format, ...)
{
	STUB_PRINT("");
}

void record(const char *format, ...)
{
	STUB_PRINT("\n");
}

void log_line(enum log_level level, const char *format, ...)
{
	errors += level == LOG_ERROR;
	STUB_PRINT("\n");
}

int console_read(void)
{
	return *waiting ? (unsigned char)*waiting++ : -1;
}

enum fpu_policy fpu_policy_set(enum fpu_policy policy)
{
	enum fpu_policy before = current;

	current = policy;
	policies_set++;
	return before;
}

static int start(void **state)
{
	(void)state;
	current = FPU_AUTO;
	memset(printed, 0, sizeof(printed));
	errors = policies_set = 0;
	return 0;
}

static void type(const char *text)
{
	waiting = text;
	while (*waiting)
		command_poll();
}

static void each_policy_is_set_by_its_name_and_recorded(void **state)
{
	(void)state;
	for (unsigned int policy = 0; policy < FPU_POLICIES; policy++) {
		const char *name = fpu_policy_name((enum fpu_policy)policy);
		char text[64], wanted[128];

		current = FPU_AUTO;
		printed[0] = '\0';
		snprintf(text, sizeof(text), "fpu=%s\r\n", name);
		snprintf(wanted, sizeof(wanted), "policy fpu=%s before=auto\n", name);
		type(text);
		assert_int_equal(current, policy);
		assert_string_equal(printed, wanted);
	}
	assert_int_equal(policies_set, FPU_POLICIES);
	assert_int_equal(errors, 0);
}

static void a_line_may_come_in_parts_and_takes_effect_when_it_ends(void **state)
{
	(void)state;
	type("fpu=la");
	type("zy");
	assert_int_equal(policies_set, 0);
	type("\n");
	assert_int_equal(current, FPU_LAZY);
}

static void what_was_mistyped_can_be_taken_back(void **state)
{
	(void)state;
	type("x\b\b\bfpu=eagle\x7f\x7f"
	     "er\n");
	assert_int_equal(current, FPU_EAGER);
	type("fpu=lazy and a great deal more than there is room for\b\b\b\n");
	assert_int_equal(current, FPU_EAGER);
	assert_int_equal(errors, 1);
}

static void what_is_not_understood_changes_nothing_and_is_told_what_is(void **state)
{
	static const char *const bad[] = {"fpu=\n",	  "fpu=lazier\n", "fpu=laz\n", "FPU=lazy\n",
					  "fpu = lazy\n", "reboot\n",	  " \n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		printed[0] = '\0';
		type(bad[i]);
		assert_int_equal(errors, i + 1);
		assert_non_null(strstr(printed, "fpu=lazy|scrub|eager|unload|swap|auto"));
	}
	assert_int_equal(policies_set, 0);
}

static void a_line_that_is_too_long_is_not_carried_out_in_part(void **state)
{
	(void)state;
	type("fpu=lazy                            \n"); /* its first 31 characters are kept */
	type("fpu=lazyfpu=lazyfpu=lazyfpu=lazyfpu=lazyfpu=lazyfpu=lazyfpu=lazy\n");
	assert_int_equal(errors, 2);
	type("fpu=swap\n");
	assert_int_equal(current, FPU_SWAP);
	assert_int_equal(policies_set, 1);
}

static void empty_lines_and_unprintable_bytes_are_passed_over(void **state)
{
	(void)state;
	type("\r\n\n\x1b\x01\xff\r\n");
	assert_string_equal(printed, "");
	type("\x01"
	     "fpu=\xff"
	     "swap\r");
	assert_int_equal(current, FPU_SWAP);
}

static void a_flood_is_taken_in_parts(void **state)
{
	static const char flood[] = "fpu=lazy\nfpu=lazy\nfpu=lazy\nfpu=lazy\nfpu=swap\n";

	(void)state;
	waiting = flood;
	command_poll();
	assert_int_equal(waiting - flood, 16);
	assert_int_equal(policies_set, 1);
	type(waiting);
	assert_int_equal(policies_set, 5);
	assert_int_equal(current, FPU_SWAP);
}

static void help_names_the_commands(void **state)
{
	(void)state;
	type("help\n");
	assert_non_null(strstr(printed, "fpu="));
	assert_int_equal(errors, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(each_policy_is_set_by_its_name_and_recorded, start),
		cmocka_unit_test_setup(a_line_may_come_in_parts_and_takes_effect_when_it_ends,
				       start),
		cmocka_unit_test_setup(what_was_mistyped_can_be_taken_back, start),
		cmocka_unit_test_setup(what_is_not_understood_changes_nothing_and_is_told_what_is,
				       start),
		cmocka_unit_test_setup(a_line_that_is_too_long_is_not_carried_out_in_part, start),
		cmocka_unit_test_setup(empty_lines_and_unprintable_bytes_are_passed_over, start),
		cmocka_unit_test_setup(a_flood_is_taken_in_parts, start),
		cmocka_unit_test_setup(help_names_the_commands, start),
	};

	return cmocka_run_group_tests_name("command", tests, NULL, NULL);
}
