/*
 * What a local APIC sends by its interrupt command register, of which messages it is a destination,
 * and what comes by its pins (SDM Vol. 3A 10.6, 10.5.1).
 */
#include "tests/unit/lapic_fixture.h"

static struct apic_message message;

static bool next(void)
{
	return lapic_next_message(&lapic, &message);
}

static void send(uint8_t destination, uint32_t command)
{
	out(ICR_HIGH, (uint32_t)destination << 24);
	out(ICR, command);
}

static bool is_destination(uint32_t destination, bool logical)
{
	const struct apic_message to = {.destination = destination, .logical = logical};

	return lapic_is_destination(&lapic, &to);
}

static void a_fixed_interrupt_goes_to_another_cpu(void **state)
{
	(void)state;
	send(5, 0x4041);
	assert_int_equal(lapic.signals, LAPIC_HAS_MESSAGE);
	assert_true(next());
	assert_int_equal(message.destination, 5);
	assert_int_equal(message.vector, 0x41);
	assert_int_equal(message.delivery, APIC_FIXED);
	assert_int_equal(message.shorthand, APIC_NO_SHORTHAND);
	assert_false(message.logical || message.level_triggered || message.x2apic);
	assert_false(next());
	assert_int_equal(lapic.signals, 0);
	assert_int_equal(in(ICR), 0x4041);
	assert_int_equal(in(ICR_HIGH), 0x05000000);
	assert_int_equal(lapic_highest(&lapic), -1);
}

static void of_a_message_to_its_own_id_nothing_leaves(void **state)
{
	(void)state;
	send(3, 0x4041);
	assert_false(next());
	assert_int_equal(lapic_take(&lapic), 0x41);
	send(3, NMI_MODE);
	assert_false(next());
	assert_int_equal(lapic.signals, LAPIC_NMI);
	send(3, 0x4500);
	assert_int_equal(lapic.signals, LAPIC_NMI | LAPIC_INIT);
}

static void a_broadcast_reaches_its_sender_and_the_others(void **state)
{
	(void)state;
	send(0xff, 0x4041);
	assert_true(next());
	assert_int_equal(message.destination, 0xff);
	assert_int_equal(lapic_take(&lapic), 0x41);
	send(0, TO_ALL | 0x42);
	assert_true(next());
	assert_int_equal(message.shorthand, APIC_ALL_BUT_SELF);
	out(EOI, 0);
	assert_int_equal(lapic_take(&lapic), 0x42);
	send(0, TO_ALL_BUT_SELF | 0x43);
	assert_true(next());
	assert_int_equal(message.shorthand, APIC_ALL_BUT_SELF);
	out(EOI, 0);
	assert_int_equal(lapic_take(&lapic), -1);
}

static void a_logical_message_reaches_its_sender_where_it_matches(void **state)
{
	(void)state;
	out(LDR, 0x08000000);
	send(0x0c, 0x4841);
	assert_true(next());
	assert_true(message.logical);
	assert_int_equal(message.destination, 0x0c);
	assert_int_equal(lapic_take(&lapic), 0x41);
	send(0x04, 0x4851);
	assert_true(next());
	assert_int_equal(lapic_take(&lapic), -1);
}

static void of_lowest_priority_the_sender_takes_no_share_in_advance(void **state)
{
	(void)state;
	send(0xff, 0x4141);
	assert_true(next());
	assert_int_equal(message.delivery, APIC_LOWEST_PRIORITY);
	assert_int_equal(lapic_take(&lapic), -1);
	send(3, 0x4141);
	assert_true(next());
	assert_int_equal(message.destination, 3);
	lapic_accept(&lapic, &message);
	assert_int_equal(lapic_take(&lapic), 0x41);
}

static void to_itself_by_shorthand_only_fixed_interrupts_can_be_sent(void **state)
{
	(void)state;
	for (unsigned int delivery = 1; delivery < 8; delivery++) {
		send(0, TO_SELF | delivery << 8 | 0x41);
		send(0, TO_ALL | delivery << 8 | 0x41);
	}
	assert_int_equal(lapic.signals, 0);
	assert_int_equal(lapic_take(&lapic), -1);
	send(0, TO_SELF | 0x8000 | 0x41); /* level: sent as edge */
	assert_false(bit_of(TMR, 0x41));
	assert_int_equal(lapic_take(&lapic), 0x41);
}

