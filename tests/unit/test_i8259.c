/*
 * The PC's interrupt controllers: lines, service and initialisation. Their modes are in
 * test_i8259_modes.c, and test_i8259_random.c compares them with a slower pair.
 */
#include "tests/unit/i8259_fixture.h"

static void after_reset_nothing_interrupts_until_the_last_icw(void **state)
{
	(void)state;
	i8259_reset(&pic);
	assert_int_equal(in(MASTER), 0);
	assert_int_equal(in(MASTER_DATA), 0);
	assert_int_equal(in(ELCR), 0);
	edge(1);
	expect_none();
	assert_false(i8259_unmasked(&pic, 1));
	out(MASTER, 0x11);
	out(MASTER_DATA, 0x40);
	out(MASTER_DATA, 4);
	edge(1);
	expect_none();
	assert_int_equal(i8259_acknowledge(&pic), 0x47);
	out(MASTER_DATA, 1);
	assert_true(i8259_interrupts(&pic));
	assert_int_equal(i8259_acknowledge(&pic), 0x41);
}

static void without_ic4_there_are_three_icws_and_the_fourth_ones_modes_are_off(void **state)
{
	(void)state;
	initialise(MASTER, 0x20, 4, 0x13); /* AEOI, special fully nested */
	out(MASTER, 0x10);
	out(MASTER_DATA, 0x47); /* the low bits are no part of the vector */
	out(MASTER_DATA, 4);
	out(MASTER_DATA, 0xfe); /* the mask */
	assert_int_equal(in(MASTER_DATA), 0xfe);
	edge(0);
	assert_int_equal(i8259_acknowledge(&pic), 0x40);
	assert_int_equal(isr(MASTER), 1);
}

static void icw1_forgets_edges_masks_service_and_modes(void **state)
{
	(void)state;
	out(MASTER, 0xc3); /* IR3 lowest */
	out(MASTER, 0x80); /* rotation in automatic EOI mode */
	edge(6);
	expect_interrupt(6);
	edge(5);
	out(MASTER_DATA, 0x80);
	out(MASTER, SPECIAL);
	out(MASTER, READ_ISR);
	assert_int_equal(in(MASTER), 0x40);
	out(MASTER, POLL);
	initialise(MASTER, 0x20, 4, 1);
	assert_int_equal(in(MASTER), 0); /* IRR, and no poll */
	assert_int_equal(isr(MASTER), 0);
	assert_int_equal(in(MASTER_DATA), 0);
	expect_none(); /* the line is still high */
	edge(7);
	edge(0);
	expect_interrupt(0);
	edge(0);
	out(MASTER_DATA, 1);
	expect_none(); /* no special mask mode, or IR7 would be next */
	out(MASTER, EOI);
	expect_interrupt(7);
}

static void firmware_leaves_08h_and_70h_and_all_masked(void **state)
{
	(void)state;
	memset(&pic, 0, sizeof(pic));
	i8259_as_firmware_leaves_it(&pic);
	for (unsigned int irq = 0; irq < 16; irq++) {
		assert_false(i8259_unmasked(&pic, irq));
		if (irq != 2) /* the cascade's, which would be taken for it */
			raise(irq);
	}
	expect_none();
	assert_int_equal(in(MASTER_DATA), 0xff);
	assert_int_equal(in(SLAVE_DATA), 0xff);
	out(MASTER_DATA, 0xfa);
	out(SLAVE_DATA, 0xfe);
	assert_int_equal(i8259_acknowledge(&pic), 0x08);
	assert_int_equal(isr(MASTER), 1);
	out(MASTER, EOI);
	assert_true(i8259_interrupts(&pic));
	assert_int_equal(i8259_acknowledge(&pic), 0x70);
}

static void an_edge_makes_one_interrupt(void **state)
{
	(void)state;
	raise(3);
	assert_int_equal(irr(MASTER), 0x08);
	raise(3); /* no edge */
	expect_interrupt(3);
	assert_int_equal(irr(MASTER), 0);
	assert_int_equal(isr(MASTER), 0x08);
	expect_none();
	out(MASTER, EOI);
	assert_int_equal(isr(MASTER), 0);
	expect_none();
	edge(3);
	expect_interrupt(3);
}

static void an_edge_in_service_waits_for_the_eoi(void **state)
{
	(void)state;
	edge(3);
	expect_interrupt(3);
	edge(3);
	expect_none();
	out(MASTER, EOI);
	expect_interrupt(3);
}

static void a_masked_edge_waits_while_its_line_is_high(void **state)
{
	(void)state;
	out(MASTER_DATA, 0x08);
	edge(3);
	assert_int_equal(irr(MASTER), 0x08);
	expect_none();
	out(MASTER_DATA, 0);
	expect_interrupt(3);
}

