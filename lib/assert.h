/*
 * Conditions that the code itself must keep. Checked in every build: each is a comparison or two.
 */
#pragma once

#if __STDC_HOSTED__
#include <assert.h>
#else

/*
 * One line of text and a symbolised backtrace, then the end of the machine per `panic=`
 * (boot/fault.c). Any context.
 */
_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define assert(condition)                                                                          \
	do {                                                                                       \
		if (__builtin_expect(!(condition), 0))                                             \
			panic("assertion failed: %s (%s:%d)", #condition, __FILE__, __LINE__);     \
	} while (0)
#endif
