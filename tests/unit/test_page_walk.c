/*
 * vmm/exit/page_walk.c: what each bit of an entry means in each paging mode, and that flags are
 * only set in an entry that is still what it was.
 */
#include "tests/unit/page_walk_fixture.h"

static uint32_t *entry32(unsigned int level)
{
	return (uint32_t *)(memory + table_at[level]);
}

static void use_pae(void)
{
	state.efer = 0;
	state.pdpte = TABLE1 | 1;
}

static void use_32bit(void)
{
	state.efer = 0;
	state.cr4 = CR4_PSE;
	state.cr3 = TABLE1;
	*entry32(1) = TABLE0 | ALL;
	*entry32(0) = FRAME | ALL;
}

static void expect_frame(uint64_t gpa)
{
	assert_int_equal(page_walk(&ram, &state, 0x123, false, &walked), PAGE_WALK_DONE);
	assert_int_equal(walked.gpa, gpa);
}

/* As RSVD, by each kind of access. */
static void expect_reserved(void)
{
	static const unsigned int cpls[] = {0, 3};

	for (unsigned int i = 0; i < 4; i++) {
		bool write = i & 1;

		state.cpl = cpls[i / 2];
		assert_int_equal(page_walk(&ram, &state, 0x123, write, &walked), PAGE_WALK_FAULT);
		assert_int_equal(walked.error_code,
				 P | RSVD | (write ? W : 0) | (state.cpl ? U : 0));
	}
	state.cpl = 0;
}

/* Each bit of an entry alone is reserved if it is in the mask, and only then; where an address bit
 * leads is another matter. */
static void expect_mask64(unsigned int level, uint64_t base, uint64_t reserved, uint64_t skip)
{
	for (unsigned int bit = 0; bit < 64; bit++) {
		enum page_walk_result result;

		if (BIT(bit) & (base | skip))
			continue;
		*entry(level) = base | BIT(bit);
		if (BIT(bit) & reserved) {
			expect_reserved();
			continue;
		}
		result = page_walk(&ram, &state, 0x123, false, &walked);
		assert_true(result != PAGE_WALK_FAULT || !(walked.error_code & RSVD));
	}
	*entry(level) = base;
}

#define NX	 BIT(63)
#define HIGH(m)	 (0x000fffffffffffffull & ~(BIT(m) - 1)) /* bits 51 to m */
#define LEGACY	 (0x7ffull << 52)
#define BELOW(n) ((BIT(n) - 1) & ~0x1fffull) /* bits n-1 to 13 */

static void reserved_bits_of_4_level_paging(void **unused)
{
	(void)unused;
	for (unsigned int bits = 36; bits <= 52; bits++) {
		uint64_t high = bits < 52 ? HIGH(bits) : 0;

		state.physical_bits = bits;
		for (unsigned int nxe = 0; nxe < 2; nxe++) {
			uint64_t all = high | (nxe ? 0 : NX);

			state.efer = EFER_LME | EFER_LMA | (nxe ? EFER_NXE : 0);
			state.pages_1g = false;
			expect_mask64(3, TABLE2 | ALL, all | LARGE, 0);
			expect_mask64(2, TABLE1 | ALL, all | LARGE, 0);
			state.pages_1g = true;
			expect_mask64(3, TABLE2 | ALL, all | LARGE, 0);
			expect_mask64(2, TABLE1 | ALL, all, LARGE);
			expect_mask64(2, LARGE | ALL, all | BELOW(30), 0);
			*entry(2) = TABLE1 | ALL;
			expect_mask64(1, TABLE0 | ALL, all, LARGE);
			expect_mask64(1, LARGE | ALL, all | BELOW(21), 0);
			*entry(1) = TABLE0 | ALL;
			expect_mask64(0, FRAME | ALL, all, 0);
		}
	}
}

static void reserved_bits_of_pae_paging(void **unused)
{
	(void)unused;
	use_pae();
	for (unsigned int bits = 36; bits <= 52; bits++) {
		uint64_t high = (bits < 52 ? HIGH(bits) : 0) | LEGACY;

		state.physical_bits = bits;
		assert_int_equal(pdpte_reserved_bits(bits), 0x1e6 | ~(BIT(bits) - 1));
		for (unsigned int bit = 1; bit < 64; bit++) {
			state.pdpte = TABLE1 | 1 | BIT(bit);
			if (BIT(bit) & pdpte_reserved_bits(bits))
				expect_reserved();
		}
		state.pdpte = TABLE1 | 1;
		for (unsigned int nxe = 0; nxe < 2; nxe++) {
			uint64_t all = high | (nxe ? 0 : NX);

			state.efer = nxe ? EFER_NXE : 0;
			expect_mask64(1, TABLE0 | ALL, all, LARGE);
			expect_mask64(1, LARGE | ALL, all | BELOW(21), 0);
			*entry(1) = TABLE0 | ALL;
			expect_mask64(0, FRAME | ALL, all, 0);
		}
	}
}

/* PSE-36 has no address bits beyond 40, whatever the CPU has. */
static void reserved_bits_of_32_bit_paging(void **unused)
{
	(void)unused;
	use_32bit();
	for (unsigned int bits = 36; bits <= 46; bits++) {
		state.physical_bits = bits;
		for (unsigned int bit = 12; bit < 22; bit++) {
			bool reserved = bit == 21 || (bit > 12 && bit - 13 + 32 >= bits);

			*entry32(1) = LARGE | ALL | 1u << bit;
			if (reserved)
				expect_reserved();
			else
				expect_frame(bit == 12 ? 0x123 : 0x123 | BIT(bit - 13 + 32));
		}
		*entry32(1) = TABLE0 | ALL;
		for (unsigned int bit = 7; bit < 12; bit++) {
			*entry32(0) = FRAME | ALL | 1u << bit;
			expect_frame(FRAME + 0x123);
		}
		/* without PSE bit 7 is ignored */
		state.cr4 = 0;
		*entry32(1) = TABLE0 | LARGE | ALL;
		expect_frame(FRAME + 0x123);
		state.cr4 = CR4_PSE;
	}
}

