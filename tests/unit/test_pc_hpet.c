/*
 * vmm/chip/pc.c: the pins of the HPET, and its legacy replacement.
 */
#include "tests/unit/pc_fixture.h"

static void start_hpet(unsigned int timer, uint64_t configuration, uint64_t period)
{
	write_hpet(0x100 + 0x20 * timer, configuration | 0x4c); /* periodic, value set */
	write_hpet(0x108 + 0x20 * timer, period);
}

static void the_hpet_has_pins_of_its_own(void **state)
{
	(void)state;
	unmask_pin(20);
	start_hpet(2, 20 << 9, HPET_HZ / 1000);
	write_hpet(0x10, 1);
	assert_in_range(pc.deadline, now, now + SECOND / 999);
	for (unsigned int i = 0; i < 3; i++) {
		pass(SECOND / 999);
		assert_int_equal(message(), 20);
		assert_int_equal(message(), -1);
	}
	assert_int_equal(acknowledge(), -1);
}

static void a_level_of_the_hpets_stays_until_its_status_is_cleared(void **state)
{
	(void)state;
	write_ioapic(21, (VECTORS + 21) | LEVEL);
	start_hpet(2, 21 << 9 | 2, HPET_HZ / 100);
	write_hpet(0x10, 1);
	pass(SECOND / 99);
	assert_int_equal(message(), 21);
	i82093_eoi(&pc.ioapic, VECTORS + 21);
	assert_int_equal(message(), 21);
	write_hpet(0x20, 4);
	i82093_eoi(&pc.ioapic, VECTORS + 21);
	assert_int_equal(message(), -1);
	pass(SECOND / 99);
	assert_int_equal(message(), 21);
}

/* IRQ 0 and IRQ 8 are its first two timers', and not the 8254's and the RTC's. */
static void legacy_replacement_cuts_the_old_timers_off(void **state)
{
	unsigned int timer_edges = 0, rtc_edges = 0;

	(void)state;
	write_pit(0x34, 119); /* 100 us */
	start_rtc();
	unmask_8259(PC_IRQ_TIMER);
	unmask_8259(PC_IRQ_RTC);
	unmask_pin(PC_IRQ_TIMER_PIN);
	unmask_pin(PC_IRQ_RTC);
	start_hpet(0, 0, HPET_HZ / 100);
	start_hpet(1, 0, HPET_HZ / 50);
	while (acknowledge() >= 0 || message() >= 0)
		;
	write_hpet(0x10, 3);
	for (uint64_t end = now + SECOND / 10 + SECOND / 1000; now < end;) {
		pass(min_u64(pc.deadline, end) - now);
		for (int irq; (irq = acknowledge()) >= 0;) {
			timer_edges += irq == PC_IRQ_TIMER;
			rtc_edges += irq == PC_IRQ_RTC;
		}
		for (int pin; (pin = message()) >= 0;) {
			timer_edges += pin == PC_IRQ_TIMER_PIN;
			rtc_edges += pin == PC_IRQ_RTC;
		}
	}
	assert_int_equal(timer_edges, 2 * 10);
	assert_int_equal(rtc_edges, 2 * 5);
	write_hpet(0x10, 1); /* and gives them back */
	while (acknowledge() >= 0 || message() >= 0)
		;
	read_rtc(0x0c);
	pass(SECOND / 500);
	assert_int_equal(acknowledge(), PC_IRQ_TIMER);
	assert_int_equal(acknowledge(), PC_IRQ_RTC);
}

/* Nobody is woken for what is cut off. */
static void legacy_replacement_has_no_deadlines_of_the_old_timers(void **state)
{
	(void)state;
	write_pit(0x34, 119);
	start_rtc();
	unmask_8259(PC_IRQ_TIMER);
	unmask_8259(PC_IRQ_RTC);
	write_hpet(0x10, 3);
	assert_int_equal(pc.deadline, UINT64_MAX);
	assert_false(pc_may_interrupt(&pc, true));
}

/* An RTC's request that waits for its register C is not lost by the replacement. */
static void the_rtcs_line_rises_when_the_replacement_ends(void **state)
{
	(void)state;
	start_rtc();
	unmask_8259(PC_IRQ_RTC);
	write_hpet(0x10, 3);
	pass(SECOND / 500);
	assert_int_equal(acknowledge(), -1);
	write_hpet(0x10, 1);
	pass(SECOND / 500);
	assert_int_equal(acknowledge(), PC_IRQ_RTC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		pc_test(the_hpet_has_pins_of_its_own),
		pc_test(a_level_of_the_hpets_stays_until_its_status_is_cleared),
		pc_test(legacy_replacement_cuts_the_old_timers_off),
		pc_test(legacy_replacement_has_no_deadlines_of_the_old_timers),
		pc_test(the_rtcs_line_rises_when_the_replacement_ends),
	};

	return cmocka_run_group_tests_name("pc_hpet", tests, NULL, NULL);
}
