/*
 * Conditions that the code itself must keep. Checked in every build: each is a comparison or two.
 */
#pragma once

#if __STDC_HOSTED__
#include <assert.h>
#else
#include "lib/panic.h"

#define assert(condition)                                                                          \
	do {                                                                                       \
		if (__builtin_expect(!(condition), 0))                                             \
			panic("assertion failed: %s (%s:%d)", #condition, __FILE__, __LINE__);     \
	} while (0)
#endif
