/* vmx/event.c: when event_prepare_entry() is to be called, and what if no entry follows. */
#include "tests/unit/event_fixture.h"

/* The same once more, with all that belongs to it, if the entry was not made. */
static void test_what_an_entry_did_not_deliver_is_taken_back(void **state)
{
	(void)state;
	assert_true(event_raise(&events, VECTOR_GP, 0x18));
	expect_entry(0, EXCEPTION(VECTOR_GP) | INTERRUPTION_ERROR_CODE, 0);
	assert_false(events.attend);
	fields[VMCS_ENTRY_EXCEPTION_ERROR_CODE] = 0;
	event_take_back(&events);
	assert_true(events.attend);
	expect_entry(0, EXCEPTION(VECTOR_GP) | INTERRUPTION_ERROR_CODE, 0);
	assert_int_equal(fields[VMCS_ENTRY_EXCEPTION_ERROR_CODE], 0x18);
	/* a debug trap holds interrupts back until it has come */
	event_pend_debug_trap(&events, PENDING_DEBUG_BS);
	event_pend_interrupt(&events, 0x40);
	expect_entry(0, NOTHING, INTERRUPT_WINDOW);
	event_take_back(&events);
	expect_entry(0, NOTHING, INTERRUPT_WINDOW);
	expect_entry(0, INTERRUPT(0x40), 0);
	/* nothing was handed to the CPU: nothing comes back */
	expect_entry(0, NOTHING, 0);
	event_take_back(&events);
	assert_false(events.attend);
	expect_entry(0, NOTHING, 0);
}

/* Whoever enters without a look is asked for one, for as long as anything waits. */
static void test_everything_that_comes_asks_for_a_look(void **state)
{
	int32_t left;

	(void)state;
	for (int i = 0; i < 5; i++) {
		start();
		events.entries_left = &left;
		left = 5;
		fields[VMCS_GUEST_RFLAGS] = 0;
		switch (i) {
		case 0:
			event_pend_interrupt(&events, 0x40);
			break;
		case 1:
			event_pend_nmi(&events);
			break;
		case 2:
			assert_true(event_raise(&events, VECTOR_UD, EVENT_NO_ERROR_CODE));
			break;
		case 3:
			event_pend_debug_trap(&events, PENDING_DEBUG_BS);
			break;
		case 4:
			exit_while_delivering(EXCEPTION(VECTOR_UD));
			break;
		}
		assert_true(events.attend);
		assert_int_equal(left, (int32_t)(INT32_MIN | 5));
		event_prepare_entry(&events, 0, false);
		assert_int_equal(events.attend, i == 0); /* behind a window */
	}
}

/* Of whose interrupts the vector is not known before it is acknowledged. */
static void test_an_interrupt_is_handed_over_when_nothing_goes_before_it(void **state)
{
	(void)state;
	assert_true(event_takes_interrupt(&events));
	event_hand_interrupt(&events, 0x31);
	expect_entry(0, INTERRUPT(0x31), 0);
	event_take_back(&events); /* it was acknowledged: it stays the first to come */
	assert_false(event_takes_interrupt(&events));
	expect_entry(0, INTERRUPT(0x31), 0);
	event_pend_nmi(&events);
	assert_false(event_takes_interrupt(&events));
	fields[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKING_BY_NMI;
	assert_true(event_takes_interrupt(&events)); /* that waits anyway */
	fields[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKING_BY_STI;
	assert_false(event_takes_interrupt(&events));
	start();
	event_pend_debug_trap(&events, PENDING_DEBUG_BS);
	assert_false(event_takes_interrupt(&events));
}

static void test_one_that_is_not_handed_over_yet_has_a_window_and_a_look(void **state)
{
	(void)state;
	fields[VMCS_GUEST_RFLAGS] = RFLAGS_FIXED;
	assert_false(event_takes_interrupt(&events));
	event_prepare_entry(&events, 0, true);
	assert_true(events.attend);
	assert_int_equal(fields[VMCS_PRIMARY_CONTROLS], OTHER_CONTROLS | INTERRUPT_WINDOW);
	event_prepare_entry(&events, 0, false);
	assert_false(events.attend);
	assert_int_equal(fields[VMCS_PRIMARY_CONTROLS], OTHER_CONTROLS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(test_##name, setup)
		TEST(what_an_entry_did_not_deliver_is_taken_back),
		TEST(everything_that_comes_asks_for_a_look),
		TEST(an_interrupt_is_handed_over_when_nothing_goes_before_it),
		TEST(one_that_is_not_handed_over_yet_has_a_window_and_a_look),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
