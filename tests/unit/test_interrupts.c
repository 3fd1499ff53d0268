/*
 * vmm/interrupts.c: from the PC and the local APICs to what an entry injects, and to a halt's end.
 * The VMCS is an array; chips and events are the real ones.
 */
#include "tests/unit/interrupts_fixture.h"

static void an_interrupt_is_offered_and_then_in_service(void **state)
{
	(void)state;
	send(first, 0, 0x50);
	assert_true(interrupts_wait(first));
	assert_true(is_asked(first));
	expect_next(first, INTERRUPT(0x50), NOTHING);
	assert_false(interrupts_wait(first));
	assert_false(first->events.attend);
	send(first, 0, 0x51); /* of the same class: it waits for the EOI */
	assert_false(is_asked(first));
	expect_next(first, NOTHING, NOTHING);
	write_lapic(first, LAPIC_OFFSET_EOI, 0);
	assert_true(is_asked(first));
	expect_next(first, INTERRUPT(0x51), NOTHING);
}

static void what_the_guest_does_not_take_stays_and_has_a_window(void **state)
{
	(void)state;
	fields[VMCS_GUEST_RFLAGS] = RFLAGS_FIXED;
	send(first, 0, 0x50);
	expect_next(first, NOTHING, INTERRUPT_WINDOW);
	assert_true(is_requested(first, 0x50)); /* nothing has acknowledged it */
	assert_true(first->events.attend);
	send(first, 0, 0x60);
	fields[VMCS_GUEST_RFLAGS] |= RFLAGS_IF;
	expect_next(first, INTERRUPT(0x60), NOTHING); /* a class above 5 is served */
	write_lapic(first, LAPIC_OFFSET_EOI, 0);
	expect_next(first, INTERRUPT(0x50), NOTHING);
}

/* An exception, or what an exit broke off, has the entry. */
static void another_event_goes_first(void **state)
{
	(void)state;
	send(first, 0, 0x50);
	event_raise(&first->events, VECTOR_UD, EVENT_NO_ERROR_CODE);
	expect_next(first, EXCEPTION(VECTOR_UD), INTERRUPT_WINDOW);
	assert_true(is_requested(first, 0x50));
	expect_next(first, INTERRUPT(0x50), NOTHING);
}

/* An entry that was not made: the acknowledged vector is not lost. */
static void what_was_acknowledged_is_delivered_by_the_next_entry(void **state)
{
	(void)state;
	send(first, 0, 0x50);
	interrupts_prepare(first);
	event_take_back(&first->events);
	send(first, 0, 0x60);
	expect_next(first, INTERRUPT(0x50), INTERRUPT_WINDOW);
	expect_next(first, INTERRUPT(0x60), NOTHING);
}

static void the_8259s_vector_comes_by_lint0(void **state)
{
	(void)state;
	write_pic(I8259_MASTER + 1, (uint8_t) ~(1 << PC_IRQ_COM1));
	assert_false(interrupts_wait(first));
	raise_com1(true);
	assert_true(interrupts_wait(first));
	write_lapic(first, LVT_LINT0, 0x10700); /* masked */
	assert_false(interrupts_wait(first));
	expect_next(first, NOTHING, NOTHING);
	write_lapic(first, LVT_LINT0, 0x700);
	expect_next(first, INTERRUPT(8 + PC_IRQ_COM1), NOTHING);
	assert_false(interrupts_wait(first));
	write_pic(I8259_MASTER, 0x20);
	expect_next(first, NOTHING, NOTHING);
}

/* ExtINT has no priority that TPR knows of. */
static void the_8259_goes_before_the_apic_and_beside_its_tpr(void **state)
{
	(void)state;
	send(first, 0, 0xf0);
	write_pic(I8259_MASTER + 1, (uint8_t) ~(1 << PC_IRQ_COM1));
	raise_com1(true);
	expect_next(first, INTERRUPT(8 + PC_IRQ_COM1), INTERRUPT_WINDOW);
	expect_next(first, INTERRUPT(0xf0), NOTHING);
	write_pic(I8259_MASTER, 0x20);
	write_lapic(first, TPR, 0xff);
	raise_com1(false);
	raise_com1(true);
	expect_next(first, INTERRUPT(8 + PC_IRQ_COM1), NOTHING);
}

/* Of the others nobody has the 8259s' output. */
static void only_the_first_vcpu_has_the_8259(void **state)
{
	(void)state;
	write_pic(I8259_MASTER + 1, 0);
	raise_com1(true);
	for (unsigned int i = 1; i < VCPUS; i++) {
		write_lapic(&vcpus[i], LVT_LINT0, 0x700);
		assert_false(interrupts_wait(&vcpus[i]));
	}
}

