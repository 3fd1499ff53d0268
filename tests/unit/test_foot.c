/* What a terminal shows of the line at the foot, when the device takes a few characters at a time.
 */
#include "tests/unit/unit.h"

#include "lib/console.h"
#include "vmm/foot.h"

static char screen[256]; /* the cursor's line */
static char raw[256];	 /* since the last erase */
static size_t room;

size_t console_echo(const char *text, size_t length)
{
	length = length < room ? length : room;
	room -= length;
	strncat(raw, text, length);
	if (strstr(raw, FOOT_ERASE))
		memmove(raw, strstr(raw, FOOT_ERASE) + strlen(FOOT_ERASE),
			strlen(strstr(raw, FOOT_ERASE) + strlen(FOOT_ERASE)) + 1);
	snprintf(screen, sizeof(screen), "%s", raw);
	return length;
}

static int start(void **state)
{
	size_t sent = 0;

	(void)state;
	room = SIZE_MAX;
	foot_set("");
	foot_send(true, &sent);
	raw[0] = screen[0] = '\0';
	return 0;
}

/* Sends with so many characters of room a call: what was sent in all. */
static size_t send(bool hide, size_t piece)
{
	size_t sent = 0, before;

	do {
		room = piece;
		before = sent;
		if (foot_send(hide, &sent))
			return sent;
		assert_int_equal(sent - before, piece);
	} while (true);
}

static void it_is_shown_and_grows_by_what_is_typed(void **state)
{
	(void)state;
	foot_set("> ");
	assert_true(foot_waits());
	assert_int_equal(send(false, SIZE_MAX), 2);
	foot_set("> v");
	assert_int_equal(send(false, SIZE_MAX), 1);
	assert_string_equal(screen, "> v");
	assert_true(foot_is_shown());
	assert_false(foot_waits());
	assert_int_equal(send(false, SIZE_MAX), 0);
}

static void it_is_taken_off_and_put_back(void **state)
{
	(void)state;
	for (size_t piece = 1; piece < 8; piece++) {
		foot_set("> vms");
		send(false, piece);
		assert_string_equal(screen, "> vms");
		send(true, piece);
		assert_string_equal(screen, "");
		assert_false(foot_is_shown());
		assert_true(foot_waits());
	}
}

static void what_is_taken_back_is_written_anew(void **state)
{
	(void)state;
	foot_set("> vmx");
	send(false, 3);
	foot_set("> vm");
	assert_true(foot_waits());
	send(false, 2);
	assert_string_equal(screen, "> vm");
	foot_set("> cpus");
	send(false, 1);
	assert_string_equal(screen, "> cpus");
	foot_set("");
	send(false, 1);
	assert_string_equal(screen, "");
	assert_false(foot_waits());
}

static void it_may_change_while_it_is_sent_or_erased(void **state)
{
	size_t sent = 0;

	(void)state;
	foot_set("> vms");
	room = 3;
	assert_false(foot_send(false, &sent));
	foot_set("> vmsx");
	send(false, 2);
	assert_string_equal(screen, "> vmsx");
	room = 2;
	assert_false(foot_send(true, &sent));
	foot_set("> y");
	send(false, 2);
	assert_string_equal(screen, "> y");
}

static void what_is_too_long_is_cut(void **state)
{
	char text[2 * FOOT_SIZE] = "";

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	foot_set(text);
	assert_int_equal(send(false, 16), FOOT_SIZE - 1);
	assert_false(foot_waits());
	send(true, 16);
	assert_string_equal(screen, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(it_is_shown_and_grows_by_what_is_typed, start),
		cmocka_unit_test_setup(it_is_taken_off_and_put_back, start),
		cmocka_unit_test_setup(what_is_taken_back_is_written_anew, start),
		cmocka_unit_test_setup(it_may_change_while_it_is_sent_or_erased, start),
		cmocka_unit_test_setup(what_is_too_long_is_cut, start),
	};

	return cmocka_run_group_tests_name("foot", tests, NULL, NULL);
}
