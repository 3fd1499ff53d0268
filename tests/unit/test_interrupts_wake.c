/*
 * vmm/interrupts.c: deadlines, and what ends a halt.
 */
#include "tests/unit/interrupts_fixture.h"

static void an_init_to_oneself_resets_the_vm(void **state)
{
	(void)state;
	send(first, 0, INIT_DELIVERY);
	assert_int_equal(resets, 1);
	assert_int_equal(first->lapic.signals, 0);
}

/* Of the local APIC's timer, the hypercall's and the chips', which the first vCPU has. */
static void the_deadline_is_the_earliest(void **state)
{
	(void)state;
	assert_int_equal(first->timer_deadline, VCPU_TIMER_OFF);
	first->call_deadline = now + 10 * MS;
	interrupts_changed(first);
	assert_int_equal(first->timer_deadline, now + 10 * MS);
	assert_true(is_asked(first)); /* the preemption timer is set for a later one */
	let_it_run(first);
	vm.pc.deadline = now + 5 * MS;
	interrupts_changed(first);
	assert_int_equal(first->timer_deadline, now + 5 * MS);
	interrupts_changed(&vcpus[1]);
	assert_int_equal(vcpus[1].timer_deadline, VCPU_TIMER_OFF);
	vm.pc.deadline = UINT64_MAX;
	let_it_run(first);
	interrupts_changed(first);
	assert_int_equal(first->timer_deadline, now + 10 * MS);
	assert_false(is_asked(first)); /* a later one needs no other entry */
	write_lapic(first, LVT_TIMER, 0x50);
	write_lapic(first, INITIAL_COUNT, 1000);
	assert_true(first->timer_deadline < now + 10 * MS);
}

static void the_apics_timer_interrupts_when_it_is_due(void **state)
{
	(void)state;
	write_lapic(first, LVT_TIMER, 0x50);
	write_lapic(first, INITIAL_COUNT, 1000);
	now = first->timer_deadline - 1;
	assert_true(vcpu_poll(first, now));
	assert_false(interrupts_wait(first));
	assert_true(vcpu_poll(first, ++now));
	expect_next(first, INTERRUPT(0x50), NOTHING);
	assert_int_equal(first->timer_deadline, VCPU_TIMER_OFF);
}

static void the_pcs_timer_interrupts_when_it_is_due(void **state)
{
	(void)state;
	i8254_write(&vm.pc.pit, &pc_rates.i8254, 0x43, 0x34, now);
	i8254_write(&vm.pc.pit, &pc_rates.i8254, 0x40, 0, now);
	i8254_write(&vm.pc.pit, &pc_rates.i8254, 0x40, 0x10, now);
	write_pic(I8259_MASTER + 1, (uint8_t) ~(1 << PC_IRQ_TIMER));
	assert_in_range(first->timer_deadline, now, now + 4 * MS);
	for (unsigned int i = 0; i < 10; i++) {
		uint64_t before = now;

		now = first->timer_deadline;
		assert_true(vcpu_poll(first, now));
		expect_next(first, INTERRUPT(8), NOTHING);
		write_pic(I8259_MASTER, 0x20);
		if (i)
			assert_in_range(now - before, 34 * MS / 10, 35 * MS / 10);
	}
}

static void halt(struct vcpu *vcpu, bool interrupts, bool nmis)
{
	vcpu->state = VCPU_HALTED;
	vcpu->wakes_on_interrupt = interrupts;
	vcpu->wakes_on_nmi = nmis;
}

static void a_halt_ends_by_what_it_waits_for(void **state)
{
	(void)state;
	halt(&vcpus[2], true, true);
	assert_false(vcpu_poll(&vcpus[2], now));
	send(first, 2, 0x50);
	assert_true(vcpu_poll(&vcpus[2], now));
	assert_int_equal(vcpus[2].state, VCPU_RUNNABLE);

	halt(&vcpus[3], false, false);
	send(first, 3, 0x50);
	assert_false(vcpu_poll(&vcpus[3], now));
	vcpus[3].wakes_on_interrupt = true;
	write_lapic(&vcpus[3], TPR, 0x50); /* not above it */
	assert_false(vcpu_poll(&vcpus[3], now));
	write_lapic(&vcpus[3], TPR, 0);
	assert_true(vcpu_poll(&vcpus[3], now));

	halt(first, false, true);
	send(first, 0, 0x60);
	assert_false(vcpu_poll(first, now));
	event_pend_nmi(&first->events);
	assert_true(vcpu_poll(first, now));
}

