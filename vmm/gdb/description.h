/*
 * What gdb is told of the registers: a target description (GDB manual, appendix G), as a text.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The text, of a description in 32 or 64 bits; it stays until the next call. */
const char *description(bool wide, size_t *length);
