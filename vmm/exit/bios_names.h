/*
 * What a guest wanted of the BIOS that is not there, in words. A pure function, any context.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a vector of the interrupt vector table was reached in real mode. */
struct bios_event {
	uint8_t vector;
	uint16_t ax;
	uint16_t cs, ip;  /* where it would have gone on */
	bool instruction; /* by INT n; else an exception, an interrupt, or a far CALL */
};

/* One line for a person on what was wanted, where, and what to do instead. As format(). */
int bios_describe(char *text, size_t size, const struct bios_event *event);
