/*
 * The keyboard controller as a driver meets it.
 */
#include "tests/unit/i8042_fixture.h"

static void after_reset_it_is_as_firmware_leaves_it(void **state)
{
	(void)state;
	assert_int_equal(in(STATUS), IDLE | SYSTEM);
	assert_false(i8042_interrupts(&i8042));
	assert_true(i8042_has_room(&i8042));
	command(0x20);
	assert_int_equal(in(STATUS), IDLE | SYSTEM | COMMAND | FULL);
	EXPECT("\x65");
	type("a");
	assert_true(i8042_interrupts(&i8042));
	EXPECT("\x1e\x9e");
}

static void status_says_which_port_was_written_last(void **state)
{
	(void)state;
	command(0xae);
	assert_true(in(STATUS)&COMMAND);
	out(DATA, 0xf4);
	assert_false(in(STATUS)&COMMAND);
}

static void controller_commands_answer(void **state)
{
	/* command, answer */
	static const char answers[][3] = {"\xaa\x55", "\xab",	  "\xa4\xf1",
					  "\xa9\x04", "\xc0\xa0", "\xd0\xcf"};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(answers); i++) {
		command(answers[i][0]);
		expect(&answers[i][1], 1);
	}
	command(0x7f); /* one that it does not know */
	assert_false(full());
}

static void the_command_byte_is_kept_and_its_bits_have_commands(void **state)
{
	(void)state;
	command_with(0x60, 0x00);
	assert_int_equal(in(STATUS), IDLE);
	command(0xaa);
	EXPECT("\x55");
	assert_true(in(STATUS)&SYSTEM);
	command(0xad);
	command(0xa7);
	command(0x20);
	EXPECT("\x34");
	command(0xae);
	command(0xa8);
	command(0x20);
	EXPECT("\x04");
}

static void there_is_no_mouse(void **state)
{
	(void)state;
	command_with(0xd4, 0xff);
	assert_false(full());
	command_with(0xd3, 0x5a); /* what a device had said; but no status says so */
	assert_int_equal(in(STATUS), IDLE | SYSTEM | FULL);
	EXPECT("\x5a");
}

static void a20_is_kept_and_read_back(void **state)
{
	(void)state;
	command(0xdd);
	command(0xd0);
	EXPECT("\xcd");
	command(0xdf);
	command(0xd0);
	EXPECT("\xcf");
	command_with(0xd1, 0x01);
	command(0xd0);
	EXPECT("\xcd");
	command_with(0xd1, 0x03);
	type("x");
	command(0xd0); /* the output buffer is full */
	EXPECT("\x2d\xdf\xad");
}

static void a_cpu_is_reset_by_bit_0_of_a_pulse_or_of_the_output_port(void **state)
{
	(void)state;
	for (unsigned int value = 0xf0; value <= 0xff; value++)
		assert_int_equal(i8042_write(&i8042, STATUS, value), !(value & 1));
	out(STATUS, 0xd1);
	assert_true(i8042_write(&i8042, DATA, 0xfe));
	out(STATUS, 0xd1);
	assert_false(i8042_write(&i8042, DATA, 0xdf));
	assert_false(i8042_write(&i8042, DATA, 0xfe)); /* one for the keyboard */
}

static void a_command_takes_the_place_of_one_that_waits_for_its_byte(void **state)
{
	(void)state;
	out(STATUS, 0xd1);
	command(0xae);
	assert_false(i8042_write(&i8042, DATA, 0xee));
	EXPECT("\xee");
}

static void a_reply_comes_before_keys_but_after_a_byte_that_waits(void **state)
{
	(void)state;
	type("ab");
	command(0x20);
	EXPECT("\x1e\x65\x9e\x30\xb0");
}

static void a_byte_for_the_output_buffer_is_not_translated(void **state)
{
	(void)state;
	command_with(0xd2, 0x1c);
	assert_true(i8042_interrupts(&i8042));
	EXPECT("\x1c");
}

static void the_interrupt_falls_with_each_byte_read(void **state)
{
	(void)state;
	type("a");
	assert_true(i8042_interrupts(&i8042));
	assert_int_equal(i8042_read(&i8042, DATA), 0x1e);
	assert_false(i8042_interrupts(&i8042));
	assert_int_equal(i8042_read(&i8042, DATA), 0x1e); /* nothing new */
	i8042_poll(&i8042);
	assert_true(i8042_interrupts(&i8042));
	i8042_poll(&i8042);
	assert_int_equal(i8042_read(&i8042, DATA), 0x9e);
	i8042_poll(&i8042);
	assert_false(i8042_interrupts(&i8042));
}

static void the_interrupt_is_enabled_by_bit_0_of_the_command_byte(void **state)
{
	(void)state;
	command_with(0x60, 0x64);
	type("a");
	assert_true(full());
	assert_false(i8042_interrupts(&i8042));
	command_with(0x60, 0x65);
	assert_true(i8042_interrupts(&i8042));
}

static void a_keyboard_that_is_disabled_keeps_its_keys(void **state)
{
	(void)state;
	command(0xad);
	type("a");
	assert_false(full());
	command(0xae);
	EXPECT("\x1e\x9e");
	command(0xad);
	out(DATA, 0xee); /* it is spoken to: so it is enabled */
	EXPECT("\xee");
	command(0x20);
	EXPECT("\x65");
}

static void random_accesses_are_harmless(void **state)
{
	uint64_t seed = 8042;

	(void)state;
	for (unsigned int i = 0; i < 1000000; i++) {
		uint64_t random = random_next(&seed);
		uint8_t value = random >> 8;

		switch (random % 8) {
		case 0:
			i8042_write(&i8042, STATUS, value);
			break;
		case 1:
			i8042_write(&i8042, DATA, value);
			break;
		case 2:
			i8042_write(&i8042, DATA, 0xe8 | value);
			break;
		case 3:
			i8042_read(&i8042, STATUS);
			break;
		case 4:
			i8042_poll(&i8042);
			break;
		case 5:
			i8042_type(&i8042, value);
			break;
		default:
			i8042_read(&i8042, DATA);
		}
		if (i8042_interrupts(&i8042))
			assert_true(i8042_read(&i8042, STATUS) & FULL);
	}
	/* and a driver can still set it up */
	while (full())
		in(DATA);
	command_with(0x60, 0x65);
	while (full())
		in(DATA);
	out(DATA, 0xff);
	EXPECT("\xfa\xaa");
	i8042_type(&i8042, 'Q');
	assert_int_equal(driver_takes(), 'Q');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		i8042_test(after_reset_it_is_as_firmware_leaves_it),
		i8042_test(status_says_which_port_was_written_last),
		i8042_test(controller_commands_answer),
		i8042_test(the_command_byte_is_kept_and_its_bits_have_commands),
		i8042_test(there_is_no_mouse),
		i8042_test(a20_is_kept_and_read_back),
		i8042_test(a_cpu_is_reset_by_bit_0_of_a_pulse_or_of_the_output_port),
		i8042_test(a_command_takes_the_place_of_one_that_waits_for_its_byte),
		i8042_test(a_reply_comes_before_keys_but_after_a_byte_that_waits),
		i8042_test(a_byte_for_the_output_buffer_is_not_translated),
		i8042_test(the_interrupt_falls_with_each_byte_read),
		i8042_test(the_interrupt_is_enabled_by_bit_0_of_the_command_byte),
		i8042_test(a_keyboard_that_is_disabled_keeps_its_keys),
		i8042_test(random_accesses_are_harmless),
	};

	return cmocka_run_group_tests_name("i8042", tests, NULL, NULL);
}
