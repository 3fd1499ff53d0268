/*
 * Tables of the instructions that mmio_decode() knows, by opcode: SDM Vol. 2D tables and
 * Of what is not in them the operation is 0.
 */
#pragma once

#include <stdint.h>

/* How the bytes of an instruction go on after its opcode, and of what size its operands are. */
enum mmio_encoding {
	MMIO_MODRM = 1,
	MMIO_GROUP = 2,	 /* ModRM's reg field tells the operation; mmio_form.operation is a group */
	MMIO_OFFSET = 4, /* of the address size */
	MMIO_IMMEDIATE = 8, /* of the operand size, at most 4 bytes; reg is 0 if it tells nothing */
	MMIO_IMMEDIATE_8 = 16,
	MMIO_BYTE = 32,	  /* operands of one byte; else of the operand size */
	MMIO_FROM_8 = 64, /* a byte in memory, and a register of the operand size */
	MMIO_FROM_16 = 128,
	MMIO_FROM_32 = 256,  /* or less: never more than the register */
	MMIO_STACK = 512,    /* no operand of 4 bytes in 64-bit mode, 8 instead */
	MMIO_SPECIAL = 1024, /* a prefix, 0F, or not the same in every mode */
};

#define MMIO_OWN_SIZES (MMIO_FROM_8 | MMIO_FROM_16 | MMIO_FROM_32 | MMIO_STACK)

struct mmio_form {
	uint8_t operation; /* enum mmio_operation, or the index of a group */
	uint8_t flags;	   /* enum mmio_flags */
	uint16_t encoding; /* enum mmio_encoding; a group's members add to it */
};

#define MMIO_TWO_BYTES 0xc4 /* no second opcode after 0F from here on is known */

extern const struct mmio_form mmio_one_byte[256], mmio_two_bytes[MMIO_TWO_BYTES];
extern const struct mmio_form mmio_movbe[2];	/* 0F 38 F0 and F1 */
extern const struct mmio_form mmio_groups[][8]; /* by ModRM's reg field */
