/* The PC's interrupt controllers in the modes that ICW4, OCW2 and OCW3 choose. */
#include "tests/unit/i8259_fixture.h"

static void automatic_eoi_leaves_nothing_in_service(void **state)
{
	(void)state;
	initialise(MASTER, 0x20, 4, 3);
	initialise(SLAVE, 0x28, 2, 3);
	edge(5);
	edge(14);
	edge(15);
	expect_interrupt(14);
	expect_interrupt(15);
	expect_interrupt(5);
	expect_none();
	assert_int_equal(isr(MASTER), 0);
	assert_int_equal(isr(SLAVE), 0);
}

static void rotation_in_automatic_eoi_mode_puts_the_served_last(void **state)
{
	(void)state;
	initialise(MASTER, 0x20, 4, 3);
	out(MASTER, 0x80);
	edge(1);
	edge(4);
	expect_interrupt(1);
	edge(1);
	expect_interrupt(4);
	edge(4);
	expect_interrupt(1);
	out(MASTER, 0x00); /* no longer */
	edge(1);
	expect_interrupt(4); /* 2 is the highest, and stays it */
	edge(4);
	expect_interrupt(4);
	expect_interrupt(1);
}

static void rotation_on_eoi_puts_the_ended_last(void **state)
{
	(void)state;
	out(MASTER, 0xa0); /* nothing in service: nothing turns */
	edge(4);
	edge(5);
	expect_interrupt(4);
	out(MASTER, 0xa0);
	edge(4);
	edge(0);
	expect_interrupt(5);
	out(MASTER, 0xe0 | 5); /* by name */
	expect_interrupt(0);
	out(MASTER, EOI);
	expect_interrupt(4);
	out(MASTER, 0xe0 | 6); /* turns though it is not in service */
	edge(6);
	edge(7);
	expect_interrupt(7);
	assert_int_equal(isr(MASTER), 0x90);
}

static void set_priority_names_the_lowest(void **state)
{
	(void)state;
	out(MASTER, 0xc5);
	edge(0);
	edge(5);
	edge(6);
	expect_interrupt(6);
	out(MASTER, EOI);
	expect_interrupt(0);
	edge(7);
	expect_interrupt(7);
	out(MASTER, EOI); /* the highest in service is 7 now */
	assert_int_equal(isr(MASTER), 0x01);
	out(MASTER, EOI);
	expect_interrupt(5);
}

static void in_special_mask_mode_only_the_masked_is_held_back(void **state)
{
	(void)state;
	edge(3);
	expect_interrupt(3);
	edge(6);
	edge(3);
	expect_none();
	out(MASTER_DATA, 0x08);
	expect_none();
	out(MASTER, SPECIAL);
	expect_interrupt(6);
	out(MASTER, EOI);
	out(MASTER, EOI); /* does not see what is masked */
	assert_int_equal(isr(MASTER), 0x08);
	edge(6);
	out(MASTER, READ_IRR); /* without its bit 6 the mode stays */
	assert_true(i8259_interrupts(&pic));
	out(MASTER, NOT_SPECIAL);
	expect_none();
	out(MASTER, SPECIFIC_EOI | 3);
	expect_interrupt(6);
}

static void special_fully_nested_the_slaves_better_interrupt_gets_through(void **state)
{
	(void)state;
	edge(12);
	expect_interrupt(12);
	edge(9);
	expect_none();
	out(MASTER, SPECIFIC_EOI | 2);
	out(SLAVE, SPECIFIC_EOI | 4);
	lower(9);
	initialise(MASTER, 0x20, 4, 0x11);
	edge(12);
	expect_interrupt(12);
	edge(3);
	edge(13);
	expect_none(); /* worse than what is in service */
	edge(9);
	expect_interrupt(9);
	edge(1);
	expect_interrupt(1);
	edge(8);
	expect_none(); /* behind IRQ1 */
	out(MASTER, EOI);
	expect_interrupt(8);
}

static void special_fully_nested_says_nothing_to_the_slave(void **state)
{
	(void)state;
	initialise(SLAVE, 0x28, 2, 0x11);
	edge(10); /* IR2 there */
	expect_interrupt(10);
	out(MASTER, EOI);
	edge(10);
	expect_none();
	out(SLAVE, EOI);
	expect_interrupt(10);
}

static void a_poll_is_an_acknowledgement(void **state)
{
	(void)state;
	edge(4);
	edge(6);
	out(MASTER, POLL);
	assert_int_equal(in(MASTER), 0x84);
	assert_int_equal(in(MASTER), 0x40); /* once: IRR again */
	assert_int_equal(isr(MASTER), 0x10);
	expect_none();
	out(MASTER, EOI);
	out(MASTER, POLL);
	assert_int_equal(in(MASTER_DATA), 0x86); /* any read is it */
	assert_int_equal(in(MASTER_DATA), 0);
	out(MASTER, POLL | READ_ISR);
	assert_int_equal(in(MASTER)&0x80, 0); /* before the register */
	assert_int_equal(in(MASTER), 0x40);
	out(MASTER, POLL);
	out(MASTER, READ_ISR);
	assert_int_equal(in(MASTER), 0x40); /* taken back */
}

static void a_poll_of_the_slave_takes_its_request_from_the_master(void **state)
{
	(void)state;
	edge(12);
	out(MASTER, POLL);
	assert_int_equal(in(MASTER), 0x82);
	out(SLAVE, POLL);
	assert_int_equal(in(SLAVE), 0x84);
	assert_int_equal(irr(MASTER), 0);
	out(SLAVE, EOI);
	out(MASTER, EOI);
	edge(13);
	out(SLAVE, POLL);
	assert_int_equal(in(SLAVE_DATA), 0x85);
	expect_none();
	assert_int_equal(isr(MASTER), 0);
}

static void a_poll_with_automatic_eoi_leaves_nothing_in_service(void **state)
{
	(void)state;
	initialise(MASTER, 0x20, 4, 3);
	edge(4);
	out(MASTER, POLL);
	assert_int_equal(in(MASTER), 0x84);
	assert_int_equal(isr(MASTER), 0);
}

#define pic_test(name) cmocka_unit_test_setup(name, start)

int main(void)
{
	const struct CMUnitTest tests[] = {
		pic_test(automatic_eoi_leaves_nothing_in_service),
		pic_test(rotation_in_automatic_eoi_mode_puts_the_served_last),
		pic_test(rotation_on_eoi_puts_the_ended_last),
		pic_test(set_priority_names_the_lowest),
		pic_test(in_special_mask_mode_only_the_masked_is_held_back),
		pic_test(special_fully_nested_the_slaves_better_interrupt_gets_through),
		pic_test(special_fully_nested_says_nothing_to_the_slave),
		pic_test(a_poll_is_an_acknowledgement),
		pic_test(a_poll_of_the_slave_takes_its_request_from_the_master),
		pic_test(a_poll_with_automatic_eoi_leaves_nothing_in_service),
	};

	return cmocka_run_group_tests_name("i8259_modes", tests, NULL, NULL);
}
