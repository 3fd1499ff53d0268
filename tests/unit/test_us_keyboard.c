/*
 * The keyboard behind its controller. A driver's own map from scan codes of set 1 to characters
 * says whether what is typed arrives.
 */
#include "tests/unit/i8042_fixture.h"

static void keyboard_commands_answer(void **state)
{
	(void)state;
	out(DATA, 0xff);
	EXPECT("\xfa\xaa");
	out(DATA, 0xee);
	EXPECT("\xee");
	out(DATA, 0xf2);
	EXPECT("\xfa\xab\x41"); /* 83h, translated */
	out(DATA, 0xf4);
	EXPECT("\xfa");
	out(DATA, 0xf6);
	EXPECT("\xfa");
	out(DATA, 0xf8);
	EXPECT("\xfa");
	out(DATA, 0xef);
	EXPECT("\xfe");
	out(DATA, 0x00);
	EXPECT("\xfe");
}

static void keyboard_commands_take_their_parameters(void **state)
{
	(void)state;
	for (const char *c = "\xed\xf3\xfb"; *c; c++) {
		out(DATA, *c);
		EXPECT("\xfa");
		out(DATA, 0x07);
		EXPECT("\xfa");
		out(DATA, 0x07);
		EXPECT("\xfe");
	}
	out(DATA, 0xed);
	out(DATA, 0xee); /* another command instead */
	EXPECT("\xfa\xee");
	out(DATA, 0x07);
	EXPECT("\xfe");
}

static void the_last_byte_is_sent_again_on_request(void **state)
{
	(void)state;
	out(DATA, 0xf2);
	EXPECT("\xfa\xab\x41");
	out(DATA, 0xfe);
	EXPECT("\x41");
	type("a");
	EXPECT("\x1e\x9e");
	out(DATA, 0xfe);
	EXPECT("\x1e"); /* its prefix was sent before */
}

static void without_translation_set_2_comes_as_it_is(void **state)
{
	(void)state;
	command_with(0x60, 0x05);
	type("aA");
	EXPECT("\x1c\xf0\x1c\x12\x1c\xf0\x1c\xf0\x12");
	type("\x03");
	EXPECT("\x14\x21\xf0\x21\xf0\x14");
	out(DATA, 0xf2);
	EXPECT("\xfa\xab\x83");
}

static void a_keyboard_can_be_set_to_set_1(void **state)
{
	(void)state;
	command_with(0x60, 0x05);
	out(DATA, 0xf0);
	out(DATA, 0x00);
	EXPECT("\xfa\xfa\x02");
	out(DATA, 0xf0);
	out(DATA, 0x01);
	EXPECT("\xfa\xfa");
	out(DATA, 0xf0);
	out(DATA, 0x00);
	EXPECT("\xfa\xfa\x01");
	type("A");
	EXPECT("\x2a\x1e\x9e\xaa");
	out(DATA, 0xf0);
	out(DATA, 0x03); /* a set that it has not */
	EXPECT("\xfa\xfe");
	out(DATA, 0xf6);
	EXPECT("\xfa");
	type("A");
	EXPECT("\x12\x1c\xf0\x1c\xf0\x12");
}

static void a_response_does_not_come_between_a_prefix_and_its_key(void **state)
{
	(void)state;
	command_with(0x60, 0x05);
	type("ab");
	assert_int_equal(in(DATA), 0x1c);
	out(DATA, 0xed); /* F0h is out */
	EXPECT("\xf0\x1c\xfa\x32\xf0\x32");
}

static void a_keyboard_that_does_not_scan_has_no_room(void **state)
{
	(void)state;
	type("a");
	out(DATA, 0xf5);
	EXPECT("\x1e\xfa"); /* what it held is gone */
	assert_false(i8042_has_room(&i8042));
	type("a");
	assert_false(full());
	out(DATA, 0xf4);
	EXPECT("\xfa");
	assert_true(i8042_has_room(&i8042));
	out(DATA, 0xf5);
	EXPECT("\xfa");
	out(DATA, 0xff);
	EXPECT("\xfa\xaa");
	assert_true(i8042_has_room(&i8042));
}

/* Linux gives up on a controller that has more than 16 bytes for it at first. */
static void what_is_typed_without_room_is_lost_whole(void **state)
{
	unsigned int bytes = 0;

	(void)state;
	for (unsigned int i = 0; i < 100; i++)
		type("A");
	assert_false(i8042_has_room(&i8042));
	while (full()) {
		static const uint8_t keys[] = {0x2a, 0x1e, 0x9e, 0xaa};

		assert_int_equal(in(DATA), keys[bytes++ % 4]);
	}
	assert_int_equal(bytes % 4, 0);
	assert_in_range(bytes, 8, 16);
	assert_true(i8042_has_room(&i8042));
}

static void every_ascii_character_arrives_as_itself(void **state)
{
	(void)state;
	for (unsigned int c = 1; c < 128; c++) {
		unsigned int arrives = c == '\r' ? '\n' : c == 0x7f ? '\b' : c;

		i8042_type(&i8042, c);
		assert_int_equal(driver_takes(), arrives);
	}
	for (unsigned int c = 128; c < 256; c++) {
		i8042_type(&i8042, c);
		assert_false(full());
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		i8042_test(keyboard_commands_answer),
		i8042_test(keyboard_commands_take_their_parameters),
		i8042_test(the_last_byte_is_sent_again_on_request),
		i8042_test(without_translation_set_2_comes_as_it_is),
		i8042_test(a_keyboard_can_be_set_to_set_1),
		i8042_test(a_response_does_not_come_between_a_prefix_and_its_key),
		i8042_test(a_keyboard_that_does_not_scan_has_no_room),
		i8042_test(what_is_typed_without_room_is_lost_whole),
		i8042_test(every_ascii_character_arrives_as_itself),
	};

	return cmocka_run_group_tests_name("us_keyboard", tests, NULL, NULL);
}
