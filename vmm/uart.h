/*
 * A 16550A, polled: its registers by their offsets (PC16550D). Nothing is ever received but in
 * loopback mode. It raises no interrupt (the guest has no PIC). No hardware in it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define COM1_PORT      0x3f8 /* where a PC has its first */
#define UART_PORTS     8
#define UART_FIFO_SIZE 16

struct uart {
	uint8_t ier, fcr, lcr, mcr, scr;
	uint8_t divisor_low, divisor_high;
	bool overrun;
	uint8_t received; /* bytes in the FIFO */
	uint8_t fifo[UART_FIFO_SIZE];
};

void uart_reset(struct uart *uart);
/* The byte in a register. */
uint32_t uart_read(struct uart *uart, unsigned int offset);

/* True if the byte leaves by the line. */
bool uart_write(struct uart *uart, unsigned int offset, uint8_t value);
