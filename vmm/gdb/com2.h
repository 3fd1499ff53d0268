/*
 * COM2: a 16550 at 0x2F8, 115200 baud, 8N1, polled. Nothing here waits.
 */
#pragma once

#include <stdbool.h>

/* False: no UART answers. */
bool com2_init(void);

/* A byte that has come, 0 to 255, or -1: there is none. */
int com2_read(void);

/* How many bytes com2_write() may be called for now. */
unsigned int com2_room(void);
void com2_write(char c);
