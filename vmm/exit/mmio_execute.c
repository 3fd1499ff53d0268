#include "vmm/exit/mmio_execute.h"

#include <stdbool.h>

#include "lib/x86.h"
#include "vmm/exit/mmio_instruction.h"

#define RESULT_FLAGS (RFLAGS_PF | RFLAGS_ZF | RFLAGS_SF)
#define STATUS_FLAGS (RFLAGS_CF | RFLAGS_AF | RFLAGS_OF | RESULT_FLAGS)

static uint64_t mask_of(unsigned int size)
{
	return ~0ull >> (64 - 8 * size);
}

static uint64_t sign_of(unsigned int size)
{
	return BIT(8 * size - 1);
}

/* The operand that is not in memory, in the memory operand's size. */
static uint64_t other_operand(const struct mmio_instruction *instruction,
			      const struct mmio_operands *operands)
{
	uint64_t value = instruction->immediate;

	if (instruction->flags & MMIO_REGISTER)
		value = operands->register_value;
	if (instruction->flags & MMIO_HIGH_BYTE)
		value >>= 8;
	return value & mask_of(instruction->size);
}

static void set_register(const struct mmio_instruction *instruction, uint64_t value,
			 struct mmio_operands *operands)
{
	uint64_t mask = mask_of(instruction->register_size), *to = &operands->register_value;

	value &= mask;
	if (instruction->flags & MMIO_HIGH_BYTE)
		*to = (*to & ~(mask << 8)) | value << 8;
	else if (instruction->register_size < 4)
		*to = (*to & ~mask) | value;
	else
		*to = value;
}

/* To the operand that the instruction names first. */
static void set_result(const struct mmio_instruction *instruction, uint64_t value,
		       struct mmio_operands *operands)
{
	if (instruction->flags & MMIO_SETS_REGISTER)
		set_register(instruction, value, operands);
	else if (instruction->flags & MMIO_WRITES)
		operands->memory = value & mask_of(instruction->size);
}

static uint64_t result_flags(uint64_t result, unsigned int size)
{
	uint64_t flags = 0;
	unsigned int folded = (result ^ result >> 4) & 0xf;

	if (!(0x6996 >> folded & 1)) /* a 1 for each number with an odd number of ones */
		flags |= RFLAGS_PF;
	if (!(result & mask_of(size)))
		flags |= RFLAGS_ZF;
	if (result & sign_of(size))
		flags |= RFLAGS_SF;
	return flags;
}

/*
 * Flags of a sum or difference. `carries` has a 1 where a bit of the sum carried into the next, or
 * a bit of the difference borrowed from it.
 */
static uint64_t carry_flags(uint64_t carries, unsigned int size)
{
	uint64_t flags = 0;

	if (carries & sign_of(size))
		flags |= RFLAGS_CF;
	if (carries & BIT(3))
		flags |= RFLAGS_AF;
	if ((carries ^ carries << 1) & sign_of(size))
		flags |= RFLAGS_OF;
	return flags;
}

static void set_flags(struct mmio_operands *operands, uint64_t which, uint64_t flags)
{
	operands->rflags = (operands->rflags & ~which) | (flags & which);
}

static uint64_t add(uint64_t a, uint64_t b, bool carry, unsigned int size, uint64_t *flags)
{
	uint64_t sum = a + b + carry;

	*flags = result_flags(sum, size) | carry_flags((a & b) | ((a | b) & ~sum), size);
	return sum;
}

static uint64_t subtract(uint64_t a, uint64_t b, bool borrow, unsigned int size, uint64_t *flags)
{
	uint64_t difference = a - b - borrow;

	*flags = result_flags(difference, size) |
		 carry_flags((~a & b) | ((~a | b) & difference), size);
	return difference;
}

static uint64_t logic(enum mmio_operation operation, uint64_t a, uint64_t b)
{
	if (operation == MMIO_OR)
		return a | b;
	return operation == MMIO_XOR ? a ^ b : a & b;
}

/* Two operands, and flags by the result. */
static void compute(const struct mmio_instruction *instruction, uint64_t other,
		    struct mmio_operands *operands)
{
	bool register_first = instruction->flags & MMIO_REGISTER_FIRST;
	uint64_t first = register_first ? other : operands->memory;
	uint64_t second = register_first ? operands->memory : other;
	bool carry = operands->rflags & RFLAGS_CF;
	unsigned int size = instruction->size;
	uint64_t result, flags;

