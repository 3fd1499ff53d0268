/*
 * The I/O APIC: registers, messages and edges. Levels and EOIs are in test_i82093_levels.c, and
 * test_i82093_random.c compares it with one that is written a pin at a time.
 */
#include "tests/unit/i82093_fixture.h"

static void after_reset_all_pins_are_masked(void **state)
{
	(void)state;
	assert_int_equal(i82093_read(&ioapic, IOREGSEL), 0);
	for (unsigned int pin = 0; pin < PINS; pin++) {
		assert_int_equal(entry(pin), MASKED);
		assert_int_equal(in(TABLE + 2 * pin + 1), 0);
		assert_false(i82093_unmasked(&ioapic, pin));
		raise(pin);
	}
	expect_none();
}

static void it_has_an_id_of_four_bits_and_says_24_pins_of_version_20h(void **state)
{
	(void)state;
	assert_int_equal(in(ID), 0x02000000);
	assert_int_equal(in(ARBITRATION), 0x02000000);
	assert_int_equal(in(VERSION), 0x00170020);
	out(ID, 0xfdffffff);
	assert_int_equal(in(ID), 0x0d000000);
	out(ARBITRATION, 0x01000000);
	assert_int_equal(in(ARBITRATION), 0x0d000000);
	out(VERSION, 0);
	assert_int_equal(in(VERSION), 0x00170020);
	i82093_reset(&ioapic, 0xff);
	assert_int_equal(in(ID), 0x0f000000);
}

static void other_indices_and_offsets_read_0_and_take_nothing(void **state)
{
	static const uint32_t offsets[] = {0x04, 0x08, 0x11,  0x14,	 0x20,
					   0x30, 0x44, 0x100, 0xfffffff0};
	struct i82093 before;

	(void)state;
	for (unsigned int index = 0; index < 0x100; index++) {
		if (index < 3 || (index >= TABLE && index < TABLE + 2 * PINS))
			continue;
		i82093_write(&ioapic, IOREGSEL, index);
		before = ioapic;
		i82093_write(&ioapic, IOWIN, 0xffffffff);
		assert_memory_equal(&before, &ioapic, sizeof(ioapic));
		assert_int_equal(i82093_read(&ioapic, IOWIN), 0);
	}
	before = ioapic;
	for (unsigned int i = 0; i < ARRAY_SIZE(offsets); i++) {
		i82093_write(&ioapic, offsets[i], 0xffffffff);
		assert_int_equal(i82093_read(&ioapic, offsets[i]), 0);
	}
	assert_memory_equal(&before, &ioapic, sizeof(ioapic));
	assert_int_equal(i82093_read(&ioapic, EOI), 0);
	i82093_write(&ioapic, IOREGSEL, 0xabcdef01);
	assert_int_equal(i82093_read(&ioapic, IOREGSEL), 0x01);
}

static void an_entry_keeps_what_may_be_written(void **state)
{
	(void)state;
	for (unsigned int pin = 0; pin < PINS; pin++) {
		out(TABLE + 2 * pin, 0xffffffff);
		out(TABLE + 2 * pin + 1, 0xffffffff - pin * 0x01000000);
	}
	for (unsigned int pin = 0; pin < PINS; pin++) {
		assert_int_equal(entry(pin), 0x1afff);
		assert_int_equal(in(TABLE + 2 * pin + 1), 0xff000000 - pin * 0x01000000);
	}
	out(TABLE, 0);
	out(TABLE + 1, 0);
	assert_int_equal(entry(0), 0);
	assert_int_equal(in(TABLE + 1), 0);
	assert_int_equal(entry(1), 0x1afff);
}

static void a_message_says_what_the_entry_says(void **state)
{
	(void)state;
	set_entry(7, 0xa5 | DELIVERY(APIC_LOWEST_PRIORITY) | LOGICAL);
	out(TABLE + 2 * 7 + 1, 0xc3000000);
	raise(7);
	expect_message(0xa5);
	assert_int_equal(message.destination, 0xc3);
	assert_int_equal(message.delivery, APIC_LOWEST_PRIORITY);
	assert_int_equal(message.shorthand, APIC_NO_SHORTHAND);
	assert_true(message.logical);
	assert_false(message.level_triggered);
	assert_false(message.x2apic);
	set_entry(23, 0x30 | LEVEL);
	raise(23);
	expect_message(0x30);
	assert_int_equal(message.destination, 0);
	assert_int_equal(message.delivery, APIC_FIXED);
	assert_false(message.logical);
	assert_true(message.level_triggered);
}