static void init_startup_and_nmi_can_be_sent_to_others(void **state)
{
	static const enum apic_delivery deliveries[] = {APIC_SMI, APIC_NMI, APIC_INIT,
							APIC_STARTUP};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(deliveries); i++) {
		send(1, 0x4000 | deliveries[i] << 8 | 8);
		assert_true(next());
		assert_int_equal(message.delivery, deliveries[i]);
		assert_int_equal(message.vector, 8);
		send(1, TO_ALL_BUT_SELF | 0x4000 | deliveries[i] << 8 | 8);
		assert_true(next());
		assert_int_equal(message.shorthand, APIC_ALL_BUT_SELF);
	}
	out(ESR, 0);
	assert_int_equal(in(ESR), 0);
}

static void init_deassert_and_reserved_delivery_modes_are_not_sent(void **state)
{
	(void)state;
	send(1, 0x8500);
	send(1, 0x4300);
	send(1, 0x4700);
	assert_false(next());
	send(1, 0xc500);
	assert_true(next());
	assert_int_equal(message.delivery, APIC_INIT);
}

static void an_illegal_vector_is_an_error_of_sender_and_receiver(void **state)
{
	(void)state;
	send(1, 0x0f);
	out(ESR, 0);
	assert_int_equal(in(ESR), 0x20);
	assert_true(next());
	lapic_accept(&lapic, &message);
	out(ESR, 0);
	assert_int_equal(in(ESR), 0x40);
	send(0, TO_ALL | 0x0f);
	out(ESR, 0);
	assert_int_equal(in(ESR), 0x60);
}

static void software_disabled_it_sends_but_takes_no_share(void **state)
{
	(void)state;
	out(SVR, 0xff);
	send(0xff, 0x41);
	assert_true(next());
	send(0, TO_ALL | 0x41);
	assert_true(next());
	send(3, NMI_MODE);
	assert_int_equal(lapic.signals, LAPIC_NMI);
	assert_int_equal(lapic_take(&lapic), -1);
}

static void two_nmis_are_kept_and_one_where_one_is_served(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 3; i++)
		send(3, NMI_MODE);
	assert_int_equal(lapic.signals, LAPIC_NMI | LAPIC_NMI_AGAIN);
	lapic_take_nmi(&lapic);
	assert_int_equal(lapic.signals, LAPIC_NMI);
	for (unsigned int i = 0; i < 10; i++) {
		send(3, NMI_MODE);
		lapic_hold_nmi(&lapic);
	}
	assert_int_equal(lapic.signals, LAPIC_NMI);
	lapic_take_nmi(&lapic);
	assert_int_equal(lapic.signals, 0);
}

static void an_init_makes_a_startup_before_it_void(void **state)
{
	struct apic_message startup = {.delivery = APIC_STARTUP, .vector = 7};
	struct apic_message init = {.delivery = APIC_INIT};

	(void)state;
	lapic_accept(&lapic, &startup);
	lapic_accept(&lapic, &init);
	assert_int_equal(lapic.signals, LAPIC_INIT);
	lapic_accept(&lapic, &startup);
	assert_int_equal(lapic.signals, LAPIC_INIT | LAPIC_STARTUP);
	assert_int_equal(lapic.startup_vector, 7);
}

static void an_extint_message_is_for_the_8259_to_answer(void **state)
{
	struct apic_message extint = {.delivery = APIC_EXTINT, .vector = 0x41};

	(void)state;
	lapic_accept(&lapic, &extint);
	assert_int_equal(lapic.signals, LAPIC_EXTINT);
	assert_int_equal(lapic_take(&lapic), -1);
}

static void a_physical_destination_is_its_id_or_all_ones(void **state)
{
	(void)state;
	for (unsigned int destination = 0; destination < 0x1ff; destination++)
		assert_int_equal(is_destination(destination, false),
				 destination == 3 || destination == 0xff);
}

