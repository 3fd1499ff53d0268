/*
 * ACPI's fixed hardware as an operating system meets it. But where said, the timer's clock is the
 * TSC.
 */
#include "tests/unit/unit.h"

#include "vmm/chip/acpi_pm.h"

enum { STATUS = 0x600, ENABLE = 0x602, CONTROL = 0x604, TIMER = 0x608 };

#define TMR	 0x0001
#define PWRBTN	 0x0100
#define SCI_EN	 0x0001
#define SLP_EN	 0x2000
#define SLEEP(n) ((n) << 10)

#define CARRY (1ull << 31)
#define START 1000000

static struct acpi_pm pm;
static struct rate rate;
static uint64_t now;

static int start(void **state)
{
	(void)state;
	rate = rate_of(1000, 1);
	now = START;
	memset(&pm, 0xff, sizeof(pm));
	acpi_pm_reset(&pm, now);
	return 0;
}

static uint32_t in(uint16_t port, unsigned int size)
{
	return acpi_pm_read(&pm, &rate, port, size, now);
}

/* True: power off. */
static bool out(uint16_t port, unsigned int size, uint32_t value)
{
	return acpi_pm_write(&pm, &rate, port, size, value, now);
}

static bool poll(void)
{
	return acpi_pm_poll(&pm, &rate, now);
}

static uint64_t deadline(void)
{
	return acpi_pm_deadline(&pm);
}

static void after_reset_acpi_is_on_and_nothing_has_happened(void **state)
{
	(void)state;
	assert_int_equal(in(STATUS, 4), 0);
	assert_int_equal(in(CONTROL, 4), SCI_EN);
	assert_int_equal(in(TIMER, 4), 0);
	assert_false(poll());
	assert_true(deadline() == UINT64_MAX);
}

static void the_timer_counts_3579545_in_a_second(void **state)
{
	const uint64_t khz = 2394230;

	(void)state;
	rate = rate_of(ACPI_PM_HZ, khz);
	now += khz * 1000 + khz;
	assert_in_range(in(TIMER, 4), 3579545 + 3579, 3579545 + 3580);
	now += khz * 1000 * 2000;
	assert_in_range(in(TIMER, 4), (uint32_t)(3579545ull * 2001) + 3578,
			(uint32_t)(3579545ull * 2001) + 3580);
}

static void the_timer_has_32_bits_in_any_width(void **state)
{
	(void)state;
	now += 0x1fedcba98;
	assert_int_equal(in(TIMER, 4), 0xfedcba98);
	assert_int_equal(in(TIMER, 2), 0xba98);
	assert_int_equal(in(TIMER + 2, 2), 0xfedc);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(in(TIMER + i, 1), 0xfedcba98 >> 8 * i & 0xff);
	assert_int_equal(in(TIMER - 1, 4), 0xdcba9800);
	assert_int_equal(in(TIMER + 1, 4), 0xfffedcba);
	out(TIMER, 4, 0);
	assert_int_equal(in(TIMER, 4), 0xfedcba98);
}

static void each_change_of_the_timer_s_last_bit_is_an_event(void **state)
{
	(void)state;
	now += CARRY - 1;
	assert_int_equal(in(STATUS, 2), 0);
	now++;
	assert_int_equal(in(STATUS, 2), TMR);
	out(STATUS, 2, TMR);
	assert_int_equal(in(STATUS, 2), 0);
	now += CARRY - 1;
	assert_int_equal(in(STATUS, 2), 0);
	now++;
	assert_int_equal(in(STATUS, 2), TMR);
	out(STATUS, 2, TMR);
	now += 100 * CARRY;
	assert_int_equal(in(STATUS, 2), TMR);
}

static void an_event_that_is_enabled_raises_the_sci_until_it_is_cleared(void **state)
{
	(void)state;
	out(ENABLE, 2, TMR);
	assert_int_equal(deadline(), START + CARRY);
	now = deadline() - 1;
	assert_false(poll());
	now++;
	assert_true(poll());
	assert_true(acpi_pm_interrupts(&pm));
	assert_true(deadline() == UINT64_MAX);
	out(STATUS, 2, 0xfffe);
	assert_true(acpi_pm_interrupts(&pm));
	out(STATUS, 1, TMR);
	assert_false(acpi_pm_interrupts(&pm));
	assert_int_equal(deadline(), START + 2 * CARRY);
	out(ENABLE, 2, 0);
	assert_true(deadline() == UINT64_MAX);
	now += 2 * CARRY;
	assert_false(poll());
	out(ENABLE, 1, TMR);
	assert_true(acpi_pm_interrupts(&pm));
}

static void the_power_button_is_an_event(void **state)
{
	(void)state;
	acpi_pm_press_power_button(&pm);
	assert_int_equal(in(STATUS, 2), PWRBTN);
	assert_false(acpi_pm_interrupts(&pm));
	out(ENABLE + 1, 1, PWRBTN >> 8);
	assert_true(acpi_pm_interrupts(&pm));
	out(STATUS + 1, 1, PWRBTN >> 8);
	assert_false(acpi_pm_interrupts(&pm));
}

