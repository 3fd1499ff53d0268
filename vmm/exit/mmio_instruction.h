/*
 * An instruction that reaches a device's page: MOV in all its forms, those that read, change and
 * write in one, comparisons, string moves. SDM Vol. 2A chapter 2 and the instructions' own pages.
 *
 * An EPT violation tells the guest-physical address and neither the instruction's length nor its
 * operation, so the address is not in here. How one is completed for a guest: mmio_decode(); with
 * MMIO_READS, read the device; mmio_execute(); with MMIO_WRITES, write the device; with
 * MMIO_SETS_REGISTER, write the register; write RFLAGS; skip `length` bytes.
 *
 * MMIO_MOVS is from DS:rSI, or `segment`, to ES:rDI: one of the two, or both, is at the device, and
 * the caller finds the other. MMIO_LODS and MMIO_STOS are a load from and a store to the same.
 * mmio_execute() does one element; rSI, rDI (by DF) and, with MMIO_REP, rCX are the caller's, in
 * address_size. MMIO_PUSH is a load whose value the caller pushes.
 */
#pragma once

#include <stdint.h>

enum mmio_operation {
	MMIO_MOV = 1, /* MOVNTI too */
	MMIO_MOVZX,
	MMIO_MOVSX, /* MOVSXD too */
	MMIO_MOVBE,
	MMIO_XCHG,
	MMIO_XADD,
	MMIO_ADD,
	MMIO_OR,
	MMIO_ADC,
	MMIO_SBB,
	MMIO_AND,
	MMIO_SUB,
	MMIO_XOR,
	MMIO_CMP,
	MMIO_TEST,
	MMIO_NOT,
	MMIO_NEG,
	MMIO_INC,
	MMIO_DEC,
	MMIO_BT, /* with a register too: the address of the exit is that of the bit's own unit */
	MMIO_BTS,
	MMIO_BTR,
	MMIO_BTC,
	MMIO_PUSH,
	MMIO_STOS, /* the last three: strings */
	MMIO_LODS,
	MMIO_MOVS,
};

/* What an instruction does, beside its operation. */
enum mmio_flags {
	MMIO_READS = 1,		  /* memory */
	MMIO_WRITES = 2,	  /* memory */
	MMIO_REGISTER = 4,	  /* the other operand is a register; else immediate, or none */
	MMIO_SETS_REGISTER = 8,	  /* and it is written */
	MMIO_REGISTER_FIRST = 16, /* the register is the first operand: register - memory */
	MMIO_HIGH_BYTE = 32,	  /* bits 15 to 8 of the register: AH, CH, DH, BH */
	MMIO_REP = 64,
};

struct mmio_instruction {
	uint8_t operation;     /* enum mmio_operation */
	uint8_t flags;	       /* enum mmio_flags */
	uint8_t size;	       /* bytes of the memory operand: 1, 2, 4 or 8 */
	uint8_t number;	       /* the register's, 0 to 15 as VMX has them, RSP is 4 */
	uint8_t register_size; /* bytes of the register: other than size of MOVZX and MOVSX */
	uint8_t length;
	uint8_t address_size; /* bytes: 2, 4 or 8 */
	uint8_t segment;      /* of MMIO_MOVS and MMIO_LODS: ES CS SS DS FS GS are 0 to 5 */
	uint64_t immediate;   /* sign-extended */
};