static void a_flat_destination_has_a_bit_for_each_cpu(void **state)
{
	(void)state;
	for (unsigned int id = 0; id < 0x100; id++) {
		out(LDR, id << 24);
		for (unsigned int destination = 0; destination < 0xff; destination++)
			assert_int_equal(is_destination(destination, true), !!(destination & id));
		assert_true(is_destination(0xff, true));
		assert_false(is_destination(0x100 | id, true));
	}
}

static void a_clustered_destination_has_bits_within_one_cluster(void **state)
{
	(void)state;
	out(DFR, 0x0fffffff);
	for (unsigned int id = 0; id < 0x100; id++) {
		out(LDR, id << 24);
		for (unsigned int destination = 0; destination < 0xff; destination++)
			assert_int_equal(is_destination(destination, true),
					 destination >> 4 == id >> 4 && destination & id & 0xf);
		assert_true(is_destination(0xff, true));
	}
}

static void another_destination_format_matches_only_a_broadcast(void **state)
{
	(void)state;
	out(DFR, 0x7fffffff);
	out(LDR, 0xff000000);
	assert_false(is_destination(0x7f, true));
	assert_true(is_destination(0xff, true));
}

static void lint0_brings_extint_only_where_it_is_unmasked_and_that(void **state)
{
	(void)state;
	assert_false(lapic_takes_extint(&lapic));
	assert_false(lapic_hears_lint0(&lapic));
	out(LVT_LINT0, EXTINT_MODE);
	assert_true(lapic_takes_extint(&lapic));
	assert_true(lapic_hears_lint0(&lapic));
	out(LVT_LINT0, EXTINT_MODE | MASKED);
	assert_false(lapic_takes_extint(&lapic));
	assert_false(lapic_hears_lint0(&lapic));
	out(LVT_LINT0, NMI_MODE);
	assert_false(lapic_takes_extint(&lapic));
	assert_true(lapic_hears_lint0(&lapic));
	out(LVT_LINT0, EXTINT_MODE);
	out(SVR, 0xff);
	assert_false(lapic_takes_extint(&lapic));
	lapic_set_lint(&lapic, 0, true);
	assert_int_equal(lapic.signals, 0);
}

static void an_edge_at_a_pin_is_one_interrupt(void **state)
{
	(void)state;
	out(LVT_LINT0, 0x41);
	lapic_set_lint(&lapic, 0, true);
	assert_int_equal(lapic_take(&lapic), 0x41);
	lapic_set_lint(&lapic, 0, true);
	out(EOI, 0);
	assert_int_equal(lapic_take(&lapic), -1);
	lapic_set_lint(&lapic, 0, false);
	assert_int_equal(lapic_take(&lapic), -1);
	lapic_set_lint(&lapic, 0, true);
	assert_int_equal(lapic_take(&lapic), 0x41);
}

static void nmi_and_init_come_by_the_edge_of_a_pin(void **state)
{
	(void)state;
	out(LVT_LINT1, NMI_MODE);
	out(LVT_LINT0, INIT_MODE);
	lapic_set_lint(&lapic, 1, true);
	assert_int_equal(lapic.signals, LAPIC_NMI);
	lapic_set_lint(&lapic, 0, true);
	assert_int_equal(lapic.signals, LAPIC_NMI | LAPIC_INIT);
	lapic.signals = 0;
	lapic_set_lint(&lapic, 1, false);
	lapic_set_lint(&lapic, 0, false);
	assert_int_equal(lapic.signals, 0);
	out(LVT_LINT1, NMI_MODE | MASKED);
	lapic_set_lint(&lapic, 1, true);
	assert_int_equal(lapic.signals, 0);
}

static void a_level_interrupts_again_after_its_eoi_until_it_goes(void **state)
{
	(void)state;
	out(LVT_LINT0, 0x8041);
	lapic_set_lint(&lapic, 0, true);
	assert_int_equal(in(LVT_LINT0), 0xc041); /* remote IRR */
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(lapic_take(&lapic), 0x41);
		assert_true(bit_of(TMR, 0x41));
		assert_false(bit_of(IRR, 0x41));
		out(EOI, 0);
		assert_true(bit_of(IRR, 0x41));
	}
	lapic_set_lint(&lapic, 0, false);
	assert_int_equal(lapic_take(&lapic), 0x41);
	out(EOI, 0);
	assert_int_equal(in(LVT_LINT0), 0x8041);
	assert_int_equal(lapic_take(&lapic), -1);
}

