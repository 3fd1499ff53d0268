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
	kept_log_end_well(kept);
	assert_int_equal(kept_log_check(kept), KEPT_LOG_WHOLE);
	assert_int_equal(kept->ended, 1);
}

static void of_much_the_end_is_kept(void **state)
{
	static char all[3 * KEPT_LOG_TEXT];
	size_t length = 0;
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
		if (length % 7 == 0)
			assert_int_equal(kept_log_check(kept), KEPT_LOG_WHOLE);
	}
	assert_int_equal(kept_log_check(kept), KEPT_LOG_WHOLE);
	assert_int_equal(kept_log_length(kept), KEPT_LOG_TEXT);
	for (size_t i = 0; i < KEPT_LOG_TEXT; i++)
		assert_int_equal(kept_log_at(kept, i), all[sizeof(all) - KEPT_LOG_TEXT + i]);
}

static void a_head_that_was_written_over_is_no_log(void **state)
{
	(void)state;
	for (size_t i = 0; i < offsetof(struct kept_log, unused); i++) {
		kept_log_begin(kept, 3);
		say("text\n");
		((uint8_t *)kept)[i] ^= 0x10;
		assert_int_equal(kept_log_check(kept), KEPT_LOG_NONE);
	}
}

static void a_text_that_was_written_over_is_said_to_be(void **state)
{
	(void)state;
	kept_log_begin(kept, 3);
	say("some text that is long enough\n");
	for (size_t i = 0; i < KEPT_LOG_TEXT; i += 97) {
		kept->text[i] ^= 1;
		assert_int_equal(kept_log_check(kept), KEPT_LOG_DAMAGED);
		kept->text[i] ^= 1;
	}
	kept->text[0] ^= kept->text[1]; /* two that have changed places */
	kept->text[1] ^= kept->text[0];
	kept->text[0] ^= kept->text[1];
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
