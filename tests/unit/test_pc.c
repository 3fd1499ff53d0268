/*
 * vmm/chip/pc.c: the lines between the chips, and when they are to be looked at. Each chip alone
 * has a test of its own.
 */
#include "tests/unit/pc_fixture.h"

static void firmware_leaves_nothing_that_interrupts_or_is_waited_for(void **state)
{
	(void)state;
	assert_int_equal(acknowledge(), -1);
	assert_int_equal(message(), -1);
	assert_int_equal(pc.deadline, UINT64_MAX);
	assert_false(pc_may_interrupt(&pc, true));
	pass(3600 * SECOND);
	assert_int_equal(acknowledge(), -1);
	assert_int_equal(message(), -1);
	assert_int_equal(pc.deadline, UINT64_MAX);
}

static void the_timer_is_irq_0_and_pin_2(void **state)
{
	(void)state;
	write_pit(0x34, 1193);
	unmask_8259(PC_IRQ_TIMER);
	unmask_pin(0);
	unmask_pin(PC_IRQ_TIMER_PIN);
	acknowledge(); /* the end of the square wave that firmware left */
	message();
	pass(SECOND / 900);
	assert_int_equal(acknowledge(), PC_IRQ_TIMER);
	assert_int_equal(acknowledge(), -1);
	assert_int_equal(message(), PC_IRQ_TIMER_PIN);
	assert_int_equal(message(), -1);
	pass(SECOND / 1000);
	assert_int_equal(acknowledge(), PC_IRQ_TIMER);
	assert_int_equal(message(), PC_IRQ_TIMER_PIN);
}

/* Each is by its number at both. */
static void other_lines_reach_both_controllers(void **state)
{
	static const unsigned int irqs[] = {PC_IRQ_KEYBOARD, PC_IRQ_COM1, PC_IRQ_RTC, PC_IRQ_SCI};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(irqs); i++) {
		unmask_8259(irqs[i]);
		write_ioapic(irqs[i], (VECTORS + irqs[i]) | (irqs[i] == PC_IRQ_SCI ? LEVEL : 0));
	}
	i8042_type(&pc.keyboard, CHARACTER);
	pc_update_keyboard(&pc);
	assert_int_equal(acknowledge(), PC_IRQ_KEYBOARD);
	assert_int_equal(message(), PC_IRQ_KEYBOARD);

	write_uart(UART_MCR, 0x08);
	write_uart(UART_IER, 1);
	uart_receive(&pc.com1, CHARACTER);
	pc_update_com1(&pc, false);
	assert_int_equal(acknowledge(), PC_IRQ_COM1);
	assert_int_equal(message(), PC_IRQ_COM1);

	start_rtc();
	pass(SECOND / 500);
	assert_int_equal(acknowledge(), PC_IRQ_RTC);
	assert_int_equal(message(), PC_IRQ_RTC);

	write_acpi(ACPI_PM_EVENT_PORT + 2, 0x100); /* the power button's enable */
	acpi_pm_press_power_button(&pc.acpi_pm);
	pc_update(&pc);
	assert_int_equal(acknowledge(), PC_IRQ_SCI);
	assert_int_equal(message(), PC_IRQ_SCI);
	assert_int_equal(message(), -1);
}

/* The SCI is a level: it comes again as long as its cause is there. */
static void the_sci_is_a_level_at_both(void **state)
{
	(void)state;
	unmask_8259(PC_IRQ_SCI);
	write_ioapic(PC_IRQ_SCI, (VECTORS + PC_IRQ_SCI) | LEVEL);
	write_acpi(ACPI_PM_EVENT_PORT + 2, 0x100);
	acpi_pm_press_power_button(&pc.acpi_pm);
	pc_update(&pc);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(acknowledge(), PC_IRQ_SCI);
		assert_int_equal(message(), PC_IRQ_SCI);
		i82093_eoi(&pc.ioapic, VECTORS + PC_IRQ_SCI);
	}
	assert_int_equal(message(), PC_IRQ_SCI);
	write_acpi(ACPI_PM_EVENT_PORT, 0x100); /* the status is cleared */
	i82093_eoi(&pc.ioapic, VECTORS + PC_IRQ_SCI);
	assert_int_equal(acknowledge(), -1);
	assert_int_equal(message(), -1);
}

