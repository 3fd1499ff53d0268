#include "tests/unit/unit.h"

#include "lib/serial.h"
#include "tests/unit/ports.h"

/* The UART: what it shows, and what was done to it. */
static uint8_t line_status, scratch;
static unsigned int reads, sent;
static char last;

uint8_t device_inb(uint16_t port)
{
	reads++;
	return port == 0x3fd ? line_status : port == 0x3ff ? scratch : 'x';
}

void device_outb(uint16_t port, uint8_t value)
{
	if (port == 0x3ff)
		scratch = value;
	if (port == 0x3f8 && value != 1) { /* 1: the divisor */
		sent++;
		last = value;
	}
}

#define READY 0x60

static int reset(void **state)
{
	(void)state;
	line_status = READY;
	assert_true(serial_init());
	reads = sent = 0;
	return 0;
}

static void a_dead_uart_costs_nothing_after_the_first_character(void **state)
{
	(void)state;
	line_status = 0;
	serial_write('a');
	assert_in_range(reads, 1000, 1000000);
	reads = 0;
	for (int i = 0; i < 100; i++)
		serial_write('b');
	serial_flush();
	assert_in_range(reads, 0, 101);
	assert_int_equal(sent, 0);
}

static void a_uart_that_comes_back_to_life_is_used_and_waited_for_again(void **state)
{
	(void)state;
	line_status = 0;
	serial_write('a');
	line_status = READY;
	serial_write('b');
	assert_int_equal(sent, 1);
	assert_int_equal(last, 'b');
	line_status = 0;
	reads = 0;
	serial_write('c');
	assert_in_range(reads, 1000, 1000000);
}

static void a_uart_that_is_set_up_anew_is_waited_for_again(void **state)
{
	(void)state;
	line_status = 0;
	serial_write('a');
	assert_true(serial_init());
	reads = 0;
	serial_write('b');
	assert_in_range(reads, 1000, 1000000);
}

static void a_uart_that_is_gone_sends_no_characters_for_ever(void **state)
{
	(void)state;
	line_status = 0x61;
	assert_int_equal(serial_read(), 'x');
	line_status = READY;
	assert_int_equal(serial_read(), -1);
	line_status = 0xff;
	assert_int_equal(serial_read(), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_dead_uart_costs_nothing_after_the_first_character, reset),
		cmocka_unit_test_setup(a_uart_that_comes_back_to_life_is_used_and_waited_for_again,
				       reset),
		cmocka_unit_test_setup(a_uart_that_is_set_up_anew_is_waited_for_again, reset),
		cmocka_unit_test_setup(a_uart_that_is_gone_sends_no_characters_for_ever, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
