#include "vmm/gdb/com2.h"

#include <stdint.h>

#include "lib/uart16550.h"
#include "lib/x86.h"

#define COM2 0x2f8

static unsigned int fifo_size; /* of the transmitter */

bool com2_init(void)
{
	fifo_size = uart_init(COM2);
	return fifo_size;
}

int com2_read(void)
{
	return uart_read(COM2);
}

unsigned int com2_room(void)
{
	return inb(COM2 + UART_LSR) & UART_LSR_THRE ? fifo_size : 0;
}

void com2_write(char c)
{
	outb(COM2 + UART_DATA, (uint8_t)c);
}