static void a_request_that_is_withdrawn_is_the_spurious_irq7(void **state)
{
	(void)state;
	edge(3);
	lower(3);
	expect_none();
	assert_int_equal(irr(MASTER), 0);
	assert_int_equal(i8259_acknowledge(&pic), 0x27);
	assert_int_equal(isr(MASTER), 0); /* which tells it from the real one */
	edge(7);
	expect_interrupt(7);
	assert_int_equal(isr(MASTER), 0x80);
}

static void the_slaves_withdrawn_request_is_withdrawn_from_the_master(void **state)
{
	(void)state;
	edge(12);
	assert_int_equal(irr(MASTER), 0x04);
	lower(12);
	assert_int_equal(irr(MASTER), 0);
	assert_int_equal(i8259_acknowledge(&pic), 0x27);
	assert_int_equal(isr(MASTER), 0);
	assert_int_equal(isr(SLAVE), 0);
}

static void a_level_interrupts_until_its_line_is_low(void **state)
{
	(void)state;
	out(ELCR, 0x08);
	raise(3);
	expect_interrupt(3);
	assert_int_equal(irr(MASTER), 0x08);
	expect_none();
	out(MASTER, EOI);
	expect_interrupt(3);
	lower(3);
	assert_int_equal(irr(MASTER), 0);
	out(MASTER, EOI);
	expect_none();
}

static void icw1_leaves_the_levels_and_their_requests(void **state)
{
	(void)state;
	out(ELCR, 0x08);
	raise(3);
	raise(4);
	initialise(MASTER, 0x20, 4, 1);
	assert_int_equal(in(ELCR), 0x08);
	expect_interrupt(3);
	out(MASTER_DATA, 0x08);
	out(MASTER, EOI);
	expect_none();
}

static void ltim_makes_levels_of_all_lines_of_its_controller(void **state)
{
	(void)state;
	raise(0);
	raise(8);
	out(MASTER, 0x19);
	out(MASTER_DATA, 0x20);
	out(MASTER_DATA, 4);
	out(MASTER_DATA, 1);
	assert_int_equal(in(ELCR), 0);
	for (unsigned int i = 0; i < 3; i++) {
		expect_interrupt(0);
		out(MASTER, EOI);
	}
	lower(0);
	expect_interrupt(8);
	out(SLAVE, EOI);
	out(MASTER, EOI);
	expect_none();
}

static void elcr_keeps_the_lines_that_are_edges_on_every_pc(void **state)
{
	(void)state;
	out(ELCR, 0xff);
	out(ELCR_SLAVE, 0xff);
	assert_int_equal(in(ELCR), 0xf8);
	assert_int_equal(in(ELCR_SLAVE), 0xde);
	out(ELCR, 0x20);
	assert_int_equal(in(ELCR), 0x20);
	assert_int_equal(in(ELCR_SLAVE), 0xde);
}

static void a_high_line_requests_when_it_becomes_a_level(void **state)
{
	(void)state;
	edge(5);
	expect_interrupt(5);
	out(MASTER, EOI);
	expect_none();
	out(ELCR, 0x20);
	expect_interrupt(5);
	out(ELCR, 0);
	out(MASTER, EOI);
	expect_interrupt(5); /* the request was there; now it is an edge */
	out(MASTER, EOI);
	expect_none();
}

static void the_lowest_line_is_first_and_blocks_those_behind_it(void **state)
{
	(void)state;
	edge(6);
	edge(4);
	edge(1);
	expect_interrupt(1);
	expect_none();
	edge(0);
	expect_interrupt(0);
	assert_int_equal(isr(MASTER), 0x03);
	out(MASTER, EOI);
	assert_int_equal(isr(MASTER), 0x02);
	expect_none();
	out(MASTER, EOI);
	expect_interrupt(4);
	expect_none();
	out(MASTER, EOI);
	expect_interrupt(6);
}

static void a_specific_eoi_ends_the_one_it_names(void **state)
{
	(void)state;
	edge(4);
	expect_interrupt(4);
	edge(1);
	expect_interrupt(1);
	out(MASTER, SPECIFIC_EOI | 4);
	assert_int_equal(isr(MASTER), 0x02);
	out(MASTER, SPECIFIC_EOI | 5); /* is not in service */
	out(MASTER, 0x40 | 1);	       /* no operation */
	assert_int_equal(isr(MASTER), 0x02);
	out(MASTER, SPECIFIC_EOI | 1);
	assert_int_equal(isr(MASTER), 0);
	out(MASTER, EOI);
	assert_int_equal(isr(MASTER), 0);
}

