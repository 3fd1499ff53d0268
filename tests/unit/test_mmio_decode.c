/*
 * Which instruction it is, how long, and what it does: in 16-, 32- and 64-bit code, with every
 * prefix, and with too few bytes.
 */
#include "tests/unit/unit.h"

#include "tests/unit/mmio_rows.h"
#include "vmm/exit/mmio_decode.h"

#define MAX MMIO_INSTRUCTION_MAX

static const enum mmio_code codes[] = {MMIO_CODE_16, MMIO_CODE_32, MMIO_CODE_64};

/* Decodes a copy of exactly count bytes. */
static int decode(const void *bytes, unsigned int count, enum mmio_code code,
		  struct mmio_instruction *instruction)
{
	uint8_t *copy = exact_copy(bytes, count);
	int result = mmio_decode(copy, count, code, instruction);

	free(copy);
	return result;
}

static void assert_same(const char *text, const struct mmio_instruction *is,
			const struct mmio_instruction *expected)
{
	if (!memcmp(is, expected, sizeof(*is)))
		return;
	fail_msg("%s: operation %u flags %#x size %u number %u register %u length %u address %u "
		 "segment %u immediate %#lx",
		 text, is->operation, is->flags, is->size, is->number, is->register_size,
		 is->length, is->address_size, is->segment, is->immediate);
}

static void check_row(const struct row *row)
{
	struct mmio_instruction expected = row_expected(row), instruction;
	uint8_t bytes[MAX];

	memset(bytes, 0xcc, sizeof(bytes));
	memcpy(bytes, row->bytes, row->count);
	assert_int_equal(decode(bytes, MAX, row->code, &instruction), 0);
	assert_same(row->text, &instruction, &expected);
	assert_int_equal(decode(bytes, row->count, row->code, &instruction), 0);
	assert_same(row->text, &instruction, &expected);
	for (unsigned int count = 0; count < row->count; count++)
		if (decode(bytes, count, row->code, &instruction) != -EAGAIN)
			fail_msg("%s: %u bytes are not too few", row->text, count);
}

static void check_rows(const struct row *rows, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		check_row(&rows[i]);
}

static void mov_is_decoded_in_every_form_and_mode(void **state)
{
	(void)state;
	check_rows(moves_rows, ARRAY_SIZE(moves_rows));
}

static void movzx_and_movsx_have_a_size_in_memory_and_one_in_the_register(void **state)
{
	(void)state;
	check_rows(extensions_rows, ARRAY_SIZE(extensions_rows));
}

static void arithmetic_comparisons_and_tests_are_decoded(void **state)
{
	(void)state;
	check_rows(arithmetic_rows, ARRAY_SIZE(arithmetic_rows));
}

static void xchg_and_xadd_set_a_register_and_memory(void **state)
{
	(void)state;
	check_rows(exchanges_rows, ARRAY_SIZE(exchanges_rows));
}

static void bit_tests_are_decoded_with_a_register_and_an_immediate(void **state)
{
	(void)state;
	check_rows(bits_rows, ARRAY_SIZE(bits_rows));
}

static void push_is_of_8_bytes_in_64_bit_mode_or_of_2(void **state)
{
	(void)state;
	check_rows(pushes_rows, ARRAY_SIZE(pushes_rows));
}

static void string_moves_tell_their_segment_and_whether_they_repeat(void **state)
{
	(void)state;
	check_rows(strings_rows, ARRAY_SIZE(strings_rows));
}

static void prefixes_count_as_a_cpu_counts_them(void **state)
{
	(void)state;
	check_rows(prefixes_rows, ARRAY_SIZE(prefixes_rows));
}

struct refused {
	const char *bytes; /* the others are 0 */
	unsigned int count;
};

#define REFUSED(bytes)                                                                             \
	{                                                                                          \
		bytes, sizeof(bytes) - 1                                                           \
	}

static void check_refused(enum mmio_code code, const struct refused *refused, unsigned int count)
{
	struct mmio_instruction instruction;

	for (unsigned int i = 0; i < count; i++) {
		uint8_t bytes[MAX] = {0};

		memcpy(bytes, refused[i].bytes, refused[i].count);
		if (decode(bytes, MAX, code, &instruction) != -EINVAL)
			fail_msg("row %u of %u-bit code is not refused", i, 8 * code);
	}
}