static void deadlines_are_of_what_is_heard(void **state)
{
	(void)state;
	write_pit(0x34, 11932); /* 10 ms */
	assert_int_equal(pc.deadline, UINT64_MAX);
	assert_false(pc_may_interrupt(&pc, true));
	unmask_8259(PC_IRQ_TIMER);
	assert_in_range(pc.deadline, now, now + SECOND / 99);
	assert_true(pc_may_interrupt(&pc, true));
	assert_false(pc_may_interrupt(&pc, false)); /* and no APIC takes the 8259s' output */
	i8259_write(&pc.pic, I8259_MASTER + 1, 0xff);
	pc_update(&pc);
	assert_int_equal(pc.deadline, UINT64_MAX);
	unmask_pin(PC_IRQ_TIMER_PIN);
	assert_in_range(pc.deadline, now, now + SECOND / 99);
	assert_true(pc_may_interrupt(&pc, false));
}

/* What the timer did while nobody could hear it is no interrupt, but one edge, in the 8259's IRR.
 */
static void a_timer_that_was_not_heard_is_caught_up_with(void **state)
{
	(void)state;
	write_pit(0x34, 11932);
	now += 10 * SECOND;
	unmask_8259(PC_IRQ_TIMER);
	assert_true(pc.deadline <= now);
	pc_poll(&pc, now);
	assert_int_equal(acknowledge(), PC_IRQ_TIMER);
	assert_int_equal(acknowledge(), -1);
	assert_in_range(pc.deadline, now + 1, now + SECOND / 99);
}

/* Whatever runs, of all deadlines it is the earliest. */
static void the_earliest_deadline_counts(void **state)
{
	(void)state;
	write_pit(0x34, 0); /* 55 ms */
	unmask_8259(PC_IRQ_TIMER);
	start_rtc(); /* 1 ms */
	unmask_8259(PC_IRQ_RTC);
	assert_in_range(pc.deadline, now, now + SECOND / 1000);
	write_rtc(0x0b, 0x02);
	assert_in_range(pc.deadline, now + SECOND / 100, now + SECOND / 10);
}

static void each_byte_of_the_keyboard_is_an_edge(void **state)
{
	unsigned int bytes = 0;

	(void)state;
	unmask_8259(PC_IRQ_KEYBOARD);
	unmask_pin(PC_IRQ_KEYBOARD);
	i8042_type(&pc.keyboard, CHARACTER);
	i8042_type(&pc.keyboard, CHARACTER);
	pc_update_keyboard(&pc);
	while (i8042_read(&pc.keyboard, I8042_COMMAND_PORT) & 1) {
		assert_int_equal(acknowledge(), PC_IRQ_KEYBOARD);
		assert_int_equal(acknowledge(), -1);
		assert_int_equal(message(), PC_IRQ_KEYBOARD);
		assert_int_equal(message(), -1);
		i8042_read(&pc.keyboard, I8042_DATA_PORT);
		pc_update_keyboard(&pc);
		bytes++;
	}
	assert_int_equal(bytes, 4); /* make and break */
	assert_int_equal(acknowledge(), -1);
	assert_int_equal(message(), -1);
}

/* The transmitter is empty at once: each byte sent asks again, where its interrupt is on. */
static void each_byte_that_com1_has_sent_is_an_edge(void **state)
{
	(void)state;
	unmask_8259(PC_IRQ_COM1);
	unmask_pin(PC_IRQ_COM1);
	write_uart(UART_MCR, 0x08);
	write_uart(UART_DATA, CHARACTER);
	assert_int_equal(acknowledge(), -1);
	write_uart(UART_IER, 2);
	assert_int_equal(acknowledge(), PC_IRQ_COM1);
	assert_int_equal(message(), PC_IRQ_COM1);
	for (unsigned int i = 0; i < 3; i++) {
		write_uart(UART_DATA, CHARACTER);
		assert_int_equal(acknowledge(), PC_IRQ_COM1);
		assert_int_equal(acknowledge(), -1);
		assert_int_equal(message(), PC_IRQ_COM1);
		assert_int_equal(message(), -1);
	}
	uart_read(&pc.com1, UART_IIR); /* it is told, and asks no more */
	pc_update_com1(&pc, false);
	pc_update_com1(&pc, true);
	assert_int_equal(acknowledge(), -1);
	assert_int_equal(message(), -1);
}

