/*
 * A 16550A: its registers by their offsets (PC16550D). What is sent has left at once. Its
 * interrupt is a level, which OUT2 lets through to the PC's IRQ line. No hardware in it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define COM1_PORT	      0x3f8 /* where a PC has its first */
#define UART_PORTS	      8
#define UART_INTERRUPT_ENABLE 1
#define UART_DATA	      0 /* the one register by which anything leaves */
#define UART_SCRATCH	      7 /* it changes nothing else */
#define UART_FIFO_SIZE	      16

struct uart {
	uint8_t ier, fcr, lcr, mcr, scr;
	uint8_t divisor_low, divisor_high;
	bool overrun;
	bool empty;	    /* the transmitter has become so, and nobody was told */
	uint8_t modem_seen; /* the modem's lines when they were last read, as in MSR */
	uint8_t received;   /* bytes in the FIFO */
	uint8_t fifo[UART_FIFO_SIZE];
};

void uart_reset(struct uart *uart);
/* The byte in a register. */
uint32_t uart_read(struct uart *uart, unsigned int offset);

/*
 * Whether a byte can come by the line and overrun nothing. In loopback the line is cut off: none
 * can.
 */
bool uart_has_room(const struct uart *uart);

/* A byte has come by the line, or in loopback from the transmitter. */
void uart_receive(struct uart *uart, uint8_t value);

/* True if the byte leaves by the line. */
bool uart_write(struct uart *uart, unsigned int offset, uint8_t value);

/* Whether it asks for an interrupt. Sending, which it does not wait for, ends it for a moment. */
bool uart_interrupts(const struct uart *uart);

/* Whether the guest has its receiver interrupt, and OUT2 on: what is typed is for it. */
bool uart_listens(const struct uart *uart);