static void while_a_level_is_served_it_does_not_interrupt_again(void **state)
{
	(void)state;
	out(LVT_LINT0, 0x8041);
	lapic_set_lint(&lapic, 0, true);
	assert_int_equal(lapic_take(&lapic), 0x41);
	out(LVT_LINT0, 0x8041);
	assert_int_equal(in(LVT_LINT0), 0xc041);
	arrive(0x51, true);
	assert_int_equal(lapic_take(&lapic), 0x51);
	out(EOI, 0); /* of another */
	assert_int_equal(in(LVT_LINT0), 0xc041);
	assert_false(bit_of(IRR, 0x41));
	out(LVT_LINT0, 0x41); /* an edge has none */
	assert_int_equal(in(LVT_LINT0), 0x41);
}

static void a_level_that_is_there_interrupts_when_its_vector_is_unmasked(void **state)
{
	(void)state;
	lapic_set_lint(&lapic, 0, true);
	out(LVT_LINT0, MASKED | 0x8041);
	assert_int_equal(lapic_take(&lapic), -1);
	out(LVT_LINT0, 0x8041);
	assert_int_equal(lapic_take(&lapic), 0x41);
}

static void a_pin_can_be_active_low(void **state)
{
	(void)state;
	lapic_set_lint(&lapic, 0, true);
	out(LVT_LINT0, 0xa041);
	assert_int_equal(lapic_take(&lapic), -1);
	lapic_set_lint(&lapic, 0, false);
	assert_int_equal(lapic_take(&lapic), 0x41);
	out(LVT_LINT1, 0x2051);
	lapic_set_lint(&lapic, 1, true);
	assert_int_equal(lapic_take(&lapic), -1);
	lapic_set_lint(&lapic, 1, false);
	assert_int_equal(lapic_take(&lapic), 0x51);
}

static void a_level_with_an_illegal_vector_is_an_error(void **state)
{
	(void)state;
	out(LVT_LINT0, 0x8001);
	lapic_set_lint(&lapic, 0, true);
	out(ESR, 0);
	assert_int_equal(in(ESR), 0x40);
	assert_int_equal(in(LVT_LINT0), 0x8001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lapic_test(a_fixed_interrupt_goes_to_another_cpu),
		lapic_test(of_a_message_to_its_own_id_nothing_leaves),
		lapic_test(a_broadcast_reaches_its_sender_and_the_others),
		lapic_test(a_logical_message_reaches_its_sender_where_it_matches),
		lapic_test(of_lowest_priority_the_sender_takes_no_share_in_advance),
		lapic_test(to_itself_by_shorthand_only_fixed_interrupts_can_be_sent),
		lapic_test(init_startup_and_nmi_can_be_sent_to_others),
		lapic_test(init_deassert_and_reserved_delivery_modes_are_not_sent),
		lapic_test(an_illegal_vector_is_an_error_of_sender_and_receiver),
		lapic_test(software_disabled_it_sends_but_takes_no_share),
		lapic_test(two_nmis_are_kept_and_one_where_one_is_served),
		lapic_test(an_init_makes_a_startup_before_it_void),
		lapic_test(an_extint_message_is_for_the_8259_to_answer),
		lapic_test(a_physical_destination_is_its_id_or_all_ones),
		lapic_test(a_flat_destination_has_a_bit_for_each_cpu),
		lapic_test(a_clustered_destination_has_bits_within_one_cluster),
		lapic_test(another_destination_format_matches_only_a_broadcast),
		lapic_test(lint0_brings_extint_only_where_it_is_unmasked_and_that),
		lapic_test(an_edge_at_a_pin_is_one_interrupt),
		lapic_test(nmi_and_init_come_by_the_edge_of_a_pin),
		lapic_test(a_level_interrupts_again_after_its_eoi_until_it_goes),
		lapic_test(while_a_level_is_served_it_does_not_interrupt_again),
		lapic_test(a_level_that_is_there_interrupts_when_its_vector_is_unmasked),
		lapic_test(a_pin_can_be_active_low),
		lapic_test(a_level_with_an_illegal_vector_is_an_error),
	};

	return cmocka_run_group_tests_name("lapic_messages", tests, NULL, NULL);
}