/* What nobody has to touch: a guest that halts is woken by it, or never. */
static void what_may_interrupt_is_known(void **state)
{
	(void)state;
	unmask_8259(PC_IRQ_KEYBOARD);
	assert_true(pc_may_interrupt(&pc, true));
	assert_false(pc_may_interrupt(&pc, false));
	i8259_write(&pc.pic, I8259_MASTER + 1, 0xff);
	assert_false(pc_may_interrupt(&pc, true));
	unmask_8259(PC_IRQ_COM1);
	assert_false(pc_may_interrupt(&pc, true)); /* it does not listen */
	write_uart(UART_MCR, 0x08);
	write_uart(UART_IER, 1);
	assert_true(pc_may_interrupt(&pc, true));
	write_uart(UART_IER, 0);
	start_rtc();
	assert_false(pc_may_interrupt(&pc, true));
	unmask_pin(PC_IRQ_RTC);
	assert_true(pc_may_interrupt(&pc, false));
}

/* Whatever is written and whenever it is looked at: never a deadline that does not end. */
static void a_poll_at_the_deadline_moves_it_on(void **state)
{
	uint64_t seed = 4711;

	(void)state;
	for (unsigned int irq = 0; irq < PC_IRQS; irq++)
		if (irq != PC_IRQ_CASCADE)
			unmask_8259(irq);
	for (unsigned int i = 0; i < 100000; i++) {
		uint64_t random = random_next(&seed);
		uint8_t value = random >> 16;

		switch (random % 6) {
		case 0:
			i8254_write(&pc.pit, &pc_rates.i8254, I8254_PORT + (random >> 8) % 4, value,
				    now);
			break;
		case 1:
			mc146818_write(&pc.rtc, &pc_rates.mc146818, MC146818_PORT,
				       (random >> 8) % 14, now);
			mc146818_write(&pc.rtc, &pc_rates.mc146818, MC146818_PORT + 1, value, now);
			break;
		case 2:
			hpet_block_write(&pc.hpet, &pc_rates.hpet, (random >> 8) % 0x40 * 8 & 0x178,
					 8, random >> 24 >> random % 40, now);
			break;
		case 3:
			acpi_pm_write(&pc.acpi_pm, &pc_rates.acpi_pm,
				      ACPI_PM_PORT + (random >> 8) % ACPI_PM_PORTS, 1, value & 0xdf,
				      now);
			break;
		case 4:
			now += random >> 24 >> random % 40;
			break;
		}
		pc_update(&pc);
		if (pc.deadline == UINT64_MAX)
			continue;
		if (pc.deadline > now && pc.deadline - now < SECOND)
			now = pc.deadline;
		for (unsigned int n = 0; pc.deadline <= now; n++) {
			assert_in_range(n, 0, 3);
			pc_poll(&pc, now);
		}
		acknowledge();
		read_rtc(0x0c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		pc_test(firmware_leaves_nothing_that_interrupts_or_is_waited_for),
		pc_test(the_timer_is_irq_0_and_pin_2),
		pc_test(other_lines_reach_both_controllers),
		pc_test(the_sci_is_a_level_at_both),
		pc_test(deadlines_are_of_what_is_heard),
		pc_test(a_timer_that_was_not_heard_is_caught_up_with),
		pc_test(the_earliest_deadline_counts),
		pc_test(each_byte_of_the_keyboard_is_an_edge),
		pc_test(each_byte_that_com1_has_sent_is_an_edge),
		pc_test(what_may_interrupt_is_known),
		pc_test(a_poll_at_the_deadline_moves_it_on),
	};

	return cmocka_run_group_tests_name("pc", tests, NULL, NULL);
}