static void the_enable_bits_of_all_events_and_no_others_stay(void **state)
{
	(void)state;
	out(ENABLE, 2, 0xffff);
	assert_int_equal(in(ENABLE, 2), 0x0721);
	assert_int_equal(in(STATUS, 4), 0x07210000);
	out(ENABLE, 1, 0);
	assert_int_equal(in(ENABLE, 2), 0x0700);
}

static void the_control_register_keeps_what_can_be_kept(void **state)
{
	(void)state;
	assert_false(out(CONTROL, 2, 0xdfff));
	assert_int_equal(in(CONTROL, 2), 0x1c03);
	out(CONTROL, 2, 0);
	assert_int_equal(in(CONTROL, 2), SCI_EN);
}

static void slp_en_with_s5_turns_the_machine_off(void **state)
{
	(void)state;
	assert_false(out(CONTROL, 2, SLEEP(5)));
	assert_true(out(CONTROL, 2, SLEEP(5) | SLP_EN));
	assert_int_equal(in(CONTROL, 2), SLEEP(5) | SCI_EN);
	assert_true(out(CONTROL + 1, 1, (SLEEP(5) | SLP_EN) >> 8));
	assert_true(out(CONTROL, 4, SLEEP(5) | SLP_EN));
	assert_true(out(ENABLE, 4, (uint32_t)(SLEEP(5) | SLP_EN) << 16));
	assert_false(out(CONTROL, 1, SLP_EN >> 8));
	assert_false(out(STATUS, 4, SLEEP(5) | SLP_EN));
	for (unsigned int type = 0; type < 8; type++)
		assert_int_equal(out(CONTROL, 2, SLEEP(type) | SLP_EN), type == 5);
}

static void a_clock_that_goes_back_does_no_harm(void **state)
{
	(void)state;
	now += CARRY;
	assert_int_equal(in(STATUS, 2), TMR);
	out(STATUS, 2, TMR);
	now -= 100;
	assert_int_equal(in(STATUS, 2), 0);
	assert_int_equal(in(TIMER, 4), CARRY);
	now += 100;
	assert_int_equal(in(STATUS, 2), 0);
}

static void random_use_is_what_the_registers_say(void **state)
{
	uint64_t seed = 600, carries = 0;
	uint16_t status = 0, enable = 0;

	(void)state;
	for (unsigned int i = 0; i < 300000; i++) {
		uint64_t random = random_next(&seed);
		uint16_t value = random >> 8;

		now += random >> (32 + (random >> 24) % 32);
		if ((now - START) / CARRY != carries)
			status |= TMR;
		carries = (now - START) / CARRY;
		switch (random % 4) {
		case 0:
			out(STATUS, 2, value);
			status &= ~value;
			break;
		case 1:
			out(ENABLE, 2, value);
			enable = value & 0x0721;
			break;
		case 2:
			acpi_pm_press_power_button(&pm);
			status |= PWRBTN;
			break;
		}
		assert_int_equal(poll(), (status & enable) != 0);
		assert_int_equal(in(STATUS, 4), (uint32_t)enable << 16 | status);
		assert_int_equal(in(TIMER, 4), (uint32_t)(now - START));
		assert_true(deadline() == (!(status & enable) && (enable & TMR)
						   ? START + (carries + 1) * CARRY
						   : UINT64_MAX));
	}
}

static void random_bytes_at_any_time_do_no_harm(void **state)
{
	uint64_t seed = 608;

	(void)state;
	rate = rate_of(ACPI_PM_HZ, 2394230);
	for (unsigned int i = 0; i < 1000000; i++) {
		uint64_t random = random_next(&seed);
		uint16_t port = ACPI_PM_PORT + (random & 0xff) % ACPI_PM_PORTS;
		unsigned int size = 1 << (random >> 8) % 3;

		now += random_next(&seed) >> (24 + (random >> 16) % 40);
		if (now >> 62)
			now = 0;
		if (random & 1 << 30)
			in(port, size);
		else
			out(port, size, random >> 32);
		if (!poll())
			assert_true(deadline() > now);
	}
}

#define pm_test(name) cmocka_unit_test_setup(name, start)

int main(void)
{
	const struct CMUnitTest tests[] = {
		pm_test(after_reset_acpi_is_on_and_nothing_has_happened),
		pm_test(the_timer_counts_3579545_in_a_second),
		pm_test(the_timer_has_32_bits_in_any_width),
		pm_test(each_change_of_the_timer_s_last_bit_is_an_event),
		pm_test(an_event_that_is_enabled_raises_the_sci_until_it_is_cleared),
		pm_test(the_power_button_is_an_event),
		pm_test(the_enable_bits_of_all_events_and_no_others_stay),
		pm_test(the_control_register_keeps_what_can_be_kept),
		pm_test(slp_en_with_s5_turns_the_machine_off),
		pm_test(a_clock_that_goes_back_does_no_harm),
		pm_test(random_use_is_what_the_registers_say),
		pm_test(random_bytes_at_any_time_do_no_harm),
	};

	return cmocka_run_group_tests_name("acpi_pm", tests, NULL, NULL);
}