static void a_task_priority_keeps_back_what_is_not_above_it(void **state)
{
	(void)state;
	write_lapic(first, TPR, 0x50);
	assert_int_equal(vcpu_cr8(first), 5);
	send(first, 0, 0x5f);
	expect_next(first, NOTHING, NOTHING); /* and no window: the guest lowers it by an exit */
	write_lapic(first, TPR, 0x4f);
	assert_true(is_asked(first));
	expect_next(first, INTERRUPT(0x5f), NOTHING);
}

static void an_ipi_is_for_the_vcpus_that_it_names(void **state)
{
	(void)state;
	send(first, 2, 0x50);
	send(first, 0x0a, LOGICAL | 0x51); /* 1 and 3 */
	send(&vcpus[3], 0, ALL_BUT_SELF | 0x52);
	for (unsigned int i = 0; i < VCPUS; i++) {
		assert_int_equal(is_requested(&vcpus[i], 0x50), i == 2);
		assert_int_equal(is_requested(&vcpus[i], 0x51), i == 1 || i == 3);
		assert_int_equal(is_requested(&vcpus[i], 0x52), i != 3);
	}
}

/* What the sender's own APIC has taken it does not get a second time. */
static void an_nmi_to_a_group_with_oneself_comes_once(void **state)
{
	(void)state;
	send(&vcpus[1], 0x0f, LOGICAL | NMI_DELIVERY);
	assert_true(vcpus[1].events.nmi_pending);
	assert_int_equal(vcpus[1].lapic.signals, 0);
	for (unsigned int i = 0; i < VCPUS; i++) {
		assert_true(vcpus[i].events.nmi_pending);
		assert_int_equal(vcpus[i].lapic.signals, 0);
	}
}

static void lowest_priority_is_for_one_that_is_enabled(void **state)
{
	unsigned int count = 0;

	(void)state;
	write_lapic(&vcpus[0], SVR, 0xff);
	write_lapic(&vcpus[1], SVR, 0xff);
	send(&vcpus[3], 0x0f, LOGICAL | LOWEST | 0x50);
	for (unsigned int i = 0; i < VCPUS; i++)
		count += is_requested(&vcpus[i], 0x50);
	assert_int_equal(count, 1);
	assert_true(is_requested(&vcpus[2], 0x50) || is_requested(&vcpus[3], 0x50));
	send(&vcpus[3], 0, ALL_BUT_SELF | LOWEST | 0x51);
	assert_true(is_requested(&vcpus[2], 0x51));
	write_lapic(&vcpus[2], SVR, 0xff);
	send(&vcpus[3], 0x0f, LOGICAL | LOWEST | 0x52); /* the sender alone is left */
	assert_true(is_requested(&vcpus[3], 0x52));
}

static void a_level_comes_again_after_its_eoi(void **state)
{
	(void)state;
	write_ioapic(PC_IRQ_COM1, 0, LEVEL | 0x50);
	raise_com1(true);
	for (unsigned int i = 0; i < 3; i++) {
		expect_next(first, INTERRUPT(0x50), NOTHING);
		assert_false(interrupts_wait(first));
		write_lapic(first, LAPIC_OFFSET_EOI, 0);
		assert_true(interrupts_wait(first));
	}
	expect_next(first, INTERRUPT(0x50), NOTHING);
	raise_com1(false);
	write_lapic(first, LAPIC_OFFSET_EOI, 0);
	assert_false(interrupts_wait(first));
}

static void what_takes_long_is_followed_by_a_look_at_the_time(void **state)
{
	(void)state;
	looks_asked_for = 0;
	interrupts_changed(first);
	assert_int_equal(looks_asked_for, 0);
	interrupts_changed_at_length(first);
	assert_int_equal(looks_asked_for, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		interrupts_test(an_interrupt_is_offered_and_then_in_service),
		interrupts_test(what_the_guest_does_not_take_stays_and_has_a_window),
		interrupts_test(another_event_goes_first),
		interrupts_test(what_was_acknowledged_is_delivered_by_the_next_entry),
		interrupts_test(the_8259s_vector_comes_by_lint0),
		interrupts_test(the_8259_goes_before_the_apic_and_beside_its_tpr),
		interrupts_test(only_the_first_vcpu_has_the_8259),
		interrupts_test(a_task_priority_keeps_back_what_is_not_above_it),
		interrupts_test(an_ipi_is_for_the_vcpus_that_it_names),
		interrupts_test(an_nmi_to_a_group_with_oneself_comes_once),
		interrupts_test(lowest_priority_is_for_one_that_is_enabled),
		interrupts_test(a_level_comes_again_after_its_eoi),
		interrupts_test(what_takes_long_is_followed_by_a_look_at_the_time),
	};

	return cmocka_run_group_tests_name("interrupts", tests, NULL, NULL);
}
