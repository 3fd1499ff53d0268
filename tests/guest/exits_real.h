/* Shared by exits_mode.c and exits_real.S: the real-mode blob, copied to REAL_BASE. */
#pragma once

#include "support/real.h"

#define REAL_RESULTS 0x800

#define REAL_VECTOR_INT	  0x60
#define REAL_VECTOR_TIMER 0x61

/* Offsets of the handlers in the blob: they come first, 16 bytes each, after the entry. */
#define REAL_HANDLER_DE	   0x10
#define REAL_HANDLER_UD	   0x20
#define REAL_HANDLER_INT   0x30
#define REAL_HANDLER_TIMER 0x40

/* Offsets in struct real_results. */
#define REAL_DONE	0
#define REAL_INTS	4
#define REAL_DIVIDES	8
#define REAL_UNDEFINEDS 12
#define REAL_TIMERS	16
#define REAL_CPUID_EBX	20
#define REAL_PORT	24
#define REAL_VERSION	28
#define REAL_CR0	32
#define REAL_MSR_LOW	36
#define REAL_FCW	40
#define REAL_HYPERCALLS 44

#ifndef __ASSEMBLER__
#include <stdint.h>

struct real_results {
	uint32_t done, ints, divides, undefineds, timers;
	uint32_t cpuid_ebx, port, version, cr0, msr_low, fcw;
	uint32_t hypercalls; /* in: they may be used */
};
#endif
