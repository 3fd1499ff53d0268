/* vmx/event.c: debug exceptions that are pending, and RF of what runs again. */
#include "tests/unit/event_fixture.h"

#define BLOCKING (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS)
#define B(n)	 (PENDING_DEBUG_ENABLED | PENDING_DEBUG_B(n))

/* Both wait: nothing is injected, and the #DB that is pending comes first. */
static void expect_held_back(bool held)
{
	event_pend_nmi(&events);
	event_pend_interrupt(&events, 0x40);
	event_prepare_entry(&events, 0, false);
	assert_int_equal(!fields[VMCS_ENTRY_INTERRUPTION_INFO], held);
	assert_int_equal(events.nmi_pending, held);
}

static void test_traps_of_several_causes_are_one(void **state)
{
	(void)state;
	fields[VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS] = B(3);
	event_pend_debug_trap(&events, B(0));
	event_pend_debug_trap(&events, PENDING_DEBUG_BS);
	assert_int_equal(fields[VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS],
			 B(0) | B(3) | PENDING_DEBUG_BS);
	assert_true(deliverable(15));
	expect_held_back(true);
}

static void test_what_mov_ss_held_comes_before_interrupts(void **state)
{
	static const struct {
		uint64_t pending;
		bool comes;
	} cases[] = {
		{0, false},
		{PENDING_DEBUG_B(0), false}, /* of a breakpoint that is not enabled */
		{PENDING_DEBUG_B(0) | PENDING_DEBUG_B(3), false},
		{B(0), true},
		{B(3), true},
		{PENDING_DEBUG_BS, true},
		{PENDING_DEBUG_BS | B(1), true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		setup(state);
		fields[VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS] = cases[i].pending;
		event_release_debug_traps(&events);
		assert_int_equal(deliverable(15), cases[i].comes);
		assert_int_equal(fields[VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS], cases[i].pending);
		expect_held_back(cases[i].comes);
	}
}

/* Of the entry after which it comes, and no longer. */
static void test_an_entry_ends_the_wait(void **state)
{
	(void)state;
	event_pend_debug_trap(&events, B(0));
	event_prepare_entry(&events, 0, false);
	event_after_exit(&events);
	assert_false(deliverable(0));
	expect_held_back(false);
}

static void go_on(void)
{
	event_go_on();
}

static void execute_again(void)
{
	event_execute_again();
}

static void raise_fault(void)
{
	assert_true(event_raise(&events, VECTOR_GP, 0));
}

static void deliver_again(void)
{
	fields[VMCS_IDT_VECTORING_INFO] = INTERRUPTION_VALID | TYPE_HARDWARE_EXCEPTION | VECTOR_UD;
	event_after_exit(&events);
}

/* SDM Vol. 3C 26.3.1.5. */
static bool entry_accepts(void)
{
	uint64_t pending = fields[VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS];
	bool steps = (fields[VMCS_GUEST_RFLAGS] & RFLAGS_TF) &&
		     !(fields[VMCS_GUEST_IA32_DEBUGCTL] & DEBUGCTL_BTF);

	return !(fields[VMCS_GUEST_INTERRUPTIBILITY] & BLOCKING) ||
	       !!(pending & PENDING_DEBUG_BS) == steps;
}

static void test_single_step_is_as_entry_demands_under_blocking(void **state)
{
	static void (*const ways[])(void) = {go_on, execute_again, raise_fault, deliver_again};
	static const uint32_t blockings[] = {0, BLOCKING_BY_STI, BLOCKING_BY_MOV_SS,
					     BLOCKING_BY_NMI};

	for (unsigned int i = 0; i < ARRAY_SIZE(ways) * ARRAY_SIZE(blockings) * 16; i++) {
		uint32_t blocking = blockings[i / 16 % ARRAY_SIZE(blockings)];
		uint64_t before = (i & 1 ? PENDING_DEBUG_BS : 0) | (i & 2 ? B(2) : 0);
		uint64_t after;

		setup(state);
		fields[VMCS_GUEST_INTERRUPTIBILITY] = blocking;
		fields[VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS] = before;
		fields[VMCS_GUEST_RFLAGS] |= i & 4 ? RFLAGS_TF : 0;
		fields[VMCS_GUEST_IA32_DEBUGCTL] = i & 8 ? DEBUGCTL_BTF : 0;
		ways[i / 16 / ARRAY_SIZE(blockings)]();
		after = fields[VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS];
		assert_true(entry_accepts());
		assert_int_equal(after & ~PENDING_DEBUG_BS, before & ~PENDING_DEBUG_BS);
		if (!(blocking & BLOCKING))
			assert_int_equal(after, before);
		assert_int_equal(writes[VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS], after != before);
	}
}

static void test_what_runs_again_does_so_with_rf(void **state)
{
	(void)state;
	event_execute_again();
	assert_int_equal(fields[VMCS_GUEST_RFLAGS], RFLAGS_FIXED | RFLAGS_IF | RFLAGS_RF);
	event_execute_again();
	assert_int_equal(writes[VMCS_GUEST_RFLAGS], 1);
}

static void test_what_goes_on_between_instructions_keeps_rf(void **state)
{
	for (unsigned int rf = 0; rf < 2; rf++) {
		uint64_t rflags;

		setup(state);
		fields[VMCS_GUEST_RFLAGS] |= rf ? RFLAGS_RF : 0;
		rflags = fields[VMCS_GUEST_RFLAGS];
		event_go_on();
		assert_int_equal(fields[VMCS_GUEST_RFLAGS], rflags);
	}
}

/* A task switch ends the delivery of what it was for. */
static void test_what_was_delivered_for_the_guest_is_injected_no_more(void **state)
{
	(void)state;
	exit_while_delivering(EXCEPTION(VECTOR_GP) | INTERRUPTION_ERROR_CODE);
	event_delivered(&events);
	expect_entry(0, NOTHING, NOTHING);
	assert_true(event_raise(&events, VECTOR_GP, 0)); /* and makes no double fault */
	expect_entry(0, EXCEPTION(VECTOR_GP) | INTERRUPTION_ERROR_CODE, NOTHING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(test_##name, setup)
		TEST(traps_of_several_causes_are_one),
		TEST(what_mov_ss_held_comes_before_interrupts),
		TEST(an_entry_ends_the_wait),
		TEST(single_step_is_as_entry_demands_under_blocking),
		TEST(what_runs_again_does_so_with_rf),
		TEST(what_goes_on_between_instructions_keeps_rf),
		TEST(what_was_delivered_for_the_guest_is_injected_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
