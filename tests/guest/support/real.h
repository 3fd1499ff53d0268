/*
 * Real mode: a blob of 16-bit code, copied to REAL_BASE, is entered there in 16-bit protected mode.
 * It begins and ends with the macros of real.inc. load_gdt_and_idt() is the caller's.
 */
#pragma once

#define REAL_BASE  0x8000
#define REAL_BYTES 0x1000
#define REAL_STACK 0x8ff0

#ifndef __ASSEMBLER__
void real_mode_trip(void);
#endif
