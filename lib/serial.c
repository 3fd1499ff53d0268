#include "lib/serial.h"

#include <stdint.h>

#include "lib/uart16550.h"
#include "lib/x86.h"

#define COM1 0x3f8

/* A port read takes about a microsecond and a character 87; flow control is not used. */
#define WAIT_LIMIT 200000

static unsigned int fifo_size; /* of the transmitter */
static unsigned int room;      /* of it, what is known to be free */

/* A transmitter that was waited for in vain is looked at once a character, until it is ready. */
static bool dead;

bool serial_init(void)
{
	fifo_size = uart_init(COM1);
	room = 0;
	dead = false;
	return fifo_size;
}

static bool wait_for(uint8_t bits)
{
	for (int i = 0; i < (dead ? 1 : WAIT_LIMIT); i++) {
		if ((inb(COM1 + UART_LSR) & bits) == bits) {
			dead = false;
			return true;
		}
		cpu_relax();
	}
	dead = true;
	return false;
}

void serial_write(char c)
{
	if (!room) {
		if (!wait_for(UART_LSR_THRE))
			return;
		room = fifo_size;
	}
	room--;
	outb(COM1 + UART_DATA, c);
}

bool serial_try_write(char c)
{
	if (!room && (inb(COM1 + UART_LSR) & UART_LSR_THRE)) {
		room = fifo_size;
		dead = false;
	}
	if (!room)
		return dead;
	room--;
	outb(COM1 + UART_DATA, c);
	return true;
}

void serial_give_up(void)
{
	dead = true;
}

int serial_read(void)
{
	return uart_read(COM1);
}

void serial_flush(void)
{
	if (!dead)
		wait_for(UART_LSR_THRE | UART_LSR_TEMT);
}
