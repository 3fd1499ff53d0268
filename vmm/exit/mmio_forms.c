#include "vmm/exit/mmio_forms.h"

#include "vmm/exit/mmio_instruction.h"

/* What is done with the memory operand, and with the other. */
enum {
	STORE = MMIO_WRITES | MMIO_REGISTER,
	LOAD = MMIO_READS | MMIO_REGISTER | MMIO_SETS_REGISTER | MMIO_REGISTER_FIRST,
	CHANGE = MMIO_READS | MMIO_WRITES,
	CHANGE_BY = CHANGE | MMIO_REGISTER,
	EXCHANGE = CHANGE | MMIO_REGISTER | MMIO_SETS_REGISTER,
	COMPARE = MMIO_READS,
	COMPARE_BY = COMPARE | MMIO_REGISTER,
};

/* Of bytes in the even opcode, of the operand size in the odd one. */
#define BOTH(opcode, operation, flags, encoding)                                                   \
	[opcode] = {operation, flags, (encoding) | MMIO_BYTE},                                     \
	[(opcode) + 1] = {operation, flags, encoding}

#define ARITHMETIC(opcode, operation)                                                              \
	BOTH(opcode, operation, CHANGE_BY, MMIO_MODRM),                                            \
		BOTH((opcode) + 2, operation, LOAD, MMIO_MODRM)

enum group {
	GROUP_1 = 1, /* the SDM's numbers */
	GROUP_3,
	GROUP_4,
	GROUP_5,
	GROUP_8,
};

#define MEMBER MMIO_MODRM | MMIO_GROUP

const struct mmio_form mmio_groups[][8] = {
	[GROUP_1] = {{MMIO_ADD, CHANGE, 0},
		     {MMIO_OR, CHANGE, 0},
		     {MMIO_ADC, CHANGE, 0},
		     {MMIO_SBB, CHANGE, 0},
		     {MMIO_AND, CHANGE, 0},
		     {MMIO_SUB, CHANGE, 0},
		     {MMIO_XOR, CHANGE, 0},
		     {MMIO_CMP, COMPARE, 0}},
	[GROUP_3] = {{MMIO_TEST, COMPARE, MMIO_IMMEDIATE},
		     {MMIO_TEST, COMPARE, MMIO_IMMEDIATE},
		     {MMIO_NOT, CHANGE, 0},
		     {MMIO_NEG, CHANGE, 0}},
	[GROUP_4] = {{MMIO_INC, CHANGE, 0}, {MMIO_DEC, CHANGE, 0}},
	[GROUP_5] = {{MMIO_INC, CHANGE, 0},
		     {MMIO_DEC, CHANGE, 0},
		     [6] = {MMIO_PUSH, COMPARE, MMIO_STACK}},
	[GROUP_8] = {[4] = {MMIO_BT, COMPARE, 0},
		     {MMIO_BTS, CHANGE, 0},
		     {MMIO_BTR, CHANGE, 0},
		     {MMIO_BTC, CHANGE, 0}},
};

/* clang-format off */
#define SPECIAL {0, 0, MMIO_SPECIAL}
/* clang-format on */

const struct mmio_form mmio_one_byte[256] = {
	ARITHMETIC(0x00, MMIO_ADD),
	ARITHMETIC(0x08, MMIO_OR),
	[0x0f] = SPECIAL,
	ARITHMETIC(0x10, MMIO_ADC),
	ARITHMETIC(0x18, MMIO_SBB),
	ARITHMETIC(0x20, MMIO_AND),
	[0x26] = SPECIAL,
	ARITHMETIC(0x28, MMIO_SUB),
	[0x2e] = SPECIAL,
	ARITHMETIC(0x30, MMIO_XOR),
	[0x36] = SPECIAL,
	BOTH(0x38, MMIO_CMP, COMPARE_BY, MMIO_MODRM),
	BOTH(0x3a, MMIO_CMP, COMPARE_BY | MMIO_REGISTER_FIRST, MMIO_MODRM),
	[0x3e] = SPECIAL,
	[0x40 ... 0x4f] = SPECIAL,
	[0x63] = {MMIO_MOVSX, LOAD, MMIO_MODRM | MMIO_FROM_32 | MMIO_SPECIAL},
	[0x64 ... 0x67] = SPECIAL,
	BOTH(0x80, GROUP_1, 0, MEMBER | MMIO_IMMEDIATE),
	[0x82] = {GROUP_1, 0, MEMBER | MMIO_BYTE | MMIO_IMMEDIATE | MMIO_SPECIAL},
	[0x83] = {GROUP_1, 0, MEMBER | MMIO_IMMEDIATE_8},
	BOTH(0x84, MMIO_TEST, COMPARE_BY, MMIO_MODRM),
	BOTH(0x86, MMIO_XCHG, EXCHANGE, MMIO_MODRM),
	BOTH(0x88, MMIO_MOV, STORE, MMIO_MODRM),
	BOTH(0x8a, MMIO_MOV, LOAD, MMIO_MODRM),
	BOTH(0xa0, MMIO_MOV, LOAD, MMIO_OFFSET),
	BOTH(0xa2, MMIO_MOV, STORE, MMIO_OFFSET),
	BOTH(0xa4, MMIO_MOVS, CHANGE, 0),
	BOTH(0xaa, MMIO_STOS, STORE, 0),
	BOTH(0xac, MMIO_LODS, LOAD, 0),
	BOTH(0xc6, MMIO_MOV, MMIO_WRITES, MMIO_MODRM | MMIO_IMMEDIATE),
	[0xf0] = SPECIAL,
	[0xf2 ... 0xf3] = SPECIAL,
	BOTH(0xf6, GROUP_3, 0, MEMBER),
	[0xfe] = {GROUP_4, 0, MEMBER | MMIO_BYTE},
	[0xff] = {GROUP_5, 0, MEMBER},
};

const struct mmio_form mmio_two_bytes[MMIO_TWO_BYTES] = {
	[0xa3] = {MMIO_BT, COMPARE_BY, MMIO_MODRM},
	[0xab] = {MMIO_BTS, CHANGE_BY, MMIO_MODRM},
	[0xb3] = {MMIO_BTR, CHANGE_BY, MMIO_MODRM},
	[0xb6] = {MMIO_MOVZX, LOAD, MMIO_MODRM | MMIO_FROM_8},
	[0xb7] = {MMIO_MOVZX, LOAD, MMIO_MODRM | MMIO_FROM_16},
	[0xba] = {GROUP_8, 0, MEMBER | MMIO_IMMEDIATE_8},
	[0xbb] = {MMIO_BTC, CHANGE_BY, MMIO_MODRM},
	[0xbe] = {MMIO_MOVSX, LOAD, MMIO_MODRM | MMIO_FROM_8},
	[0xbf] = {MMIO_MOVSX, LOAD, MMIO_MODRM | MMIO_FROM_16},
	BOTH(0xc0, MMIO_XADD, EXCHANGE, MMIO_MODRM),
	[0xc3] = {MMIO_MOV, STORE, MMIO_MODRM}, /* MOVNTI */
};

const struct mmio_form mmio_movbe[2] = {
	{MMIO_MOVBE, LOAD, MMIO_MODRM},
	{MMIO_MOVBE, STORE, MMIO_MODRM},
};
