/* The I/O APIC with levels, which end with an EOI. */
#include "tests/unit/i82093_fixture.h"

static void a_level_makes_a_message_after_each_eoi_until_it_is_gone(void **state)
{
	(void)state;
	set_entry(16, 0x61 | LEVEL);
	raise(16);
	assert_int_equal(entry(16), 0x61 | LEVEL | SEND_PENDING);
	expect_message(0x61);
	assert_int_equal(entry(16), 0x61 | LEVEL | REMOTE_IRR);
	expect_none();
	lower(16);
	raise(16);
	expect_none();
	i82093_eoi(&ioapic, 0x61);
	assert_int_equal(entry(16), 0x61 | LEVEL | SEND_PENDING);
	expect_message(0x61);
	lower(16);
	expect_none();
	assert_int_equal(entry(16), 0x61 | LEVEL | REMOTE_IRR);
	i82093_eoi(&ioapic, 0x61);
	assert_int_equal(entry(16), 0x61 | LEVEL);
	expect_none();
	raise(16);
	expect_message(0x61);
}

static void a_level_that_falls_before_it_is_sent_makes_no_message(void **state)
{
	(void)state;
	set_entry(16, 0x61 | LEVEL);
	pulse(16);
	expect_none();
	assert_int_equal(entry(16), 0x61 | LEVEL);
}

static void a_masked_level_waits_while_its_line_is_high(void **state)
{
	(void)state;
	set_entry(16, 0x61 | LEVEL | MASKED);
	raise(16);
	expect_none();
	set_entry(16, 0x61 | LEVEL);
	expect_message(0x61);
	i82093_eoi(&ioapic, 0x61);
	set_entry(16, 0x61 | LEVEL | MASKED);
	expect_none();
	lower(16);
	set_entry(16, 0x61 | LEVEL);
	expect_none();
}

static void an_eoi_clears_remote_irr_of_a_masked_pin(void **state)
{
	(void)state;
	set_entry(16, 0x61 | LEVEL);
	raise(16);
	expect_message(0x61);
	set_entry(16, 0x61 | LEVEL | MASKED);
	assert_int_equal(entry(16), 0x61 | LEVEL | MASKED | REMOTE_IRR);
	i82093_eoi(&ioapic, 0x61);
	assert_int_equal(entry(16), 0x61 | LEVEL | MASKED);
	expect_none();
	set_entry(16, 0x61 | LEVEL);
	expect_message(0x61);
}

static void an_eoi_is_for_all_pins_with_its_vector_and_for_no_other(void **state)
{
	(void)state;
	for (unsigned int pin = 20; pin < PINS; pin++) {
		set_entry(pin, (pin == 22 ? 0x62 : 0x61) | LEVEL);
		raise(pin);
		expect_message(pin == 22 ? 0x62 : 0x61);
	}
	lower(23);
	i82093_eoi(&ioapic, 0x60);
	expect_none();
	i82093_eoi(&ioapic, 0x61);
	assert_int_equal(entry(22), 0x62 | LEVEL | REMOTE_IRR);
	assert_int_equal(entry(23), 0x61 | LEVEL);
	expect_message(0x61);
	expect_message(0x61);
	expect_none();
	i82093_eoi(&ioapic, 0x62);
	expect_message(0x62);
	expect_none();
}

static void the_eoi_register_does_what_an_eoi_does(void **state)
{
	(void)state;
	set_entry(16, 0x61 | LEVEL);
	raise(16);
	expect_message(0x61);
	i82093_write(&ioapic, EOI, 0x60);
	expect_none();
	i82093_write(&ioapic, EOI, 0xffffff61); /* 8 bits of it */
	expect_message(0x61);
}

static void remote_irr_and_delivery_status_cannot_be_written(void **state)
{
	(void)state;
	set_entry(16, 0x61 | LEVEL | REMOTE_IRR | SEND_PENDING);
	assert_int_equal(entry(16), 0x61 | LEVEL);
	raise(16);
	expect_message(0x61);
	set_entry(16, 0x61 | LEVEL);
	assert_int_equal(entry(16), 0x61 | LEVEL | REMOTE_IRR);
	expect_none();
	out(TABLE + 2 * 16 + 1, 0xffffffff);
	assert_int_equal(entry(16), 0x61 | LEVEL | REMOTE_IRR);
}

static void as_an_edge_a_pin_has_no_remote_irr(void **state)
{
	(void)state;
	set_entry(16, 0x61 | LEVEL);
	raise(16);
	expect_message(0x61);
	set_entry(16, 0x61 | MASKED); /* an EOI where there is no EOI register */
	assert_int_equal(entry(16), 0x61 | MASKED);
	set_entry(16, 0x61 | LEVEL);
	assert_int_equal(entry(16), 0x61 | LEVEL | SEND_PENDING);
	expect_message(0x61);
	set_entry(16, 0x61);
	expect_none(); /* the line is high, but did not rise */
}

static void an_edge_not_yet_sent_is_lost_on_a_pin_that_becomes_a_level(void **state)
{
	(void)state;
	set_entry(4, 0x44);
	pulse(4);
	set_entry(4, 0x44 | LEVEL);
	expect_none();
	set_entry(4, 0x44);
	expect_none();
	set_entry(4, 0x44);
	raise(4);
	set_entry(4, 0x44 | LEVEL);
	expect_message(0x44);
	expect_none();
	assert_true(message.level_triggered);
}

static void what_has_no_eoi_is_an_edge_whatever_the_trigger_mode(void **state)
{
	static const enum apic_delivery modes[] = {APIC_SMI, APIC_NMI, APIC_INIT, APIC_EXTINT};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(modes); i++) {
		set_entry(i, DELIVERY(modes[i]) | LEVEL);
		raise(i);
		expect_message(0);
		assert_int_equal(message.delivery, modes[i]);
		assert_false(message.level_triggered);
		expect_none();
		assert_int_equal(entry(i), DELIVERY(modes[i]) | LEVEL);
	}
}

#define ioapic_test(name) cmocka_unit_test_setup(name, start)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ioapic_test(a_level_makes_a_message_after_each_eoi_until_it_is_gone),
		ioapic_test(a_level_that_falls_before_it_is_sent_makes_no_message),
		ioapic_test(a_masked_level_waits_while_its_line_is_high),
		ioapic_test(an_eoi_clears_remote_irr_of_a_masked_pin),
		ioapic_test(an_eoi_is_for_all_pins_with_its_vector_and_for_no_other),
		ioapic_test(the_eoi_register_does_what_an_eoi_does),
		ioapic_test(remote_irr_and_delivery_status_cannot_be_written),
		ioapic_test(as_an_edge_a_pin_has_no_remote_irr),
		ioapic_test(an_edge_not_yet_sent_is_lost_on_a_pin_that_becomes_a_level),
		ioapic_test(what_has_no_eoi_is_an_edge_whatever_the_trigger_mode),
	};

	return cmocka_run_group_tests_name("i82093_levels", tests, NULL, NULL);
}
