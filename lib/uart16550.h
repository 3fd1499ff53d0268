/*
 * A 16550 UART at an I/O port, polled: 115200 baud, 8N1 (National Semiconductor PC16550D).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/x86.h"

/* Its registers, from its first port on. */
#define UART_DATA 0 /* divisor low with DLAB */
#define UART_IER  1 /* divisor high with DLAB */
#define UART_IIR  2 /* read */
#define UART_FCR  2 /* written */
#define UART_LCR  3
#define UART_MCR  4
#define UART_LSR  5
#define UART_SCR  7

#define UART_IIR_FIFO  0xc0 /* both bits: a 16550A, whose FIFO works */
#define UART_LCR_8N1   0x03
#define UART_LCR_DLAB  0x80
#define UART_LSR_DR    0x01
#define UART_LSR_THRE  0x20
#define UART_LSR_TEMT  0x40
#define UART_FIFO_SIZE 16

/*
 * How many bytes the transmitter takes at a time; 0: no UART answers (its scratch register does not
 * hold a value).
 */
static inline unsigned int uart_init(uint16_t base)
{
	outb(base + UART_SCR, 0x5a);
	if (inb(base + UART_SCR) != 0x5a)
		return 0;
	outb(base + UART_IER, 0);
	outb(base + UART_LCR, UART_LCR_DLAB);
	outb(base + UART_DATA, 1); /* 115200 / 1 */
	outb(base + UART_IER, 0);
	outb(base + UART_LCR, UART_LCR_8N1);
	outb(base + UART_FCR, 0x07); /* FIFOs on and empty */
	outb(base + UART_MCR, 0x03); /* DTR, RTS */
	return (inb(base + UART_IIR) & UART_IIR_FIFO) == UART_IIR_FIFO ? UART_FIFO_SIZE : 1;
}

/* A byte that has been received, 0 to 255, or -1: there is none. */
static inline int uart_read(uint16_t base)
{
	uint8_t status = inb(base + UART_LSR);

	/* all ones is no UART: it has no such state */
	return (status & UART_LSR_DR) && status != 0xff ? inb(base + UART_DATA) : -1;
}