static void an_edge_makes_one_message(void **state)
{
	(void)state;
	set_entry(4, 0x44);
	raise(4);
	expect_message(0x44);
	expect_none();
	raise(4); /* no edge */
	expect_none();
	i82093_eoi(&ioapic, 0x44);
	expect_none();
	lower(4);
	expect_none();
	raise(4);
	expect_message(0x44);
	assert_int_equal(entry(4), 0x44);
}

static void a_pulse_makes_a_message_and_several_before_it_is_taken_no_more(void **state)
{
	(void)state;
	set_entry(4, 0x44);
	pulse(4);
	assert_int_equal(entry(4), 0x44 | SEND_PENDING);
	pulse(4);
	expect_message(0x44);
	expect_none();
	assert_int_equal(entry(4), 0x44);
	pulse(4);
	expect_message(0x44);
}

static void an_edge_on_a_masked_pin_is_lost(void **state)
{
	(void)state;
	set_entry(4, 0x44 | MASKED);
	raise(4);
	assert_int_equal(entry(4), 0x44 | MASKED);
	set_entry(4, 0x44);
	expect_none();
	lower(4);
	raise(4);
	expect_message(0x44);
}

static void masking_loses_an_edge_that_is_not_yet_sent(void **state)
{
	(void)state;
	set_entry(4, 0x44);
	pulse(4);
	set_entry(4, 0x44 | MASKED);
	expect_none();
	set_entry(4, 0x44);
	expect_none();
}

static void an_edge_not_yet_sent_goes_where_the_entry_says_when_it_is_sent(void **state)
{
	(void)state;
	set_entry(4, 0x44);
	pulse(4);
	set_entry(4, 0x45);
	out(TABLE + 2 * 4 + 1, 0x09000000);
	expect_message(0x45);
	assert_int_equal(message.destination, 9);
}

static void reserved_delivery_modes_send_nothing(void **state)
{
	(void)state;
	for (unsigned int mode = 3; mode <= 6; mode += 3) {
		set_entry(5, 0x55 | DELIVERY(mode));
		set_entry(6, 0x66 | DELIVERY(mode) | LEVEL);
		assert_false(i82093_unmasked(&ioapic, 5));
		pulse(5);
		raise(6);
		expect_none();
		set_entry(5, 0x55);
		expect_none();
		set_entry(6, 0x66 | LEVEL);
		expect_message(0x66);
		lower(6);
		i82093_eoi(&ioapic, 0x66);
	}
}

static void polarity_is_kept_and_changes_nothing(void **state)
{
	(void)state;
	set_entry(9, 0x39 | LEVEL | ACTIVE_LOW);
	assert_int_equal(entry(9), 0x39 | LEVEL | ACTIVE_LOW);
	expect_none();
	raise(9);
	expect_message(0x39);
}

static void unmasked_is_a_pin_that_can_make_a_message(void **state)
{
	(void)state;
	for (unsigned int pin = 0; pin < PINS; pin += 2)
		set_entry(pin, 0x40 + pin);
	for (unsigned int pin = 0; pin < PINS; pin++)
		assert_int_equal(i82093_unmasked(&ioapic, pin), pin % 2 == 0);
	assert_false(i82093_unmasked(&ioapic, PINS));
	assert_false(i82093_unmasked(&ioapic, 32));
	assert_false(i82093_unmasked(&ioapic, ~0u));
}

static void a_pin_that_is_not_there_does_nothing(void **state)
{
	struct i82093 before = ioapic;

	(void)state;
	raise(PINS);
	raise(32);
	raise(~0u);
	assert_memory_equal(&before, &ioapic, sizeof(ioapic));
}

#define ioapic_test(name) cmocka_unit_test_setup(name, start)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ioapic_test(after_reset_all_pins_are_masked),
		ioapic_test(it_has_an_id_of_four_bits_and_says_24_pins_of_version_20h),
		ioapic_test(other_indices_and_offsets_read_0_and_take_nothing),
		ioapic_test(an_entry_keeps_what_may_be_written),
		ioapic_test(a_message_says_what_the_entry_says),
		ioapic_test(an_edge_makes_one_message),
		ioapic_test(a_pulse_makes_a_message_and_several_before_it_is_taken_no_more),
		ioapic_test(an_edge_on_a_masked_pin_is_lost),
		ioapic_test(masking_loses_an_edge_that_is_not_yet_sent),
		ioapic_test(an_edge_not_yet_sent_goes_where_the_entry_says_when_it_is_sent),
		ioapic_test(reserved_delivery_modes_send_nothing),
		ioapic_test(polarity_is_kept_and_changes_nothing),
		ioapic_test(unmasked_is_a_pin_that_can_make_a_message),
		ioapic_test(a_pin_that_is_not_there_does_nothing),
	};

	return cmocka_run_group_tests_name("i82093", tests, NULL, NULL);
}
