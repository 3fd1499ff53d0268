/* vmx/breakpoints.c: which breakpoints an access meets, against a comparison byte by byte. */
#include "tests/unit/unit.h"

#include "vmx/breakpoints.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"

#define WRITE BREAKPOINT_WRITE
#define IO    BREAKPOINT_IO
#define READ  BREAKPOINT_READ

/* For those that read the registers, which a host cannot: tests/guest/debug_traps.c. */
uint64_t vmcs_read(enum vmcs_field field)
{
	(void)field;
	abort();
}

static uint64_t dr7_of(unsigned int n, unsigned int enable, unsigned int kind, unsigned int length)
{
	return (uint64_t)enable << 2 * n | (uint64_t)kind << (16 + 4 * n) |
	       (uint64_t)length << (18 + 4 * n);
}

/* SDM Vol. 3B 17.2.5: both ranges by their bytes, aligned to the breakpoint's length. */
static bool bytes_meet(uint64_t breakpoint, unsigned int length, uint64_t address,
		       unsigned int size)
{
	static const unsigned int bytes[] = {1, 2, 8, 4};

	for (unsigned int i = 0; i < bytes[length]; i++)
		for (unsigned int j = 0; j < size; j++)
			if (breakpoint / bytes[length] * bytes[length] + i == address + j)
				return true;
	return false;
}

static bool kind_meets(unsigned int kind, enum breakpoint_access access)
{
	switch (kind) {
	case 1:
		return access == WRITE;
	case 2:
		return access == IO;
	case 3:
		return access == WRITE || access == READ;
	default:
		return false;
	}
}

static void try_base(uint64_t base)
{
	static const enum breakpoint_access accesses[] = {WRITE, IO, READ};

	for (unsigned int i = 0; i < 4 * 4 * 16 * 32 * 3; i++) {
		unsigned int length = i % 4, kind = i / 4 % 4;
		uint64_t dr = base + 16 + i / 16 % 16, address = base + 8 + i / 256 % 32;
		enum breakpoint_access access = accesses[i / 8192];

		for (unsigned int size = 1; size <= 4; size *= 2) {
			unsigned int n = (i + size) % 4;
			uint64_t registers[4] = {};
			bool met =
				kind_meets(kind, access) && bytes_meet(dr, length, address, size);

			registers[n] = dr;
			for (unsigned int enable = 0; enable < 4; enable++)
				assert_int_equal(
					breakpoints_matched(registers,
							    dr7_of(n, enable, kind, length), access,
							    address, size),
					met && enable ? PENDING_DEBUG_ENABLED | PENDING_DEBUG_B(n)
						      : 0);
		}
	}
}

static void test_every_kind_length_and_distance(void **state)
{
	(void)state;
	try_base(0x80);
	try_base(0xffffffe0);
	try_base(0xffff8000fffffff0);
}

static void test_all_that_match_are_told_if_one_is_enabled(void **state)
{
	const uint64_t dr[4] = {0x1000, 0x1001, 0x1002, 0x2000};
	uint64_t all =
		dr7_of(0, 0, 1, 0) | dr7_of(1, 0, 3, 0) | dr7_of(2, 0, 2, 0) | dr7_of(3, 0, 1, 0);

	(void)state;
	assert_int_equal(breakpoints_matched(dr, all, WRITE, 0x1000, 4), 0);
	assert_int_equal(breakpoints_matched(dr, all | 1 << 6, WRITE, 0x1000, 4), 0);
	assert_int_equal(breakpoints_matched(dr, all | 1, WRITE, 0x1000, 4),
			 PENDING_DEBUG_ENABLED | PENDING_DEBUG_B(0) | PENDING_DEBUG_B(1));
	assert_int_equal(breakpoints_matched(dr, all | 0xff, READ, 0x1000, 4),
			 PENDING_DEBUG_ENABLED | PENDING_DEBUG_B(1));
	assert_int_equal(breakpoints_matched(dr, all | 0xff, IO, 0x1000, 4),
			 PENDING_DEBUG_ENABLED | PENDING_DEBUG_B(2));
}

/* A port is compared with the whole register. */
static void test_upper_bits_count(void **state)
{
	const uint64_t dr[4] = {0x10080, 0x100000080, 0x8000000000000080, 0xffffffffffff0080};

	(void)state;
	for (unsigned int n = 0; n < 4; n++)
		assert_int_equal(breakpoints_matched(dr, dr7_of(n, 3, 2, 3), IO, 0x80, 4), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_kind_length_and_distance),
		cmocka_unit_test(test_all_that_match_are_told_if_one_is_enabled),
		cmocka_unit_test(test_upper_bits_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
