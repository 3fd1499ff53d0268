/*
 * COM1 as a driver meets it: registers by their offsets and bits as the data sheet of the 16550
 * (PC16550D) numbers them.
 */
#include "tests/unit/unit.h"

#include "vmm/chip/uart.h"

enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR };
#define FCR IIR

#define DLAB	 0x80
#define LOOPBACK 0x10

#define READY	0x60 /* LSR: THRE and TEMT */
#define DATA_IN 0x01
#define OVERRUN 0x02

static struct uart uart;

static int start(void **state)
{
	(void)state;
	memset(&uart, 0xff, sizeof(uart));
	uart_reset(&uart);
	return 0;
}

static uint8_t in(unsigned int offset)
{
	return uart_read(&uart, offset);
}

/* True if the byte leaves by the line. */
static bool out(unsigned int offset, uint8_t value)
{
	return uart_write(&uart, offset, value);
}

static void after_reset_it_is_ready_and_empty(void **state)
{
	(void)state;
	assert_int_equal(in(IER), 0);
	assert_int_equal(in(IIR), 0x01);
	assert_int_equal(in(MCR), 0);
	assert_int_equal(in(LSR), READY);
	assert_int_equal(in(DATA), 0);
}

static void only_what_is_written_to_the_data_register_leaves_the_machine(void **state)
{
	(void)state;
	assert_true(out(DATA, 'x'));
	for (unsigned int offset = IER; offset <= SCR; offset++)
		assert_false(out(offset, 0));
	assert_int_equal(in(LSR), READY);
}

static void dlab_turns_data_and_ier_into_the_divisor(void **state)
{
	(void)state;
	out(IER, 0x05);
	out(LCR, DLAB | 0x03);
	assert_false(out(DATA, 0x34));
	assert_false(out(IER, 0x12));
	assert_int_equal(in(DATA), 0x34);
	assert_int_equal(in(IER), 0x12);
	out(LCR, 0x03);
	assert_int_equal(in(IER), 0x05);
	assert_int_equal(in(DATA), 0);
	assert_true(out(DATA, 'x'));
	out(LCR, DLAB);
	assert_int_equal(in(DATA), 0x34);
}

static void dlab_hides_the_receiver_without_losing_a_byte(void **state)
{
	(void)state;
	out(MCR, LOOPBACK);
	out(DATA, 'r');
	out(LCR, DLAB);
	in(DATA);
	out(DATA, 0x01);
	out(LCR, 0x03);
	assert_int_equal(in(DATA), 'r');
	assert_int_equal(in(LSR), READY);
}

static void the_scratch_register_keeps_its_value(void **state)
{
	(void)state;
	out(SCR, 0xa5);
	assert_int_equal(in(SCR), 0xa5);
	out(SCR, 0x5a);
	assert_int_equal(in(SCR), 0x5a);
}

static void bits_that_a_16550_lacks_read_as_0(void **state)
{
	(void)state;
	out(IER, 0xff);
	assert_int_equal(in(IER), 0x0f);
	out(MCR, 0xff);
	assert_int_equal(in(MCR), 0x1f);
}

static void lsr_and_msr_cannot_be_written(void **state)
{
	(void)state;
	out(LSR, 0xff);
	out(MSR, 0x00);
	assert_int_equal(in(LSR), READY);
	assert_int_equal(in(MSR), 0xb0);
}

static void iir_shows_a_16550a_only_when_the_fifo_is_on(void **state)
{
	(void)state;
	assert_int_equal(in(IIR), 0x01);
	out(FCR, 0x01);
	assert_int_equal(in(IIR), 0xc1);
	out(FCR, 0xc6); /* without bit 0 the others do not count */
	assert_int_equal(in(IIR), 0x01);
}

static void iir_names_what_is_pending_and_enabled_by_priority(void **state)
{
	(void)state;
	out(MCR, LOOPBACK);
	out(DATA, 'a');
	assert_int_equal(in(IIR), 0x01);
	out(IER, 0x02);
	assert_int_equal(in(IIR), 0x02);
	out(IER, 0x03);
	assert_int_equal(in(IIR), 0x04);
	out(DATA, 'b'); /* overrun: one byte without the FIFO */
	assert_int_equal(in(IIR), 0x04);
	out(IER, 0x07);
	assert_int_equal(in(IIR), 0x06);
	in(LSR);
	assert_int_equal(in(IIR), 0x04);
	in(DATA);
	assert_int_equal(in(IIR), 0x02);
}

