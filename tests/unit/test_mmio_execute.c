/*
 * Each instruction computes what the CPU that runs this test computes: memory, register, flags.
 */
#include "tests/unit/unit.h"

#include <cpuid.h>
#include <sys/mman.h>

#include "tests/unit/mmio_native.h"
#include "vmm/exit/mmio_decode.h"
#include "vmm/exit/mmio_execute.h"

#define CF     0x001
#define PF     0x004
#define AF     0x010
#define ZF     0x040
#define SF     0x080
#define OF     0x800
#define STATUS (CF | PF | AF | ZF | SF | OF)

#define AX 0
#define CX 1

static uint8_t *code;	  /* a page that can be executed */
static uint64_t place[3]; /* the memory operand is the second */

static int map_code(void **state)
{
	(void)state;
	code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	return code == MAP_FAILED ? -1 : 0;
}

static int unmap_code(void **state)
{
	(void)state;
	return munmap(code, 4096);
}

/* Runs what is at `code`, with the operand at RDI and RSI, and the register in RAX and RCX. */
static void run(unsigned int number, struct mmio_operands *operands)
{
	uint64_t rax = operands->register_value, rcx = rax, flags = operands->rflags;
	void *rdi = &place[1], *rsi = rdi;

	place[1] = operands->memory;
	__asm__ volatile("lea -128(%%rsp), %%rsp\n" /* past the red zone */
			 "push %[flags]\n"
			 "popf\n"
			 "call *%[code]\n"
			 "pushf\n"
			 "pop %[flags]\n"
			 "cld\n"
			 "lea 128(%%rsp), %%rsp"
			 : "+a"(rax), "+c"(rcx), "+D"(rdi), "+S"(rsi), [flags] "+r"(flags)
			 : [code] "r"(code)
			 : "memory", "cc");
	operands->memory = place[1];
	operands->register_value = number == AX ? rax : rcx;
	operands->rflags = flags;
}

/* What the SDM leaves undefined. */
static uint64_t undefined_flags(enum mmio_operation operation)
{
	switch (operation) {
	case MMIO_AND:
	case MMIO_OR:
	case MMIO_XOR:
	case MMIO_TEST:
		return AF;
	case MMIO_BT:
	case MMIO_BTS:
	case MMIO_BTR:
	case MMIO_BTC:
		return PF | AF | SF | OF;
	default:
		return 0;
	}
}

static uint64_t low_bytes(uint64_t value, unsigned int size)
{
	return size == 8 ? value : value & ((1ull << 8 * size) - 1);
}

static void check_once(const char *text, const struct mmio_instruction *instruction,
		       const struct mmio_operands *before)
{
	uint64_t flags = STATUS & ~undefined_flags(instruction->operation);
	struct mmio_operands real = *before, computed = *before;
	unsigned int size = instruction->size;
	uint64_t memory;

	place[0] = place[2] = 0x5a5a5a5a5a5a5a5a;
	run(instruction->number, &real);
	assert_true(place[0] == place[2] && place[0] == 0x5a5a5a5a5a5a5a5a);

	if (instruction->flags & MMIO_READS)
		computed.memory = low_bytes(computed.memory, size);
	else
		computed.memory = 0xa5a5a5a5a5a5a5a5; /* no device was read */
	mmio_execute(instruction, &computed);

	memory = before->memory;
	if (instruction->flags & MMIO_WRITES)
		memory ^= low_bytes(memory, size) ^ computed.memory;
	if (memory == real.memory && computed.register_value == real.register_value &&
	    !((computed.rflags ^ real.rflags) & flags) &&
	    !((computed.rflags ^ before->rflags) & ~STATUS))
		return;
	fail_msg("%s with %#lx, %#lx, flags %#lx: %#lx, %#lx, flags %#lx are not %#lx, %#lx, %#lx",
		 text, before->memory, before->register_value, before->rflags, memory,
		 computed.register_value, computed.rflags & STATUS, real.memory,
		 real.register_value, real.rflags & STATUS);
}

static uint64_t some_value(uint64_t *random)
{
	uint64_t value = random_next(random), kind = random_next(random) >> 60;
	unsigned int bit = value >> 58;

	switch (kind) {
	case 0:
		return 1ull << bit;
	case 1:
		return (1ull << bit) - 1;
	case 2:
		return -(1ull << bit);
	case 3:
		return 0;
	case 4:
		return ~0ull;
	case 5:
		return 0x8080808080808080 ^ (value & 1) << 7;
	default:
		return value;
	}
}