static void the_slave_is_between_irq1_and_irq3(void **state)
{
	(void)state;
	edge(3);
	edge(15);
	edge(8);
	edge(1);
	expect_interrupt(1);
	out(MASTER, EOI);
	expect_interrupt(8);
	assert_int_equal(isr(MASTER), 0x04);
	assert_int_equal(isr(SLAVE), 0x01);
	expect_none();
	out(SLAVE, EOI);
	assert_int_equal(irr(MASTER), 0x0c); /* IRQ15 asks already, behind the master's service */
	expect_none();
	out(MASTER, EOI);
	expect_interrupt(15);
	out(MASTER, EOI);
	expect_interrupt(3); /* the master knows nothing of the slave's service */
	out(MASTER, EOI);
	edge(14);
	expect_interrupt(14);
}

static void the_cascade_has_no_line_of_its_own(void **state)
{
	(void)state;
	raise(2);
	expect_none();
	raise(16);
	raise(~0u);
	expect_none();
	assert_int_equal(irr(MASTER), 0);
	assert_int_equal(irr(SLAVE), 0);
	edge(9);
	lower(2);
	expect_interrupt(9);
}

static void a_mask_at_the_cascade_masks_the_slave(void **state)
{
	(void)state;
	out(MASTER_DATA, 0x04);
	edge(12);
	expect_none();
	out(MASTER_DATA, 0);
	expect_interrupt(12);
}

static void unmasked_is_what_is_initialised_and_masked_nowhere(void **state)
{
	(void)state;
	for (unsigned int irq = 0; irq < 20; irq++)
		assert_int_equal(i8259_unmasked(&pic, irq), irq < 16 && irq != 2);
	out(MASTER_DATA, 0x02);
	out(SLAVE_DATA, 0x80);
	assert_false(i8259_unmasked(&pic, 1));
	assert_true(i8259_unmasked(&pic, 7));
	assert_false(i8259_unmasked(&pic, 15));
	assert_true(i8259_unmasked(&pic, 9));
	out(MASTER_DATA, 0x04);
	for (unsigned int irq = 0; irq < 16; irq++)
		assert_int_equal(i8259_unmasked(&pic, irq), irq < 8 && irq != 2);
	out(MASTER_DATA, 0);
	out(SLAVE, 0x11);
	assert_false(i8259_unmasked(&pic, 9));
	assert_true(i8259_unmasked(&pic, 3));
	assert_false(i8259_unmasked(&pic, ~0u));
}

static void other_ports_are_not_its_own(void **state)
{
	static const uint16_t ports[] = {0x1f, 0x22, 0x9f, 0xa2, 0x4cf, 0x4d2, 0, 0xffff};
	struct i8259 before = pic;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(ports); i++) {
		out(ports[i], 0x11);
		assert_int_equal(in(ports[i]), 0xff);
	}
	assert_memory_equal(&before, &pic, sizeof(pic));
}

#define pic_test(name) cmocka_unit_test_setup(name, start)

int main(void)
{
	const struct CMUnitTest tests[] = {
		pic_test(after_reset_nothing_interrupts_until_the_last_icw),
		pic_test(without_ic4_there_are_three_icws_and_the_fourth_ones_modes_are_off),
		pic_test(icw1_forgets_edges_masks_service_and_modes),
		pic_test(firmware_leaves_08h_and_70h_and_all_masked),
		pic_test(an_edge_makes_one_interrupt),
		pic_test(an_edge_in_service_waits_for_the_eoi),
		pic_test(a_masked_edge_waits_while_its_line_is_high),
		pic_test(a_request_that_is_withdrawn_is_the_spurious_irq7),
		pic_test(the_slaves_withdrawn_request_is_withdrawn_from_the_master),
		pic_test(a_level_interrupts_until_its_line_is_low),
		pic_test(icw1_leaves_the_levels_and_their_requests),
		pic_test(ltim_makes_levels_of_all_lines_of_its_controller),
		pic_test(elcr_keeps_the_lines_that_are_edges_on_every_pc),
		pic_test(a_high_line_requests_when_it_becomes_a_level),
		pic_test(the_lowest_line_is_first_and_blocks_those_behind_it),
		pic_test(a_specific_eoi_ends_the_one_it_names),
		pic_test(the_slave_is_between_irq1_and_irq3),
		pic_test(the_cascade_has_no_line_of_its_own),
		pic_test(a_mask_at_the_cascade_masks_the_slave),
		pic_test(unmasked_is_what_is_initialised_and_masked_nowhere),
		pic_test(other_ports_are_not_its_own),
	};

	return cmocka_run_group_tests_name("i8259", tests, NULL, NULL);
}
