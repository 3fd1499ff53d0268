/*
 * Formatted output into a buffer, as vsnprintf and snprintf of C11 7.21.6 do it.
 *
 * %d %i %u %o %x %X %c %s %p %%, with the flags - + space 0 #, a width and a precision (numbers or
 * *), and the lengths hh h l ll z j t. No floating point, no %n. %s of NULL prints "(null)". A
 * conversion that is not known is printed as it stands, and consumes no argument.
 *
 * Returns the length that the whole text has, without its end; the buffer is always terminated if
 * size > 0. Any context.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

int format_v(char *buf, size_t size, const char *fmt, va_list args)
	__attribute__((format(printf, 3, 0)));
int format(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
