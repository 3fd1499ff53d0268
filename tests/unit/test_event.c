/* vmx/event.c: what is kept, combined, injected and made to wait, in a VMCS that is an array. */
#include "tests/unit/event_fixture.h"

static void pend_interrupts(uint8_t first, uint8_t second)
{
	event_pend_interrupt(&events, first);
	event_pend_interrupt(&events, second);
}

static bool is_pending(uint8_t vector)
{
	return events.irq_pending[vector / 64] & BIT(vector % 64);
}

/* --- after an exit --- */

static void test_an_event_whose_delivery_was_broken_off_is_injected_again(void **state)
{
	static const struct {
		uint32_t info;
		bool length;
	} broken_off[] = {
		{TYPE_EXTERNAL_INTERRUPT | 0x20, false},
		{TYPE_EXTERNAL_INTERRUPT | 0xff, false},
		{TYPE_NMI | VECTOR_NMI, false},
		{TYPE_HARDWARE_EXCEPTION | VECTOR_UD, false},
		{TYPE_HARDWARE_EXCEPTION | INTERRUPTION_ERROR_CODE | VECTOR_PF, false},
		{TYPE_HARDWARE_EXCEPTION | INTERRUPTION_ERROR_CODE | VECTOR_DF, false},
		{TYPE_SOFTWARE_INTERRUPT | 0x80, true},
		{TYPE_PRIVILEGED_SOFTWARE | VECTOR_DB, true},
		{TYPE_SOFTWARE_EXCEPTION | 3, true},
		{TYPE_SOFTWARE_EXCEPTION | 4, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(broken_off); i++) {
		uint32_t info = INTERRUPTION_VALID | broken_off[i].info;
		bool code = info & INTERRUPTION_ERROR_CODE;

		start();
		exit_while_delivering(info | INTERRUPTION_NMI_UNBLOCKED); /* bit 12: undefined */
		expect_entry(0, info, 0);
		assert_int_equal(writes[VMCS_ENTRY_EXCEPTION_ERROR_CODE], code);
		assert_int_equal(fields[VMCS_ENTRY_EXCEPTION_ERROR_CODE], code ? 0xabc8 : 0);
		assert_int_equal(writes[VMCS_ENTRY_INSTRUCTION_LENGTH], broken_off[i].length);
		assert_int_equal(fields[VMCS_ENTRY_INSTRUCTION_LENGTH],
				 broken_off[i].length ? 7 : 0);
	}
}

static void test_what_was_injected_and_delivered_is_not_injected_again(void **state)
{
	(void)state;
	assert_true(event_raise(&events, VECTOR_GP, 0));
	expect_entry(0, EXCEPTION(VECTOR_GP) | INTERRUPTION_ERROR_CODE, 0);
	exit_while_delivering(EXCEPTION(VECTOR_PF) & ~INTERRUPTION_VALID);
	expect_entry(0, NOTHING, 0);
	assert_int_equal(writes[VMCS_ENTRY_INTERRUPTION_INFO], 1);
}

static void test_only_an_nmi_broken_off_ends_its_blocking_of_nmis(void **state)
{
	(void)state;
	fields[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKING_BY_NMI | BLOCKING_BY_STI;
	exit_while_delivering(EXCEPTION(VECTOR_PF));
	exit_while_delivering(INTERRUPT(0x20));
	exit_while_delivering(NMI & ~INTERRUPTION_VALID);
	assert_int_equal(fields[VMCS_GUEST_INTERRUPTIBILITY], BLOCKING_BY_NMI | BLOCKING_BY_STI);
	exit_while_delivering(NMI);
	assert_int_equal(fields[VMCS_GUEST_INTERRUPTIBILITY], BLOCKING_BY_STI);
}

/* --- two events at once --- */

/* SDM Vol. 3A table 6-4; the double fault is a class of its own in table 6-5. */
static char class_of(uint8_t vector)
{
	switch (vector) {
	case 0:	 /* #DE */
	case 10: /* #TS */
	case 11: /* #NP */
	case 12: /* #SS */
	case 13: /* #GP */
	case 21: /* #CP */
		return 'C';
	case 14:
		return 'P';
	case 8:
		return 'D';
	default:
		return 'B';
	}
}

/* SDM Vol. 3A table 6-5: s: one after the other, d: double fault, t: triple fault */
static char outcome(char first, char second)
{
	switch (first) {
	case 'C':
		return second == 'C' ? 'd' : 's';
	case 'P':
		return second == 'C' || second == 'P' ? 'd' : 's';
	case 'D':
		return second == 'C' || second == 'P' ? 't' : 's';
	default:
		return 's';
	}
}

static void test_exceptions_combine_as_the_table_of_the_manual_says(void **state)
{
	int count[128] = {};

	(void)state;
	for (uint32_t first = 0; first < 32; first++) {
		for (uint32_t second = 0; second < 32; second++) {
			char expected = outcome(class_of(first), class_of(second));
			bool survives;

			if (second == VECTOR_DF || first == VECTOR_NMI || second == VECTOR_NMI)
				continue; /* nobody raises these as exceptions */
			start();
			exit_while_delivering(EXCEPTION(first) | INTERRUPTION_ERROR_CODE);
			survives = event_raise(&events, second, 0x18);
			assert_int_equal(survives, expected != 't');
			count[(int)expected]++;
			if (!survives)
				continue;
			expect_entry(0,
				     EXCEPTION(expected == 'd' ? VECTOR_DF : second) |
					     INTERRUPTION_ERROR_CODE,
				     0);
			assert_int_equal(fields[VMCS_ENTRY_EXCEPTION_ERROR_CODE],
					 expected == 'd' ? 0 : 0x18);
		}
	}
	assert_int_equal(count['d'], 6 * 6 + 7);
	assert_int_equal(count['t'], 7);
}

static void test_an_exception_without_error_code_does_not_inherit_one(void **state)
{
	(void)state;
	exit_while_delivering(EXCEPTION(VECTOR_PF) | INTERRUPTION_ERROR_CODE);
	assert_true(event_raise(&events, VECTOR_UD, EVENT_NO_ERROR_CODE));
	expect_entry(0, EXCEPTION(VECTOR_UD), 0);
	assert_int_equal(writes[VMCS_ENTRY_EXCEPTION_ERROR_CODE], 0);
}

static void test_an_interrupt_broken_off_by_an_exception_comes_after_it(void **state)
{
	(void)state;
	exit_while_delivering(INTERRUPT(0x31));
	assert_true(event_raise(&events, VECTOR_GP, 0x10));
	expect_entry(0, EXCEPTION(VECTOR_GP) | INTERRUPTION_ERROR_CODE, INTERRUPT_WINDOW);
	exit_while_delivering(NOTHING);
	expect_entry(0, INTERRUPT(0x31), 0);
}

static void test_an_interrupt_broken_off_waits_where_interrupts_are_off_now(void **state)
{
	(void)state;
	exit_while_delivering(INTERRUPT(0x31));
	fields[VMCS_GUEST_RFLAGS] &= ~RFLAGS_IF;
	event_keep_interrupt(&events);
	expect_entry(0, NOTHING, INTERRUPT_WINDOW);
	fields[VMCS_GUEST_RFLAGS] |= RFLAGS_IF;
	expect_entry(0, INTERRUPT(0x31), 0);
	assert_true(event_raise(&events, VECTOR_GP, 0));
	event_keep_interrupt(&events);
	expect_entry(0, EXCEPTION(VECTOR_GP) | INTERRUPTION_ERROR_CODE, 0);
}

static void test_an_nmi_broken_off_by_an_exception_comes_after_it(void **state)
{
	(void)state;
	fields[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKING_BY_NMI;
	exit_while_delivering(NMI);
	assert_true(event_raise(&events, VECTOR_PF, 2));
	expect_entry(0, EXCEPTION(VECTOR_PF) | INTERRUPTION_ERROR_CODE, NMI_WINDOW);
	exit_while_delivering(NOTHING);
	expect_entry(0, NMI, 0);
}

static void test_a_software_event_broken_off_is_left_to_its_instruction(void **state)
{
	static const uint32_t types[] = {TYPE_SOFTWARE_INTERRUPT, TYPE_PRIVILEGED_SOFTWARE,
					 TYPE_SOFTWARE_EXCEPTION};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		start();
		/* vector 13: no contributory exception, as it is not a hardware exception */
		exit_while_delivering(INTERRUPTION_VALID | types[i] | VECTOR_GP);
		assert_true(event_raise(&events, VECTOR_GP, 0));
		expect_entry(0, EXCEPTION(VECTOR_GP) | INTERRUPTION_ERROR_CODE, 0);
		assert_int_equal(writes[VMCS_ENTRY_INSTRUCTION_LENGTH], 0);
		exit_while_delivering(NOTHING);
		expect_entry(0, NOTHING, 0);
	}
}

static void test_real_mode_gets_no_error_code(void **state)
{
	(void)state;
	fields[VMCS_GUEST_CR0] = CR0_NE;
	assert_true(event_raise(&events, VECTOR_GP, 0x10));
	expect_entry(0, EXCEPTION(VECTOR_GP), 0);
	exit_while_delivering(EXCEPTION(VECTOR_GP));
	assert_true(event_raise(&events, VECTOR_GP, 0x10));
	expect_entry(0, EXCEPTION(VECTOR_DF), 0);
	assert_int_equal(writes[VMCS_ENTRY_EXCEPTION_ERROR_CODE], 0);
}

/* (What a reflected #DB does to DR6 needs the register: tests/guest/exits.c.) */
static void test_an_intercepted_alignment_check_is_raised_again(void **state)
{
	(void)state;
	fields[VMCS_EXIT_INTERRUPTION_INFO] = EXCEPTION(VECTOR_AC) | INTERRUPTION_ERROR_CODE;
	fields[VMCS_EXIT_INTERRUPTION_ERROR_CODE] = 0x5a;
	assert_true(event_reflect(&events));
	expect_entry(0, EXCEPTION(VECTOR_AC) | INTERRUPTION_ERROR_CODE, 0);
	assert_int_equal(fields[VMCS_ENTRY_EXCEPTION_ERROR_CODE], 0x5a);
}

static void test_an_intercepted_breakpoint_is_reported_behind_itself(void **state)
{
	const uint32_t info = INTERRUPTION_VALID | TYPE_SOFTWARE_EXCEPTION | VECTOR_BP;

	(void)state;
	fields[VMCS_EXIT_INTERRUPTION_INFO] = info;
	fields[VMCS_EXIT_INSTRUCTION_LENGTH] = 1;
	assert_true(event_reflect(&events));
	expect_entry(0, info, 0);
	assert_int_equal(fields[VMCS_ENTRY_INSTRUCTION_LENGTH], 1);
}

/* --- before an entry --- */

static void test_a_kept_event_comes_before_all_that_is_pending(void **state)
{
	(void)state;
	exit_while_delivering(EXCEPTION(VECTOR_UD));
	event_pend_nmi(&events);
	event_pend_interrupt(&events, 0x40);
	expect_entry(0, EXCEPTION(VECTOR_UD), NMI_WINDOW | INTERRUPT_WINDOW);
}

static void test_an_nmi_comes_before_interrupts_and_those_by_priority(void **state)
{
	(void)state;
	event_pend_interrupt(&events, 0x3f);
	pend_interrupts(0x40, 0xef);
	event_pend_interrupt(&events, 0xc1);
	event_pend_nmi(&events);
	expect_entry(0, NMI, INTERRUPT_WINDOW);
	exit_while_delivering(NOTHING);
	expect_entry(0, INTERRUPT(0xef), INTERRUPT_WINDOW);
	exit_while_delivering(NOTHING);
	expect_entry(0, INTERRUPT(0xc1), INTERRUPT_WINDOW);
	exit_while_delivering(NOTHING);
	expect_entry(0, INTERRUPT(0x40), INTERRUPT_WINDOW);
	exit_while_delivering(NOTHING);
	expect_entry(0, INTERRUPT(0x3f), 0);
	exit_while_delivering(NOTHING);
	expect_entry(0, NOTHING, 0);
	assert_false(deliverable(0));
}

static void test_a_debug_trap_holds_all_back_for_one_entry(void **state)
{
	(void)state;
	fields[VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS] = 1; /* B0 stays */
	event_pend_debug_trap(&events, PENDING_DEBUG_BS);
	assert_int_equal(fields[VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS], PENDING_DEBUG_BS | 1);
	assert_true(deliverable(0));
	event_pend_nmi(&events);
	event_pend_interrupt(&events, 0x40);
	expect_entry(0, NOTHING, NMI_WINDOW | INTERRUPT_WINDOW);
	exit_while_delivering(NOTHING);
	expect_entry(0, NMI, INTERRUPT_WINDOW);
}

static void test_blocking_and_rflags_decide_what_waits_behind_which_window(void **state)
{
	static const struct {
		uint32_t blocking;
		uint64_t rflags;
		bool nmi, interrupt; /* taken? */
	} guests[] = {
		{0, RFLAGS_IF, true, true},
		{0, 0, true, false},
		{BLOCKING_BY_STI, RFLAGS_IF, false, false},
		{BLOCKING_BY_MOV_SS, RFLAGS_IF, false, false},
		{BLOCKING_BY_NMI, RFLAGS_IF, false, true},
		{BLOCKING_BY_NMI, 0, false, false},
		{BLOCKING_BY_NMI | BLOCKING_BY_STI, RFLAGS_IF, false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(guests); i++) {
		for (int both = 0; both < 2; both++) {
			bool nmi = guests[i].nmi, interrupt = guests[i].interrupt;

			/* an NMI, alone or with an interrupt */
			start();
			fields[VMCS_GUEST_INTERRUPTIBILITY] = guests[i].blocking;
			fields[VMCS_GUEST_RFLAGS] = guests[i].rflags;
			event_pend_nmi(&events);
			if (both)
				event_pend_interrupt(&events, 0x40);
			assert_int_equal(deliverable(0), nmi || (both && interrupt));
			expect_entry(0,
				     nmi		 ? NMI
				     : both && interrupt ? INTERRUPT(0x40)
							 : NOTHING,
				     (nmi ? 0 : NMI_WINDOW) |
					     (both && (nmi || !interrupt) ? INTERRUPT_WINDOW : 0));
			assert_int_equal(events.nmi_pending, !nmi);
		}
		start();
		fields[VMCS_GUEST_INTERRUPTIBILITY] = guests[i].blocking;
		fields[VMCS_GUEST_RFLAGS] = guests[i].rflags;
		event_pend_interrupt(&events, 0x40);
		assert_int_equal(deliverable(0), guests[i].interrupt);
		expect_entry(0, guests[i].interrupt ? INTERRUPT(0x40) : NOTHING,
			     guests[i].interrupt ? 0 : INTERRUPT_WINDOW);
		assert_int_equal(is_pending(0x40), !guests[i].interrupt);
	}
}

static void test_an_interrupt_is_taken_above_the_task_priority_class_only(void **state)
{
	(void)state;
	for (uint32_t vector = 0; vector < 256; vector++) {
		for (uint8_t tpr = 0; tpr < 16; tpr++) {
			bool taken = vector / 16 > tpr;

			start();
			event_pend_interrupt(&events, vector);
			assert_int_equal(event_interrupt_pending(&events, tpr), taken);
			assert_int_equal(deliverable(tpr), taken);
			/* no window: it would open at once, again and again */
			expect_entry(tpr, taken ? INTERRUPT(vector) : NOTHING, 0);
			assert_int_equal(is_pending(vector), !taken);
		}
	}
}

static void test_the_controls_are_written_only_when_a_window_comes_or_goes(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		expect_entry(0, NOTHING, 0);
	assert_int_equal(writes[VMCS_PRIMARY_CONTROLS], 0);
	fields[VMCS_GUEST_RFLAGS] = 0;
	event_pend_interrupt(&events, 0x40);
	for (int i = 0; i < 3; i++)
		expect_entry(0, NOTHING, INTERRUPT_WINDOW);
	assert_int_equal(writes[VMCS_PRIMARY_CONTROLS], 1);
	fields[VMCS_GUEST_RFLAGS] = RFLAGS_IF;
	expect_entry(0, INTERRUPT(0x40), 0);
	exit_while_delivering(NOTHING);
	expect_entry(0, NOTHING, 0);
	assert_int_equal(writes[VMCS_PRIMARY_CONTROLS], 2);
}

static void test_what_cannot_be_delivered_does_not_wake_a_halted_guest(void **state)
{
	(void)state;
	assert_false(deliverable(0));
	exit_while_delivering(EXCEPTION(VECTOR_UD));
	assert_true(deliverable(15));
	expect_entry(0, EXCEPTION(VECTOR_UD), 0);
	exit_while_delivering(NOTHING);
	assert_false(deliverable(0));
	fields[VMCS_GUEST_INTERRUPTIBILITY] = BLOCKING_BY_NMI;
	event_pend_nmi(&events);
	assert_false(deliverable(0));
	fields[VMCS_GUEST_INTERRUPTIBILITY] = 0;
	assert_true(deliverable(15));
}

static void test_the_last_exceptions_are_remembered_with_where_they_were_raised(void **state)
{
	(void)state;
	for (uint8_t vector = 10; vector < 16; vector++) {
		fields[VMCS_GUEST_RIP] = 0x1000 + vector;
		events.info = 0;
		assert_true(
			event_raise(&events, vector, vector == 15 ? EVENT_NO_ERROR_CODE : 0x18));
	}
	assert_int_equal(events.raised_count, 6);
	for (uint8_t back = 0; back < EVENTS_RAISED; back++) {
		uint32_t at = (events.raised_count - 1 - back) % EVENTS_RAISED;

		assert_int_equal(events.raised[at].vector, 15 - back);
		assert_int_equal(events.raised[at].rip, 0x1000 + 15 - back);
		assert_int_equal(events.raised[at].error_code, back ? 0x18 : EVENT_NO_ERROR_CODE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(test_##name, setup)
		TEST(the_last_exceptions_are_remembered_with_where_they_were_raised),
		TEST(an_event_whose_delivery_was_broken_off_is_injected_again),
		TEST(what_was_injected_and_delivered_is_not_injected_again),
		TEST(only_an_nmi_broken_off_ends_its_blocking_of_nmis),
		TEST(exceptions_combine_as_the_table_of_the_manual_says),
		TEST(an_exception_without_error_code_does_not_inherit_one),
		TEST(an_interrupt_broken_off_by_an_exception_comes_after_it),
		TEST(an_interrupt_broken_off_waits_where_interrupts_are_off_now),
		TEST(an_nmi_broken_off_by_an_exception_comes_after_it),
		TEST(a_software_event_broken_off_is_left_to_its_instruction),
		TEST(real_mode_gets_no_error_code),
		TEST(an_intercepted_alignment_check_is_raised_again),
		TEST(an_intercepted_breakpoint_is_reported_behind_itself),
		TEST(a_kept_event_comes_before_all_that_is_pending),
		TEST(an_nmi_comes_before_interrupts_and_those_by_priority),
		TEST(a_debug_trap_holds_all_back_for_one_entry),
		TEST(blocking_and_rflags_decide_what_waits_behind_which_window),
		TEST(an_interrupt_is_taken_above_the_task_priority_class_only),
		TEST(the_controls_are_written_only_when_a_window_comes_or_goes),
		TEST(what_cannot_be_delivered_does_not_wake_a_halted_guest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