static void loopback_receives_what_is_sent_and_nothing_leaves(void **state)
{
	(void)state;
	out(MCR, LOOPBACK);
	assert_false(out(DATA, 0xae));
	assert_int_equal(in(LSR), READY | DATA_IN);
	assert_int_equal(in(DATA), 0xae);
	assert_int_equal(in(LSR), READY);
	out(MCR, 0);
	assert_true(out(DATA, 'x'));
	assert_int_equal(in(LSR), READY);
}

static void loopback_wires_the_modem_lines_to_the_outputs(void **state)
{
	/* DTR to DSR, RTS to CTS, OUT1 to RI, OUT2 to DCD; and what changed, RI's end only */
	static const uint8_t line[][2] = {{0x01, 0x29}, {0x02, 0x13}, {0x04, 0x41},
					  {0x08, 0x8c}, {0x0f, 0xf3}, {0x00, 0x0f}};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(line); i++) {
		out(MCR, LOOPBACK | line[i][0]);
		assert_int_equal(in(MSR), line[i][1]);
		assert_int_equal(in(MSR), line[i][1] & 0xf0);
	}
	out(MCR, 0);
	assert_int_equal(in(MSR), 0xbb);
	assert_int_equal(in(MSR), 0xb0);
}

static void without_the_fifo_the_second_byte_overruns_the_first(void **state)
{
	(void)state;
	out(MCR, LOOPBACK);
	out(DATA, 'a');
	out(DATA, 'b');
	assert_int_equal(in(LSR), READY | DATA_IN | OVERRUN);
	assert_int_equal(in(LSR), READY | DATA_IN); /* reading clears it */
	assert_int_equal(in(DATA), 'b');
	assert_int_equal(in(LSR), READY);
}

static void the_fifo_holds_sixteen_bytes_in_order(void **state)
{
	(void)state;
	out(FCR, 0x01);
	out(MCR, LOOPBACK);
	for (unsigned int i = 0; i < UART_FIFO_SIZE; i++)
		out(DATA, 'a' + i);
	assert_int_equal(in(LSR), READY | DATA_IN);
	for (unsigned int i = 0; i < UART_FIFO_SIZE; i++)
		assert_int_equal(in(DATA), 'a' + i);
	assert_int_equal(in(LSR), READY);
	assert_int_equal(in(DATA), 0);
}

static void bytes_beyond_the_fifo_overrun_and_those_before_stay(void **state)
{
	(void)state;
	out(FCR, 0x01);
	out(MCR, LOOPBACK);
	for (unsigned int i = 0; i < 10 * UART_FIFO_SIZE; i++)
		out(DATA, i);
	assert_int_equal(in(LSR), READY | DATA_IN | OVERRUN);
	for (unsigned int i = 0; i < UART_FIFO_SIZE - 1; i++)
		assert_int_equal(in(DATA), i);
	in(DATA);
	assert_int_equal(in(LSR), READY);
}

static void the_fifo_is_emptied_by_its_bit_and_by_a_change_of_mode(void **state)
{
	static const uint8_t emptying[] = {0x03, 0x00, 0x01};

	(void)state;
	out(FCR, 0x01);
	out(MCR, LOOPBACK);
	for (unsigned int i = 0; i < ARRAY_SIZE(emptying); i++) {
		out(DATA, 'x');
		assert_int_equal(in(LSR), READY | DATA_IN);
		out(FCR, emptying[i]);
		assert_int_equal(in(LSR), READY);
	}
	out(DATA, 'x');
	out(FCR, 0x05); /* clears the transmitter only */
	assert_int_equal(in(LSR), READY | DATA_IN);
}

#define OUT2 0x08

