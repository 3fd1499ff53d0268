#include "tests/unit/unit.h"

#include "boot/bootinfo.h"
#include "boot/last_log.h"
#include "lib/console.h"

#define MIB   (1ull << 20)
#define PLACE LAST_LOG_PLACES
#define SIZE  (LAST_LOG_PER_PLACE * sizeof(struct kept_log))
#define TOP   (5 * PLACE)

/* The image is elsewhere in a test. */
char image_start[1], image_end[1];

static struct boot_info info;
static struct last_log found;
static uint8_t *memory; /* all of the machine's */
static char printed[8192];

static void add(const char *fmt, va_list args)
{
	size_t length = strlen(printed);

	vsnprintf(printed + length, sizeof(printed) - length, fmt, args);
}

void print(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(fmt, args);
	va_end(args);
}

void record(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(fmt, args);
	va_end(args);
}

void log_line(enum log_level level, const char *fmt, ...)
{
	va_list args;

	(void)level;
	va_start(args, fmt);
	add(fmt, args);
	va_end(args);
}

static int start(void **state)
{
	(void)state;
	memory = aligned_alloc(64, TOP);
	assert_non_null(memory);
	memset(memory, 0, TOP);
	return 0;
}

static int end(void **state)
{
	(void)state;
	free(memory);
	return 0;
}

/* A boot of a machine whose map has one usable range, less than what begins at `top`. */
static void boot(uint64_t top)
{
	const struct boot_memory window = {memory, 0, TOP, NULL};

	info.kept_count = 0;
	info.map.count = 1;
	info.map.range[0] = (struct memory_range){MIB, top, MEMORY_USABLE};
	last_log_find(&found, &info, &window);
}

static void boot_anew(void)
{
	memset(&info, 0, sizeof(info));
	boot(TOP);
}

static void say(const char *text)
{
	kept_log_write(found.own, text, strlen(text));
}

static const char *printed_last(void)
{
	printed[0] = '\0';
	last_log_print(&found);
	return printed;
}

static void the_first_boot_finds_nothing_and_begins_a_log(void **state)
{
	(void)state;
	boot_anew();
	assert_null(found.bad);
	assert_false(found.before);
	assert_ptr_equal(found.own, memory + 2 * PLACE);
	assert_int_equal(info.kept_count, 1);
	assert_int_equal(info.kept[0].start, 2 * PLACE);
	assert_int_equal(info.kept[0].end, 2 * PLACE + SIZE);
	printed[0] = '\0';
	last_log_report(&found);
	assert_string_equal(printed, "");
}

static void what_a_boot_said_that_did_not_end_well_is_printed(void **state)
{
	(void)state;
	boot_anew();
	say("one\nERROR: two\n\ttabs\x1b\xff\nno end\n");
	boot_anew();
	assert_true(found.before);
	assert_int_equal(info.kept_count, 1);
	assert_string_equal(printed_last(), "last| one\nlast| ERROR: two\nlast| \ttabs??\nlast| no "
					    "end\nlastlog bytes=30 of=30 damaged=0");
	printed[0] = '\0';
	last_log_report(&found);
	assert_non_null(strstr(printed, "log=last"));
}

static void it_outlives_boots_that_end_well_and_the_next_bad_one_replaces_it(void **state)
{
	(void)state;
	boot_anew();
	say("bad\n");
	for (int i = 0; i < 5; i++) {
		boot_anew();
		assert_non_null(found.bad);
		assert_int_equal(found.before, i == 0);
		assert_non_null(strstr(printed_last(), "last| bad\n"));
		say("good\n");
		kept_log_end_well(found.own);
	}
	boot_anew();
	say("worse\n");
	boot_anew();
	assert_true(found.before);
	assert_non_null(strstr(printed_last(), "last| worse\n"));
}

static void a_place_that_a_module_or_firmware_has_is_not_chosen(void **state)
{
	(void)state;
	boot_anew();
	info.module_count = 1;
	info.module[0].start = 2 * PLACE + SIZE - 1;
	info.module[0].end = 3 * PLACE + 1;
	boot(TOP);
	assert_ptr_equal(found.own, memory + 4 * PLACE);
	info.module[0].end = 3 * PLACE;
	boot(TOP);
	assert_ptr_equal(found.own, memory + 3 * PLACE);
	info.module_count = 0;
	boot(2 * PLACE + SIZE - 1);
	assert_ptr_equal(found.own, memory + PLACE);
	boot(PLACE + SIZE - 1);
	assert_null(found.own);
	assert_int_equal(info.kept_count, 0);
}

/* The place of the boot before is a module's now, or the module is gone. */
static void a_log_in_another_place_is_found_and_set_aside(void **state)
{
	(void)state;
	boot_anew();
	info.module_count = 1;
	info.module[0].start = 2 * PLACE;
	info.module[0].end = 2 * PLACE + 1;
	boot(TOP);
	assert_ptr_equal(found.own, memory + 3 * PLACE);
	say("elsewhere\n");
	boot_anew();
	assert_ptr_equal(found.own, memory + 2 * PLACE);
	assert_true(found.before);
	assert_non_null(strstr(printed_last(), "last| elsewhere\n"));
	assert_int_equal(info.kept_count, 2);
	assert_int_equal(info.kept[1].start, 3 * PLACE);
}

static void a_damaged_text_is_printed_with_a_warning(void **state)
{
	(void)state;
	boot_anew();
	say("text\n");
	say("that is longer than what is looked at at once, as only what is whole is: 64\n");
	found.own->text[1] = 'a';
	boot_anew();
	assert_non_null(strstr(printed_last(), "last| taxt\n"));
	assert_non_null(strstr(printed, "checksum"));
	assert_non_null(strstr(printed, "damaged=1"));
}

#define log_test(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		log_test(the_first_boot_finds_nothing_and_begins_a_log),
		log_test(what_a_boot_said_that_did_not_end_well_is_printed),
		log_test(it_outlives_boots_that_end_well_and_the_next_bad_one_replaces_it),
		log_test(a_place_that_a_module_or_firmware_has_is_not_chosen),
		log_test(a_log_in_another_place_is_found_and_set_aside),
		log_test(a_damaged_text_is_printed_with_a_warning),
	};

	return cmocka_run_group_tests_name("last_log", tests, NULL, NULL);
}