	switch (instruction->operation) {
	case MMIO_ADD:
		result = add(first, second, false, size, &flags);
		break;
	case MMIO_ADC:
		result = add(first, second, carry, size, &flags);
		break;
	case MMIO_SUB:
	case MMIO_CMP:
		result = subtract(first, second, false, size, &flags);
		break;
	case MMIO_SBB:
		result = subtract(first, second, carry, size, &flags);
		break;
	default:
		result = logic(instruction->operation, first, second);
		flags = result_flags(result, size);
	}
	set_flags(operands, STATUS_FLAGS, flags);
	set_result(instruction, result, operands);
}

/* One operand, in memory. */
static void compute_alone(const struct mmio_instruction *instruction,
			  struct mmio_operands *operands)
{
	uint64_t which = STATUS_FLAGS, value = operands->memory, flags = 0;
	unsigned int size = instruction->size;

	switch (instruction->operation) {
	case MMIO_NOT:
		value = ~value;
		which = 0;
		break;
	case MMIO_NEG:
		value = subtract(0, value, false, size, &flags);
		break;
	case MMIO_INC:
		value = add(value, 1, false, size, &flags);
		which &= ~RFLAGS_CF;
		break;
	default:
		value = subtract(value, 1, false, size, &flags);
		which &= ~RFLAGS_CF;
	}
	set_flags(operands, which, flags);
	set_result(instruction, value, operands);
}

static void compute_bit(const struct mmio_instruction *instruction, uint64_t other,
			struct mmio_operands *operands)
{
	uint64_t bit = BIT(other & (8 * instruction->size - 1)), value = operands->memory;

	set_flags(operands, RFLAGS_CF, value & bit ? RFLAGS_CF : 0);
	if (instruction->operation == MMIO_BTS)
		value |= bit;
	else if (instruction->operation == MMIO_BTR)
		value &= ~bit;
	else if (instruction->operation == MMIO_BTC)
		value ^= bit;
	set_result(instruction, value, operands);
}

static uint64_t reversed(uint64_t value, unsigned int size)
{
	return __builtin_bswap64(value) >> (64 - 8 * size);
}

static uint64_t sign_extended(uint64_t value, unsigned int size)
{
	return (value ^ sign_of(size)) - sign_of(size);
}

static __attribute__((noinline)) void execute_any(const struct mmio_instruction *instruction,
						  struct mmio_operands *operands)
{
	uint64_t other = other_operand(instruction, operands), flags;
	unsigned int size = instruction->size;

	if (instruction->flags & MMIO_READS)
		operands->memory &= mask_of(size);

	switch (instruction->operation) {
	case MMIO_MOV:
	case MMIO_STOS:
	case MMIO_LODS:
	case MMIO_MOVZX:
		set_result(instruction, instruction->flags & MMIO_READS ? operands->memory : other,
			   operands);
		break;
	case MMIO_MOVSX:
		set_register(instruction, sign_extended(operands->memory, size), operands);
		break;
	case MMIO_MOVBE:
		set_result(
			instruction,
			reversed(instruction->flags & MMIO_READS ? operands->memory : other, size),
			operands);
		break;
	case MMIO_XCHG:
		set_register(instruction, operands->memory, operands);
		operands->memory = other;
		break;
	case MMIO_XADD:
		set_register(instruction, operands->memory, operands);
		operands->memory =
			add(operands->memory, other, false, size, &flags) & mask_of(size);
		set_flags(operands, STATUS_FLAGS, flags);
		break;
	case MMIO_NOT:
	case MMIO_NEG:
	case MMIO_INC:
	case MMIO_DEC:
		compute_alone(instruction, operands);
		break;
	case MMIO_BT:
	case MMIO_BTS:
	case MMIO_BTR:
	case MMIO_BTC:
		compute_bit(instruction, other, operands);
		break;
	case MMIO_MOVS:
	case MMIO_PUSH:
		break;
	default:
		compute(instruction, other, operands);
	}
}

void mmio_execute(const struct mmio_instruction *instruction, struct mmio_operands *operands)
{
	uint64_t value = operands->register_value;

	/* Most accesses by far are a MOV of 4 bytes. */
	if (__builtin_expect(instruction->operation != MMIO_MOV || instruction->size != 4, 0)) {
		execute_any(instruction, operands);
		return;
	}
	if (!(instruction->flags & MMIO_REGISTER))
		value = instruction->immediate;
	if (instruction->flags & MMIO_READS)
		operands->register_value = (uint32_t)operands->memory;
	else
		operands->memory = (uint32_t)value;
}