static void check_native(const struct native *native)
{
	struct mmio_instruction instruction;
	uint64_t random = 3;

	assert_int_equal(mmio_decode((const uint8_t *)native->bytes, native->count, MMIO_CODE_64,
				     &instruction),
			 0);
	assert_int_equal(instruction.length, native->count);
	assert_in_range(instruction.number, AX, CX);
	memcpy(code, native->bytes, native->count);
	code[native->count] = 0xc3; /* ret */
	for (unsigned int i = 0; i < 2000; i++) {
		struct mmio_operands before = {
			.memory = some_value(&random),
			.register_value = some_value(&random),
			.rflags = (random_next(&random) & STATUS) | 0x202,
		};

		if (i % 8 == 0)
			before.register_value = before.memory;
		check_once(native->text, &instruction, &before);
	}
}

static void check_natives(const struct native *native, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		check_native(&native[i]);
}

static void moves_and_strings_write_as_much_as_their_width(void **state)
{
	(void)state;
	check_natives(native_moves, ARRAY_SIZE(native_moves));
}

static void extensions_fill_the_register_with_zeros_or_the_sign(void **state)
{
	(void)state;
	check_natives(native_extensions, ARRAY_SIZE(native_extensions));
}

static void movbe_reverses_the_bytes(void **state)
{
	(void)state;
	unsigned int eax, ebx, ecx, edx;

	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & bit_MOVBE))
		skip();
	check_natives(native_movbe, ARRAY_SIZE(native_movbe));
}

static void arithmetic_and_comparisons_compute_result_and_flags(void **state)
{
	(void)state;
	check_natives(native_arithmetic, ARRAY_SIZE(native_arithmetic));
}

static void instructions_of_one_operand_compute_result_and_flags(void **state)
{
	(void)state;
	check_natives(native_alone, ARRAY_SIZE(native_alone));
}

static void xchg_and_xadd_compute_register_memory_and_flags(void **state)
{
	(void)state;
	check_natives(native_exchanges, ARRAY_SIZE(native_exchanges));
}

static void bit_tests_compute_carry_and_memory(void **state)
{
	(void)state;
	check_natives(native_bits, ARRAY_SIZE(native_bits));
}

/* With a register the address is the bit's own unit: the number counts from there. */
static void bit_tests_with_a_register_take_its_number_within_the_unit(void **state)
{
	static const struct {
		uint8_t bytes[4];
		unsigned int count, size;
	} tests[] = {
		{{0x66, 0x0f, 0xab, 0x0f}, 4, 2}, /* bts %cx,(%rdi) */
		{{0x0f, 0xab, 0x0f}, 3, 4},
		{{0x48, 0x0f, 0xab, 0x0f}, 4, 8},
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(tests); i++)
		for (uint64_t number = 0; number < 200; number++) {
			struct mmio_operands operands = {0, number - 100, CF | 0x202};
			struct mmio_instruction instruction;

			assert_int_equal(mmio_decode(tests[i].bytes, tests[i].count, MMIO_CODE_64,
						     &instruction),
					 0);
			mmio_execute(&instruction, &operands);
			assert_int_equal(operands.memory,
					 1ull << ((number - 100) % (8 * tests[i].size)));
			assert_int_equal(operands.rflags, 0x202);
			assert_int_equal(operands.register_value, number - 100);
		}
}

static void push_gives_what_was_read(void **state)
{
	static const uint8_t pushw[] = {0x66, 0xff, 0x37};
	struct mmio_operands operands = {0x123456789abcdef0, 1, 0x202};
	struct mmio_instruction instruction;

	(void)state;
	assert_int_equal(mmio_decode(pushw, sizeof(pushw), MMIO_CODE_64, &instruction), 0);
	mmio_execute(&instruction, &operands);
	assert_int_equal(operands.memory, 0xdef0);
	assert_int_equal(operands.register_value, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moves_and_strings_write_as_much_as_their_width),
		cmocka_unit_test(extensions_fill_the_register_with_zeros_or_the_sign),
		cmocka_unit_test(movbe_reverses_the_bytes),
		cmocka_unit_test(arithmetic_and_comparisons_compute_result_and_flags),
		cmocka_unit_test(instructions_of_one_operand_compute_result_and_flags),
		cmocka_unit_test(xchg_and_xadd_compute_register_memory_and_flags),
		cmocka_unit_test(bit_tests_compute_carry_and_memory),
		cmocka_unit_test(bit_tests_with_a_register_take_its_number_within_the_unit),
		cmocka_unit_test(push_gives_what_was_read),
	};

	return cmocka_run_group_tests_name("mmio_execute", tests, map_code, unmap_code);
}
