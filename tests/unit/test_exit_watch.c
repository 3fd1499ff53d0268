/* vmm/exit_watch.c: what a guest leaves for is counted by kind, and told in words. */
#include "tests/unit/unit.h"

#include "vmm/exit_watch.h"
#include "vmx/exit_reasons.h"

static struct exit_watch watch;

static void note(uint16_t reason, uint64_t what, bool in, uint64_t rip, unsigned int times)
{
	const struct exit_kind exit = {.reason = reason, .what = what, .in = in, .rip = rip};

	while (times--)
		exit_watch_note(&watch, &exit);
}

static int setup(void **state)
{
	(void)state;
	watch = (struct exit_watch){};
	return 0;
}

static void the_most_frequent_kind_is_taken_first(void **state)
{
	const struct exit_kind *kind;

	(void)state;
	note(EXIT_REASON_IO_INSTRUCTION, 0x3fd, true, 0x10, 5);
	note(EXIT_REASON_IO_INSTRUCTION, 0x3f8, false, 0x20, 2);
	note(EXIT_REASON_CPUID, 1, false, 0x30, 3);
	note(EXIT_REASON_IO_INSTRUCTION, 0x3fd, true, 0x18, 1);
	kind = exit_watch_take(&watch);
	assert_int_equal(kind->what, 0x3fd);
	assert_int_equal(kind->count, 6);
	assert_int_equal(kind->rip, 0x18); /* the last one's */
	assert_int_equal(exit_watch_take(&watch)->reason, EXIT_REASON_CPUID);
	assert_int_equal(exit_watch_take(&watch)->what, 0x3f8);
	assert_null(exit_watch_take(&watch));
}

static void reads_and_writes_of_one_port_are_two_kinds(void **state)
{
	(void)state;
	note(EXIT_REASON_IO_INSTRUCTION, 0x61, true, 0, 1);
	note(EXIT_REASON_IO_INSTRUCTION, 0x61, false, 0, 1);
	assert_int_equal(watch.kinds, 2);
}

static void what_there_is_no_room_for_is_counted_as_others(void **state)
{
	(void)state;
	for (unsigned int port = 0; port < EXIT_WATCH_KINDS + 3; port++)
		note(EXIT_REASON_IO_INSTRUCTION, port, true, 0, 2);
	assert_int_equal(watch.kinds, EXIT_WATCH_KINDS);
	assert_int_equal(watch.others, 6);
}

static void kinds_are_told_in_words(void **state)
{
	static const struct {
		struct exit_kind kind;
		const char *text;
	} told[] = {
		{{.reason = EXIT_REASON_IO_INSTRUCTION, .what = 0x3fd, .in = true},
		 "port 0x3fd read"},
		{{.reason = EXIT_REASON_IO_INSTRUCTION, .what = 0x80}, "port 0x80 written"},
		{{.reason = EXIT_REASON_EPT_VIOLATION, .what = 0xfee00000},
		 "page 0xfee00000 written"},
		{{.reason = EXIT_REASON_RDMSR, .what = 0x1b}, "MSR 0x1b read"},
		{{.reason = EXIT_REASON_WRMSR, .what = 0x1b}, "MSR 0x1b written"},
		{{.reason = EXIT_REASON_CPUID, .what = 7}, "cpuid 0x7"},
		{{.reason = EXIT_REASON_HLT}, "hlt"},
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(told); i++) {
		exit_kind_describe(&told[i].kind, text, sizeof(text));
		assert_string_equal(text, told[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_most_frequent_kind_is_taken_first, setup),
		cmocka_unit_test_setup(reads_and_writes_of_one_port_are_two_kinds, setup),
		cmocka_unit_test_setup(what_there_is_no_room_for_is_counted_as_others, setup),
		cmocka_unit_test_setup(kinds_are_told_in_words, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
