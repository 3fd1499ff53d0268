/*
 * The guest's COM1: a 16550A at 0x3F8, polled. What is sent goes to the console; nothing is ever
 * received but in loopback mode. It raises no interrupt (the guest has no PIC).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define UART_BASE      0x3f8
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
uint8_t uart_read(struct uart *uart, uint16_t port);

/* Returns true if the byte leaves the machine: it is for the console. */
bool uart_write(struct uart *uart, uint16_t port, uint8_t value);
