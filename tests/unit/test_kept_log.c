#include "tests/unit/unit.h"

#include "lib/kept_log.h"

static struct kept_log *kept;

static int start(void **state)
{
	(void)state;
	kept = aligned_alloc(64, sizeof(*kept));
	assert_non_null(kept);
	memset(kept, 0xa5, sizeof(*kept));
	return 0;
}

static int end(void **state)
{
	(void)state;
	free(kept);
	return 0;
}

static void say(const char *text)
{
	kept_log_write(kept, text, strlen(text));
}

static void expect_text(const char *text)
{
	assert_int_equal(kept_log_length(kept), strlen(text));
	for (size_t i = 0; text[i]; i++)
		assert_int_equal(kept_log_at(kept, i), text[i]);
}

static void memory_that_has_no_log_is_found_to_have_none(void **state)
{
	uint64_t seed = 5;

	(void)state;
	assert_int_equal(kept_log_check(kept), KEPT_LOG_NONE);
	memset(kept, 0, sizeof(*kept));
	assert_int_equal(kept_log_check(kept), KEPT_LOG_NONE);
	for (size_t i = 0; i < sizeof(*kept); i++)
		((uint8_t *)kept)[i] = (uint8_t)random_next(&seed);
	assert_int_equal(kept_log_check(kept), KEPT_LOG_NONE);
}

static void what_is_written_is_found_whole(void **state)
{
	(void)state;
	kept_log_begin(kept, 17);
	assert_int_equal(kept_log_check(kept), KEPT_LOG_WHOLE);
	expect_text("");
	say("one\n");
	say("");
	say("two\n");
	assert_int_equal(kept_log_check(kept), KEPT_LOG_WHOLE);
	assert_int_equal(kept->number, 17);
	assert_int_equal(kept->ended, 0);
	expect_text("one\ntwo\n");
	say("thr");
	expect_text("one\ntwo\n"); /* yet */
	say("ee\n");
	assert_int_equal(kept_log_check(kept), KEPT_LOG_WHOLE);
	expect_text("one\ntwo\nthree\n");
	kept_log_end_well(kept);
	assert_int_equal(kept_log_check(kept), KEPT_LOG_WHOLE);
	assert_int_equal(kept->ended, 1);
}

static void of_much_the_end_is_kept(void **state)
{
	static char all[3 * KEPT_LOG_TEXT + 17];
	size_t length = 0, kept_length = 0, missing;
	uint64_t seed = 9;

	(void)state;
	kept_log_begin(kept, 1);
	while (length < sizeof(all)) {
		size_t size = 1 + random_next(&seed) % 1024;

		size = size < sizeof(all) - length ? size : sizeof(all) - length;
		for (size_t i = 0; i < size; i++)
			all[length + i] = (char)random_next(&seed);
		kept_log_write(kept, all + length, size);
		length += size;
		assert_int_equal(kept_log_check(kept), KEPT_LOG_WHOLE);
		missing = length - kept->written;
		assert_true(missing < KEPT_LOG_LINE);
		kept_length = kept_log_length(kept);
		if (length > KEPT_LOG_TEXT)
			assert_in_range(kept_length, KEPT_LOG_TEXT - KEPT_LOG_LINE, KEPT_LOG_TEXT);
		else
			assert_int_equal(kept_length, length - missing);
		for (size_t i = 0; i < kept_length; i += length < sizeof(all) ? 101 : 1)
			assert_int_equal(kept_log_at(kept, i),
					 all[length - missing - kept_length + i]);
	}
}

static void a_head_that_was_written_over_is_no_log(void **state)
{
	(void)state;
	for (size_t i = 0; i < offsetof(struct kept_log, position); i++) {
		kept_log_begin(kept, 3);
		say("text\n");
		((uint8_t *)kept)[i] ^= 0x10;
		assert_int_equal(kept_log_check(kept), KEPT_LOG_NONE);
	}
}

static void a_text_that_was_written_over_is_said_to_be(void **state)
{
	char line[KEPT_LOG_LINE];

	(void)state;
	kept_log_begin(kept, 3);
	for (int i = 0; i < 20; i++)
		say("some text that is long enough\n");
	for (size_t i = 0; i < KEPT_LOG_TEXT; i += 97) {
		if (i / KEPT_LOG_LINE == 20 * 30 / KEPT_LOG_LINE)
			continue; /* the line that is being written */
		kept->text[i] ^= 1;
		assert_int_equal(kept_log_check(kept), KEPT_LOG_DAMAGED);
		kept->text[i] ^= 1;
	}
	memcpy(line, kept->text, sizeof(line)); /* two lines change places */
	memcpy(kept->text, kept->text + sizeof(line), sizeof(line));
	memcpy(kept->text + sizeof(line), line, sizeof(line));
	assert_int_equal(kept_log_check(kept), KEPT_LOG_DAMAGED);
}

#define log_test(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		log_test(memory_that_has_no_log_is_found_to_have_none),
		log_test(what_is_written_is_found_whole),
		log_test(of_much_the_end_is_kept),
		log_test(a_head_that_was_written_over_is_no_log),
		log_test(a_text_that_was_written_over_is_said_to_be),
	};

	return cmocka_run_group_tests_name("kept_log", tests, NULL, NULL);
}
