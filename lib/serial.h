/*
 * COM1: a 16550 at 0x3F8, 115200 baud, 8N1, polled.
 */
#pragma once

#include <stdbool.h>

/* Returns false where no UART answers (its scratch register does not hold a value). */
bool serial_init(void);

/*
 * Waits for room, but never longer than a UART at work can need. If there is none then, this
 * character and those that follow are dropped, and cost no wait, until there is room again.
 */
void serial_write(char c);

/* The same where it does not have to wait; else false. */
bool serial_try_write(char c);

/* It was not ready for 200 ms: it is dead. */
void serial_give_up(void);

/* A character that has been received, or -1: there is none. */
int serial_read(void);

/* Waits until the transmitter is empty. */
void serial_flush(void);
