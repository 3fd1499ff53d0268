/*
 * Which interrupt a local APIC has its core serve, and what ends it (SDM Vol. 3A 10.8).
 */
#include "tests/unit/lapic_fixture.h"

static void the_vector_of_the_highest_class_comes_first(void **state)
{
	(void)state;
	for (unsigned int vector = 0x20; vector < 0x100; vector++)
		self_ipi(vector);
	for (unsigned int vector = 0xff; vector >= 0x20; vector--) {
		assert_int_equal(lapic_highest(&lapic), vector);
		assert_int_equal(lapic_take(&lapic), vector);
		assert_false(bit_of(IRR, vector));
		assert_true(bit_of(ISR, vector));
		assert_int_equal(lapic_highest(&lapic), -1);
		assert_int_equal(lapic_take(&lapic), -1);
		assert_int_equal(in(PPR), vector & 0xf0);
		out(EOI, 0);
		assert_false(bit_of(ISR, vector));
		assert_int_equal(in(PPR), 0);
	}
	assert_int_equal(lapic_highest(&lapic), -1);
}

static void only_a_higher_class_interrupts_what_is_served(void **state)
{
	(void)state;
	self_ipi(0x41);
	assert_int_equal(lapic_take(&lapic), 0x41);
	self_ipi(0x4f);
	assert_int_equal(lapic_highest(&lapic), -1);
	self_ipi(0x50);
	assert_int_equal(lapic_take(&lapic), 0x50);
	assert_true(bit_of(ISR, 0x41) && bit_of(ISR, 0x50));
	out(EOI, 0);
	assert_true(bit_of(ISR, 0x41));
	assert_false(bit_of(ISR, 0x50));
	assert_int_equal(lapic_highest(&lapic), -1);
	out(EOI, 0);
	assert_int_equal(lapic_highest(&lapic), 0x4f);
	assert_int_equal(in(ISR + 0x20), 0);
}

static void a_vector_can_be_served_and_asked_for_at_once(void **state)
{
	(void)state;
	self_ipi(0x41);
	lapic_take(&lapic);
	self_ipi(0x41);
	self_ipi(0x41);
	assert_true(bit_of(ISR, 0x41) && bit_of(IRR, 0x41));
	out(EOI, 0);
	assert_int_equal(lapic_take(&lapic), 0x41);
	out(EOI, 0);
	assert_int_equal(lapic_take(&lapic), -1);
}

/* The task priority's low bits show in PPR where its class decides. */
static void ppr_is_the_higher_of_task_and_service(void **state)
{
	(void)state;
	for (unsigned int vector = 0x20; vector < 0x100; vector += 3) {
		self_ipi(vector);
		assert_int_equal(lapic_take(&lapic), vector);
		for (unsigned int tpr = 0; tpr < 0x100; tpr++) {
			out(TPR, tpr);
			assert_int_equal(in(PPR), tpr >> 4 >= vector >> 4 ? tpr : vector & 0xf0);
			assert_int_equal(in(TPR), tpr);
		}
		out(TPR, 0);
		out(EOI, 0);
	}
}

static void the_task_priority_holds_back_its_class_and_those_below(void **state)
{
	(void)state;
	self_ipi(0x5a);
	for (unsigned int class = 0; class < 16; class ++) {
		lapic_set_tpr(&lapic, class << 4);
		assert_int_equal(lapic_highest(&lapic), class < 5 ? 0x5a : -1);
		assert_int_equal(lapic_tpr(&lapic), class << 4);
	}
	assert_int_equal(in(PPR), 0xf0);
	out(TPR, 0);
	assert_int_equal(lapic_highest(&lapic), 0x5a);
}

static void an_eoi_with_nothing_served_does_nothing(void **state)
{
	(void)state;
	self_ipi(0x41);
	out(EOI, 0);
	assert_int_equal(lapic_highest(&lapic), 0x41);
	assert_int_equal(lapic.signals, 0);
}

static void the_io_apic_hears_of_the_end_of_a_level_triggered_interrupt(void **state)
{
	uint8_t vector;

	(void)state;
	arrive(0x51, true);
	assert_true(bit_of(TMR, 0x51));
	lapic_take(&lapic);
	assert_int_equal(lapic.signals, 0);
	out(EOI, 0x1234);
	assert_int_equal(lapic.signals, LAPIC_HAS_EOI);
	assert_true(lapic_next_eoi(&lapic, &vector));
	assert_int_equal(vector, 0x51);
	assert_false(lapic_next_eoi(&lapic, &vector));
	assert_int_equal(lapic.signals, 0);
}

static void the_trigger_mode_is_that_of_the_last_arrival(void **state)
{
	uint8_t vector;

	(void)state;
	arrive(0x51, true);
	arrive(0x51, false);
	assert_false(bit_of(TMR, 0x51));
	lapic_take(&lapic);
	out(EOI, 0);
	assert_false(lapic_next_eoi(&lapic, &vector));
}

static void the_broadcast_of_an_eoi_can_be_suppressed(void **state)
{
	uint8_t vector;

	(void)state;
	out(SVR, 0x11ff);
	arrive(0x51, true);
	lapic_take(&lapic);
	out(EOI, 0);
	assert_int_equal(in(PPR), 0);
	assert_false(lapic_next_eoi(&lapic, &vector));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lapic_test(the_vector_of_the_highest_class_comes_first),
		lapic_test(only_a_higher_class_interrupts_what_is_served),
		lapic_test(a_vector_can_be_served_and_asked_for_at_once),
		lapic_test(ppr_is_the_higher_of_task_and_service),
		lapic_test(the_task_priority_holds_back_its_class_and_those_below),
		lapic_test(an_eoi_with_nothing_served_does_nothing),
		lapic_test(the_io_apic_hears_of_the_end_of_a_level_triggered_interrupt),
		lapic_test(the_trigger_mode_is_that_of_the_last_arrival),
		lapic_test(the_broadcast_of_an_eoi_can_be_suppressed),
	};

	return cmocka_run_group_tests_name("lapic_priority", tests, NULL, NULL);
}
