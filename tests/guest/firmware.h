/* Shared by firmware.c and firmware_real.S: the real-mode code, copied to REAL_BASE. */
#pragma once

#define REAL_BASE   0x8000
#define REAL_STACK  0x7ff0
#define REAL_PARAMS 0x7000

/* Offsets in struct real_params. */
#define REAL_WAY     0
#define REAL_VECTOR  4
#define REAL_EAX     8
#define REAL_HANDLED 12

/* What the code does, and where it is in it: 16 bytes each. */
#define REAL_WAY_INT	   0x80
#define REAL_WAY_FAR_CALL  0x90
#define REAL_WAY_UNDEFINED 0xa0
#define REAL_WAY_DIVIDE	   0xb0
#define REAL_WAY_TIMER	   0xc0
#define REAL_WAY_RESET	   0xf0
#define REAL_HANDLER	   0x100
#define REAL_WAY_TICK	   0x120

/* The vector's place in the INT instruction. */
#define REAL_INT_VECTOR (REAL_WAY_INT + 1)

#ifndef __ASSEMBLER__
#include <stdint.h>

struct real_params {
	uint32_t way, vector, eax;
	uint32_t handled; /* by a handler of our own */
};

extern char real_blob[], real_blob_end[];
void real_go(void) __attribute__((noreturn));
#endif
