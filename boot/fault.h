/*
 * A fault in the hypervisor itself: say everything there is to know, then end the machine.
 */
#pragma once

#include "boot/trap.h"

/* Prints registers, control registers and a symbolised backtrace; ends per `panic=`. */
_Noreturn void fault_report(const struct trap_frame *frame);

/* The same for a condition found by the code: one line of text and a backtrace. */
_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define assert(condition)                                                                          \
	do {                                                                                       \
		if (!(condition))                                                                  \
			panic("assertion failed: %s (%s:%d)", #condition, __FILE__, __LINE__);     \
	} while (0)
