#include "vmm/chip/uart.h"

enum uart_register {
	UART_IER = UART_INTERRUPT_ENABLE,
	UART_IIR_FCR = 2,
	UART_LCR = 3,
	UART_MCR = 4,
	UART_LSR = 5,
	UART_MSR = 6,
};

#define LCR_DLAB	0x80
#define MCR_OUT2	0x08
#define MCR_LOOPBACK	0x10
#define FCR_ENABLE	0x01
#define FCR_CLEAR_RX	0x02
#define FCR_TRIGGER	0xc0
#define IIR_MODEM	0x00
#define IIR_NONE	0x01
#define IIR_THRE	0x02
#define IIR_RX		0x04
#define IIR_LINE	0x06
#define IIR_TIMEOUT	0x0c
#define IIR_FIFO	0xc0
#define IER_RX		0x01
#define IER_THRE	0x02
#define IER_LINE	0x04
#define IER_MODEM	0x08
#define LSR_DATA	0x01
#define LSR_OVERRUN	0x02
#define LSR_THRE_TEMT	0x60
#define MSR_CTS_DSR_DCD 0xb0 /* a terminal is there and ready */
#define MSR_RI		0x40

void uart_reset(struct uart *uart)
{
	*uart = (struct uart){
		.divisor_low = 12, .lcr = 0x03, .empty = true, .modem_seen = MSR_CTS_DSR_DCD};
}

static uint8_t take_received(struct uart *uart)
{
	uint8_t value = uart->fifo[0];

	if (!uart->received)
		return 0;
	uart->received--;
	for (unsigned int i = 0; i < uart->received; i++)
		uart->fifo[i] = uart->fifo[i + 1];
	return value;
}

static unsigned int fifo_size(const struct uart *uart)
{
	return uart->fcr & FCR_ENABLE ? UART_FIFO_SIZE : 1;
}

bool uart_has_room(const struct uart *uart)
{
	return !(uart->mcr & MCR_LOOPBACK) && uart->received < fifo_size(uart);
}

void uart_receive(struct uart *uart, uint8_t value)
{
	unsigned int size = fifo_size(uart);

	if (uart->received == size) {
		/* a full FIFO keeps what it has; without one the new byte replaces the old */
		uart->overrun = true;
		if (size > 1)
			return;
		uart->received = 0;
	}
	uart->fifo[uart->received++] = value;
}

/* So many bytes ask for an interrupt at once; fewer do when no more come, which is at once too. */
static unsigned int trigger(const struct uart *uart)
{
	static const uint8_t level[] = {1, 4, 8, 14};

	return uart->fcr & FCR_ENABLE ? level[uart->fcr >> 6] : 1;
}

/* In loopback the modem lines are the outputs DTR, RTS, OUT1, OUT2. */
static uint8_t modem_lines(const struct uart *uart)
{
	uint8_t out = uart->mcr;

	if (!(uart->mcr & MCR_LOOPBACK))
		return MSR_CTS_DSR_DCD;
	return (out & 1) << 5 | (out & 2) << 3 | (out & 4) << 4 | (out & 8) << 4;
}

/* What has changed since they were last read: of the ring indicator only its end. */
static uint8_t modem_changes(const struct uart *uart)
{
	uint8_t now = modem_lines(uart), changed = now ^ uart->modem_seen;

	if (now & MSR_RI)
		changed &= ~MSR_RI;
	return changed >> 4;
}

static uint8_t interrupt_identification(const struct uart *uart)
{
	uint8_t fifo = uart->fcr & FCR_ENABLE ? IIR_FIFO : 0;

	if ((uart->ier & IER_LINE) && uart->overrun)
		return fifo | IIR_LINE;
	if ((uart->ier & IER_RX) && uart->received)
		return fifo | (uart->received >= trigger(uart) ? IIR_RX : IIR_TIMEOUT);
	if ((uart->ier & IER_THRE) && uart->empty)
		return fifo | IIR_THRE;
	if ((uart->ier & IER_MODEM) && modem_changes(uart))
		return fifo | IIR_MODEM;
	return fifo | IIR_NONE;
}

/* Reading it is to be told that the transmitter is empty, if it says so. */
static uint8_t take_identification(struct uart *uart)
{
	uint8_t identification = interrupt_identification(uart);

	if ((identification & ~IIR_FIFO) == IIR_THRE)
		uart->empty = false;
	return identification;
}

bool uart_interrupts(const struct uart *uart)
{
	return (uart->mcr & (MCR_OUT2 | MCR_LOOPBACK)) == MCR_OUT2 &&
	       !(interrupt_identification(uart) & IIR_NONE);
}

bool uart_listens(const struct uart *uart)
{
	return uart->ier & IER_RX && uart->mcr & MCR_OUT2;
}

static uint32_t line_status(struct uart *uart)
{
	uint32_t status = LSR_THRE_TEMT | (uart->received ? LSR_DATA : 0);

	if (!uart->overrun)
		return status;
	uart->overrun = false;
	return status | LSR_OVERRUN;
}

static uint8_t take_modem_status(struct uart *uart)
{
	uint8_t status = modem_lines(uart) | modem_changes(uart);

	uart->modem_seen = modem_lines(uart);
	return status;
}

/* The divisor stands in place of the data and interrupt enable registers. */
static bool dlab(const struct uart *uart)
{
	return uart->lcr & LCR_DLAB;
}

uint32_t uart_read(struct uart *uart, unsigned int offset)
{
	switch (offset) {
	case UART_DATA:
		return dlab(uart) ? uart->divisor_low : take_received(uart);
	case UART_IER:
		return dlab(uart) ? uart->divisor_high : uart->ier;
	case UART_IIR_FCR:
		return take_identification(uart);
	case UART_LCR:
		return uart->lcr;
	case UART_MCR:
		return uart->mcr;
	case UART_LSR:
		return line_status(uart);
	case UART_MSR:
		return take_modem_status(uart);
	default:
		return uart->scr;
	}
}

/* True if it leaves by the line. */
static bool send(struct uart *uart, uint8_t value)
{
	uart->empty = true;
	if (!(uart->mcr & MCR_LOOPBACK))
		return true;
	uart_receive(uart, value);
	return false;
}

/* Who switches the interrupt of an empty transmitter on is told that it is empty. */
static void enable(struct uart *uart, uint8_t value)
{
	if (value & ~uart->ier & IER_THRE)
		uart->empty = true;
	uart->ier = value;
}

bool uart_write(struct uart *uart, unsigned int offset, uint8_t value)
{
	switch (offset) {
	case UART_DATA:
		if (dlab(uart))
			uart->divisor_low = value;
		else
			return send(uart, value);
		break;
	case UART_IER:
		if (dlab(uart))
			uart->divisor_high = value;
		else
			enable(uart, value & 0x0f);
		break;
	case UART_IIR_FCR:
		if ((value ^ uart->fcr) & FCR_ENABLE || value & FCR_CLEAR_RX)
			uart->received = 0;
		uart->fcr = value & FCR_ENABLE ? value & (FCR_ENABLE | FCR_TRIGGER) : 0;
		break;
	case UART_LCR:
		uart->lcr = value;
		break;
	case UART_MCR:
		uart->mcr = value & 0x1f;
		break;
	case UART_SCRATCH:
		uart->scr = value;
		break;
	}
	return false;
}
