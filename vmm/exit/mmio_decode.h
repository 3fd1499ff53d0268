/*
 * From an instruction's bytes to struct mmio_instruction. A pure function, any context.
 */
#pragma once

#include <stdint.h>

#include "vmm/exit/mmio_instruction.h"

#define MMIO_INSTRUCTION_MAX 15 /* bytes: no instruction is longer */

/* The kind of code that a segment holds: its default size of addresses, in bytes. */
enum mmio_code {
	MMIO_CODE_16 = 2, /* D = 0; real and virtual-8086 mode */
	MMIO_CODE_32 = 4, /* D = 1 */
	MMIO_CODE_64 = 8, /* L = 1: 64-bit mode */
};

/*
 * Decodes what begins at bytes[0]; count bytes are there, at most MMIO_INSTRUCTION_MAX, and no more
 * are read. It is quickest with all of these, for MOV of a register or an immediate. Returns 0;
 * -EAGAIN: more bytes are needed, with MMIO_INSTRUCTION_MAX never; -EINVAL: none of these
 * instructions, or one that a CPU refuses, or without a memory operand. After an error *instruction
 * is undefined.
 */
int mmio_decode(const uint8_t *bytes, unsigned int count, enum mmio_code code,
		struct mmio_instruction *instruction);