static void what_is_no_such_instruction_is_refused(void **state)
{
	static const struct refused everywhere[] = {
		REFUSED("\x89\xc7"),	 /* mov %eax,%edi */
		REFUSED("\x0f\xb6\xff"), /* movzbl %bh,%edi */
		REFUSED("\xc7\x0f"),	 /* C7 /1 */
		REFUSED("\xc6\xf8\x00"), /* xabort */
		REFUSED("\x80\xc0\x01"), /* add $1,%al */
		REFUSED("\xa6"),	 /* cmpsb */
		REFUSED("\xae"),	 /* scasb */
		REFUSED("\xa8\x01"),	 /* test $1,%al */
		REFUSED("\xf6\x27"),	 /* mulb */
		REFUSED("\xfe\x37"),	 /* FE /6 */
		REFUSED("\xff\x17"),	 /* call */
		REFUSED("\xff\x27"),	 /* jmp */
		REFUSED("\xff\x3f"),	 /* FF /7 */
		REFUSED("\x8f\x07"),	 /* pop */
		REFUSED("\xd1\x27"),	 /* shll */
		REFUSED("\xd9\x07"),	 /* flds */
		REFUSED("\x0f\x0b"),	 /* ud2 */
		REFUSED("\x0f\xba\x07\x01"),
		REFUSED("\x0f\xb1\x07"),	     /* cmpxchg */
		REFUSED("\x0f\xff\x07"),	     /* ud0 */
		REFUSED("\x0f\x29\x07"),	     /* movaps */
		REFUSED("\x0f\x11\x07"),	     /* movups */
		REFUSED("\x66\x0f\x7f\x07"),	     /* movdqa */
		REFUSED("\xf3\x0f\x6f\x07"),	     /* movdqu */
		REFUSED("\xc5\xfe\x7f\x07"),	     /* vmovdqu */
		REFUSED("\x62\xf1\x7d\x48\x7f\x07"), /* vmovdqa32 */
		REFUSED("\x0f\x38\xf1\xc0"),
		REFUSED("\x0f\x38\x00\x07"), /* pshufb */
		REFUSED("\x0f\x38\xf5\x07"),
		REFUSED("\xf2\x0f\x38\xf0\x07"), /* crc32b */
		REFUSED("\xf3\x0f\x38\xf0\x07"),
		REFUSED("\x66\x0f\xc3\x07"), /* movnti has no such prefix */
		REFUSED("\xf3\x0f\xc3\x07"),
	};
	static const struct refused not_64[] = {
		REFUSED("\x41\x89\x07"), /* inc %ecx */
		REFUSED("\x63\x07"),	 /* arpl */
		REFUSED("\xc4\x07"),	 /* les */
	};
	static const struct refused only_64[] = {
		REFUSED("\x82\x07\x01"),
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(codes); i++)
		check_refused(codes[i], everywhere, ARRAY_SIZE(everywhere));
	check_refused(MMIO_CODE_16, not_64, ARRAY_SIZE(not_64));
	check_refused(MMIO_CODE_32, not_64, ARRAY_SIZE(not_64));
	check_refused(MMIO_CODE_64, only_64, ARRAY_SIZE(only_64));
}

static void lock_is_refused_where_a_cpu_refuses_it(void **state)
{
	static const struct refused locked[] = {
		REFUSED("\xf0\x89\x07"), /* mov */
		REFUSED("\xf0\x8b\x07"),
		REFUSED("\xf0\xc7\x07"),
		REFUSED("\xf0\xa1"),
		REFUSED("\xf0\x03\x07"), /* add (%rdi),%eax */
		REFUSED("\xf0\x39\x07"), /* cmp */
		REFUSED("\xf0\x3b\x07"),
		REFUSED("\xf0\x83\x3f"),
		REFUSED("\xf0\x85\x07"), /* test */
		REFUSED("\xf0\xf7\x07"),
		REFUSED("\xf0\xff\x37"),     /* push */
		REFUSED("\xf0\xa4"),	     /* movsb */
		REFUSED("\xf0\xab"),	     /* stos */
		REFUSED("\xf0\x0f\xa3\x07"), /* bt */
		REFUSED("\xf0\x0f\xba\x27"),
		REFUSED("\xf0\x0f\xb6\x07"), /* movzbl */
		REFUSED("\xf0\x0f\xc3\x07"), /* movnti */
		REFUSED("\xf0\x0f\x38\xf1\x07"),
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(codes); i++)
		check_refused(codes[i], locked, ARRAY_SIZE(locked));
}

static void what_is_longer_than_fifteen_bytes_is_refused(void **state)
{
	static const uint8_t tails[][9] = {
		{0x89, 0x87, 1, 2, 3, 4},
		{0x8b, 0x04, 0x25, 1, 2, 3, 4},
		{0xa3, 1, 2, 3, 4, 5, 6, 7, 8},
		{0x0f, 0x38, 0xf1, 0x07},
		{0xc6, 0x07, 1},
		{0xaa},
	};
	static const uint8_t lengths[] = {6, 7, 9, 4, 3, 1};
	struct mmio_instruction instruction;
	uint8_t bytes[2 * MAX];

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(tails); i++)
		for (unsigned int prefixes = 0; prefixes <= MAX; prefixes++) {
			memset(bytes, 0x2e, sizeof(bytes));
			memcpy(bytes + prefixes, tails[i], lengths[i]);
			assert_int_equal(decode(bytes, MAX, MMIO_CODE_64, &instruction),
					 prefixes + lengths[i] <= MAX ? 0 : -EINVAL);
		}
}