static void an_entry_that_is_not_present_has_no_reserved_bits(void **unused)
{
	(void)unused;
	for (unsigned int level = 0; level < 4; level++) {
		*entry(level) = ~1ull;
		assert_int_equal(page_walk(&ram, &state, 0, true, &walked), PAGE_WALK_FAULT);
		assert_int_equal(walked.error_code, W);
		build(3);
	}
}

static void a_reserved_bit_comes_before_rights(void **unused)
{
	(void)unused;
	state.cpl = 3;
	*entry(3) &= ~(uint64_t)ALL;
	*entry(3) |= 1;
	assert_int_equal(page_walk(&ram, &state, 0, true, &walked), PAGE_WALK_FAULT);
	assert_int_equal(walked.error_code, P | W | U);
	*entry(0) |= BIT(51);
	assert_int_equal(page_walk(&ram, &state, 0, true, &walked), PAGE_WALK_FAULT);
	assert_int_equal(walked.error_code, P | W | U | RSVD);
}

static void a_table_outside_the_memory_is_told_apart(void **unused)
{
	(void)unused;
	*entry(2) = 0x100000000ull | ALL;
	assert_int_equal(page_walk(&ram, &state, BIT(21), false, &walked), PAGE_WALK_NO_TABLE);
	assert_int_equal(walked.gpa, 0x100000008ull);
	assert_int_equal(*entry(3), TABLE2 | ALL);
}

static void a_finished_walk_marks_what_it_used(void **unused)
{
	(void)unused;
	assert_int_equal(page_walk(&ram, &state, 0, false, &walked), PAGE_WALK_DONE);
	assert_true(page_walk_mark(&ram, &walked));
	for (unsigned int level = 0; level < 4; level++)
		assert_int_equal(*entry(level) & 0x60, 0x20);
	assert_int_equal(page_walk(&ram, &state, 0, true, &walked), PAGE_WALK_DONE);
	assert_int_equal(walked.count, 1);
	assert_true(page_walk_mark(&ram, &walked));
	assert_int_equal(*entry(0), FRAME | ALL | 0x60);
	assert_int_equal(*entry(1) & 0x60, 0x20);
	assert_int_equal(page_walk(&ram, &state, 0, true, &walked), PAGE_WALK_DONE);
	assert_int_equal(walked.count, 0);
}

static void a_fault_marks_nothing(void **unused)
{
	uint8_t before[PAGES * 4096];

	(void)unused;
	*entry(0) &= ~2ull;
	memcpy(before, memory, sizeof(before));
	assert_int_equal(page_walk(&ram, &state, 0, true, &walked), PAGE_WALK_FAULT);
	assert_memory_equal(before, memory, sizeof(before));
}

/* Another CPU has changed an entry between the walk and the marking: its word stands. */
static void an_entry_that_has_changed_is_left_alone(void **unused)
{
	(void)unused;
	for (unsigned int level = 0; level < 4; level++) {
		build(3);
		assert_int_equal(page_walk(&ram, &state, 0, true, &walked), PAGE_WALK_DONE);
		*entry(level) = 0x7654321000000000ull;
		assert_false(page_walk_mark(&ram, &walked));
		assert_int_equal(*entry(level), 0x7654321000000000ull);
	}
	build(3);
	assert_int_equal(page_walk(&ram, &state, 0, true, &walked), PAGE_WALK_DONE);
	assert_true(page_walk_mark(&ram, &walked));
}

static void a_32_bit_entry_is_exchanged_alone(void **unused)
{
	(void)unused;
	use_32bit();
	entry32(0)[1] = 0x89abcdef;
	assert_int_equal(page_walk(&ram, &state, 0, true, &walked), PAGE_WALK_DONE);
	assert_true(page_walk_mark(&ram, &walked));
	assert_int_equal(entry32(0)[0], FRAME | ALL | 0x60);
	assert_int_equal(entry32(0)[1], 0x89abcdef);
	entry32(0)[0] = FRAME | ALL;
	assert_int_equal(page_walk(&ram, &state, 0, true, &walked), PAGE_WALK_DONE);
	entry32(0)[0] = 0;
	assert_false(page_walk_mark(&ram, &walked));
	assert_int_equal(entry32(0)[0], 0);
}

/* One entry that is used at two levels: the first marking makes the second one's view old. */
static void recursive_tables_are_walked_again(void **unused)
{
	unsigned int rounds = 0;

	(void)unused;
	*entry(3) = TABLE3 | ALL;
	do {
		assert_int_equal(page_walk(&ram, &state, 0, true, &walked), PAGE_WALK_DONE);
		rounds++;
	} while (!page_walk_mark(&ram, &walked));
	assert_int_equal(rounds, 2);
	assert_int_equal(*entry(3), TABLE3 | ALL | 0x60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reserved_bits_of_4_level_paging, setup, teardown),
		cmocka_unit_test_setup_teardown(reserved_bits_of_pae_paging, setup, teardown),
		cmocka_unit_test_setup_teardown(reserved_bits_of_32_bit_paging, setup, teardown),
		cmocka_unit_test_setup_teardown(an_entry_that_is_not_present_has_no_reserved_bits,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_reserved_bit_comes_before_rights, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_table_outside_the_memory_is_told_apart, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_finished_walk_marks_what_it_used, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_fault_marks_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(an_entry_that_has_changed_is_left_alone, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_32_bit_entry_is_exchanged_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(recursive_tables_are_walked_again, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