static void a_halt_ends_by_a_timer(void **state)
{
	(void)state;
	write_lapic(first, LVT_TIMER, 0x50);
	write_lapic(first, INITIAL_COUNT, 1000);
	halt(first, true, true);
	assert_false(vcpu_poll(first, first->timer_deadline - 1));
	assert_true(vcpu_poll(first, first->timer_deadline));
	first->timer_vector = 0x41;
	first->call_deadline = now + 10 * MS;
	interrupts_changed(first);
	write_lapic(first, TPR, 0xff);
	halt(first, true, true);
	now += 10 * MS;
	assert_false(vcpu_poll(first, now));
	write_lapic(first, TPR, 0);
	assert_true(vcpu_poll(first, now));
	assert_int_equal(first->call_deadline, VCPU_TIMER_OFF);
}

static void what_can_never_wake_is_known(void **state)
{
	(void)state;
	assert_false(interrupts_may_come(first));
	write_pic(I8259_MASTER + 1, (uint8_t) ~(1 << PC_IRQ_TIMER));
	assert_true(interrupts_may_come(first));
	assert_false(interrupts_may_come(&vcpus[1]));
	write_lapic(first, LVT_LINT0, 0x50); /* an interrupt of its own */
	assert_true(interrupts_may_come(first));
	write_lapic(first, LVT_LINT0, 0x10700);
	assert_false(interrupts_may_come(first));
	write_ioapic(PC_IRQ_TIMER_PIN, 0, 0x50);
	assert_true(interrupts_may_come(first));
	write_ioapic(PC_IRQ_TIMER_PIN, 0, 0x10050);
	assert_false(interrupts_may_come(first));
	write_lapic(first, LVT_TIMER, 0x50);
	assert_false(interrupts_may_come(first));
	write_lapic(first, INITIAL_COUNT, 1000);
	assert_true(interrupts_may_come(first));
}

static void a_tsc_that_moves_takes_its_deadline_along(void **state)
{
	(void)state;
	write_lapic(first, LVT_TIMER, 0x40050); /* TSC-deadline */
	lapic_write_tsc_deadline(&first->lapic, &pc_rates.lapic, now + 10 * MS, now);
	interrupts_changed(first);
	assert_int_equal(first->timer_deadline, now + 10 * MS);
	vcpu_set_tsc_offset(first, 4 * MS);
	interrupts_changed(first);
	assert_int_equal(fields[VMCS_TSC_OFFSET], 4 * MS);
	assert_int_equal(first->timer_deadline, now + 6 * MS);
}

static void write_rtc(uint16_t port, uint8_t value)
{
	mc146818_write(&vm.pc.rtc, &pc_rates.mc146818, port, value, now);
	pc_update(&vm.pc);
	interrupts_changed(first);
}

/* What is left until a deadline becomes the preemption timer: below 0 it would be for minutes. */
static void a_deadline_is_ahead_though_a_clock_has_run_for_years(void **state)
{
	unsigned int polls = 0;

	(void)state;
	pc_init(2999987);
	now += 1ull << 57;
	write_rtc(MC146818_PORT, 0x0c);
	mc146818_read(&vm.pc.rtc, &pc_rates.mc146818, MC146818_PORT + 1, now);
	write_rtc(MC146818_PORT, 0x0b);
	write_rtc(MC146818_PORT + 1, 0x42); /* interrupts at 1024 Hz */
	do {
		now = first->timer_deadline + (polls == 0);
		assert_true(vcpu_poll(first, now));
		assert_true(first->timer_deadline > now);
		polls++;
	} while (!mc146818_interrupts(&vm.pc.rtc) && polls < 1000);
	assert_in_range(polls, 2, 999); /* the chip's was early */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		interrupts_test(an_init_to_oneself_resets_the_vm),
		interrupts_test(the_deadline_is_the_earliest),
		interrupts_test(the_apics_timer_interrupts_when_it_is_due),
		interrupts_test(the_pcs_timer_interrupts_when_it_is_due),
		interrupts_test(a_halt_ends_by_what_it_waits_for),
		interrupts_test(a_halt_ends_by_a_timer),
		interrupts_test(what_can_never_wake_is_known),
		interrupts_test(a_tsc_that_moves_takes_its_deadline_along),
		interrupts_test(a_deadline_is_ahead_though_a_clock_has_run_for_years),
	};

	return cmocka_run_group_tests_name("interrupts_wake", tests, NULL, NULL);
}