/* What holds of any bytes. False: they are none of the instructions. */
static bool check_any(const uint8_t *bytes, enum mmio_code code)
{
	struct mmio_instruction whole, exact;
	int result = decode(bytes, MAX, code, &whole);

	if (result == -EINVAL)
		return false;
	assert_int_equal(result, 0);
	assert_in_range(whole.length, 1, MAX);
	assert_in_range(whole.operation, MMIO_MOV, MMIO_MOVS);
	assert_true(whole.size == 1 || whole.size == 2 || whole.size == 4 || whole.size == 8);
	assert_true(whole.register_size >= whole.size);
	assert_true(whole.number < 8 || code == MMIO_CODE_64);
	assert_true(whole.flags & (MMIO_READS | MMIO_WRITES));
	if (whole.flags & MMIO_HIGH_BYTE)
		assert_true(whole.number < 4 && whole.register_size == 1);
	if (!(whole.flags & MMIO_REGISTER))
		assert_false(whole.number || (whole.flags & MMIO_SETS_REGISTER));

	assert_int_equal(decode(bytes, whole.length, code, &exact), 0);
	assert_memory_equal(&exact, &whole, sizeof(whole));
	assert_int_equal(decode(bytes, whole.length - 1, code, &exact), -EAGAIN);
	return true;
}

static void every_opcode_with_every_modrm_is_told_alike_by_fewer_and_more_bytes(void **state)
{
	static const uint8_t before[][3] = {{0}, {0x0f}, {0x66}, {0x48}, {0x45}, {0x67}};
	static const uint8_t lengths[] = {0, 1, 1, 1, 1, 1};
	uint64_t random = 1;
	uint8_t bytes[MAX];

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(before) * 0x10000; i++) {
		unsigned int row = i >> 16, at = lengths[row];

		for (unsigned int j = 0; j < MAX; j++)
			bytes[j] = random_next(&random) >> 32;
		memcpy(bytes, before[row], at);
		bytes[at] = i >> 8;
		bytes[at + 1] = i;
		for (unsigned int j = 0; j < ARRAY_SIZE(codes); j++)
			check_any(bytes, codes[j]);
	}
}

static void random_bytes_do_no_harm(void **state)
{
	static const uint8_t likely[] = {0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x2e, 0x64, 0x48,
					 0x41, 0x0f, 0x38, 0xba, 0x89, 0x8b, 0xc7, 0x81};
	unsigned int decoded = 0;
	uint64_t random = 2;
	uint8_t bytes[MAX];

	(void)state;
	for (unsigned int i = 0; i < 300000; i++) {
		unsigned int chosen = random_next(&random) >> 61;

		for (unsigned int j = 0; j < MAX; j++) {
			uint64_t number = random_next(&random) >> 32;

			bytes[j] = j < chosen ? likely[number % ARRAY_SIZE(likely)] : number;
		}
		decoded += check_any(bytes, codes[i % ARRAY_SIZE(codes)]);
	}
	assert_true(decoded > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mov_is_decoded_in_every_form_and_mode),
		cmocka_unit_test(movzx_and_movsx_have_a_size_in_memory_and_one_in_the_register),
		cmocka_unit_test(arithmetic_comparisons_and_tests_are_decoded),
		cmocka_unit_test(xchg_and_xadd_set_a_register_and_memory),
		cmocka_unit_test(bit_tests_are_decoded_with_a_register_and_an_immediate),
		cmocka_unit_test(push_is_of_8_bytes_in_64_bit_mode_or_of_2),
		cmocka_unit_test(string_moves_tell_their_segment_and_whether_they_repeat),
		cmocka_unit_test(prefixes_count_as_a_cpu_counts_them),
		cmocka_unit_test(what_is_no_such_instruction_is_refused),
		cmocka_unit_test(lock_is_refused_where_a_cpu_refuses_it),
		cmocka_unit_test(what_is_longer_than_fifteen_bytes_is_refused),
		cmocka_unit_test(
			every_opcode_with_every_modrm_is_told_alike_by_fewer_and_more_bytes),
		cmocka_unit_test(random_bytes_do_no_harm),
	};

	return cmocka_run_group_tests_name("mmio_decode", tests, NULL, NULL);
}