static void an_interrupt_is_let_through_by_out2_and_not_in_loopback(void **state)
{
	(void)state;
	uart_receive(&uart, 'a');
	out(IER, 0x01);
	assert_false(uart_interrupts(&uart));
	assert_false(uart_listens(&uart));
	out(MCR, OUT2);
	assert_true(uart_interrupts(&uart));
	assert_true(uart_listens(&uart));
	out(MCR, OUT2 | LOOPBACK);
	assert_false(uart_interrupts(&uart));
	out(MCR, OUT2);
	assert_int_equal(in(DATA), 'a');
	assert_false(uart_interrupts(&uart));
}

static void an_empty_transmitter_is_told_of_once_by_each_byte_and_when_it_is_asked(void **state)
{
	(void)state;
	out(MCR, OUT2);
	out(IER, 0x02);
	assert_true(uart_interrupts(&uart));
	assert_int_equal(in(IIR), 0x02);
	assert_false(uart_interrupts(&uart));
	assert_int_equal(in(IIR), 0x01);
	out(DATA, 'x');
	assert_true(uart_interrupts(&uart));
	assert_int_equal(in(IIR), 0x02);
	out(IER, 0x02); /* it was on */
	assert_false(uart_interrupts(&uart));
	out(IER, 0);
	out(IER, 0x02);
	assert_true(uart_interrupts(&uart));
}

static void reading_iir_for_another_cause_leaves_the_transmitters(void **state)
{
	(void)state;
	out(MCR, OUT2);
	out(IER, 0x03);
	uart_receive(&uart, 'a');
	assert_int_equal(in(IIR), 0x04);
	in(DATA);
	assert_int_equal(in(IIR), 0x02);
}

static void fewer_bytes_than_the_trigger_are_a_timeout(void **state)
{
	static const uint8_t level[] = {1, 4, 8, 14};

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		out(FCR, i << 6 | 0x03);
		out(IER, 0x01);
		for (unsigned int n = 1; n <= UART_FIFO_SIZE; n++) {
			uart_receive(&uart, n);
			assert_int_equal(in(IIR), n < level[i] ? 0xcc : 0xc4);
		}
		out(FCR, 0x03);
	}
}

static void a_change_of_a_modem_line_interrupts_until_it_is_read(void **state)
{
	(void)state;
	out(IER, 0x08);
	assert_int_equal(in(IIR), 0x01);
	out(MCR, LOOPBACK | 0x0b);
	assert_int_equal(in(IIR), 0x01); /* the terminal's lines, in another way */
	out(MCR, LOOPBACK | 0x03);
	assert_int_equal(in(IIR), 0x00);
	in(MSR);
	assert_int_equal(in(IIR), 0x01);
}

#define uart_test(name) cmocka_unit_test_setup(name, start)

int main(void)
{
	const struct CMUnitTest tests[] = {
		uart_test(after_reset_it_is_ready_and_empty),
		uart_test(only_what_is_written_to_the_data_register_leaves_the_machine),
		uart_test(dlab_turns_data_and_ier_into_the_divisor),
		uart_test(dlab_hides_the_receiver_without_losing_a_byte),
		uart_test(the_scratch_register_keeps_its_value),
		uart_test(bits_that_a_16550_lacks_read_as_0),
		uart_test(lsr_and_msr_cannot_be_written),
		uart_test(iir_shows_a_16550a_only_when_the_fifo_is_on),
		uart_test(iir_names_what_is_pending_and_enabled_by_priority),
		uart_test(loopback_receives_what_is_sent_and_nothing_leaves),
		uart_test(loopback_wires_the_modem_lines_to_the_outputs),
		uart_test(without_the_fifo_the_second_byte_overruns_the_first),
		uart_test(the_fifo_holds_sixteen_bytes_in_order),
		uart_test(bytes_beyond_the_fifo_overrun_and_those_before_stay),
		uart_test(the_fifo_is_emptied_by_its_bit_and_by_a_change_of_mode),
		uart_test(an_interrupt_is_let_through_by_out2_and_not_in_loopback),
		uart_test(an_empty_transmitter_is_told_of_once_by_each_byte_and_when_it_is_asked),
		uart_test(reading_iir_for_another_cause_leaves_the_transmitters),
		uart_test(fewer_bytes_than_the_trigger_are_a_timeout),
		uart_test(a_change_of_a_modem_line_interrupts_until_it_is_read),
	};

	return cmocka_run_group_tests_name("uart", tests, NULL, NULL);
}
