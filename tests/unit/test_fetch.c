/*
 * vmm/exit/fetch.c: what is kept of an instruction is used as long as a fetch would find the same,
 * and no longer. The VMCS is an array; tables and code are in a guest's memory.
 */
#include "tests/unit/fetch_fixture.h"

static void what_was_fetched_is_kept(void **state)
{
	(void)state;
	assert_null(look());
	fetch_and_keep();
	assert_int_equal(look()->kind, KEPT_STORE);
	assert_int_equal(look()->instruction.length, sizeof(store));
	put_code(LINEAR, load, sizeof(load));
	fetch_and_keep();
	assert_int_equal(look()->kind, KEPT_LOAD);
	put_code(LINEAR, store_immediate, sizeof(store_immediate));
	fetch_and_keep();
	assert_int_equal(look()->kind, KEPT_STORE_IMMEDIATE);
	assert_int_equal(look()->instruction.immediate, 5);
}

static void other_bytes_are_another_instruction(void **state)
{
	/* MOV DWORD [RAX + RBX + 11223344h], 55667788h */
	static const uint8_t longest[] = {0xc7, 0x84, 0x18, 0x44, 0x33, 0x22,
					  0x11, 0x88, 0x77, 0x66, 0x55};

	(void)state;
	put_code(LINEAR, longest, sizeof(longest));
	for (unsigned int i = 0; i < 8 * sizeof(longest); i++) {
		fetch_and_keep();
		ram[CODE + LINEAR % PAGE + i / 8] ^= 1 << i % 8;
		assert_null(look());
		ram[CODE + LINEAR % PAGE + i / 8] ^= 1 << i % 8;
		assert_non_null(look());
	}
}

/* Also where it leads to the same, and the flag that a fetch would set. */
static void other_entries_are_another_translation(void **state)
{
	(void)state;
	for (unsigned int level = 0; level < 4; level++) {
		for (unsigned int bit = 0; bit < 64; bit++) {
			fetch_and_keep();
			*entry_of(level) ^= BIT(bit);
			assert_null(look());
			*entry_of(level) ^= BIT(bit);
			assert_non_null(look());
		}
	}
}

static void another_root_is_another_translation(void **state)
{
	(void)state;
	fetch_and_keep();
	fields[VMCS_GUEST_CR3] = OTHER;
	assert_null(look());
	fetch_and_keep();
	*((uint64_t *)(ram + OTHER) + (LINEAR >> 39 & 511)) = 0;
	assert_null(look());
}

static void an_entry_that_was_not_accessed_is_marked_before_it_is_kept(void **state)
{
	(void)state;
	*entry_of(0) &= ~0x20ull;
	assert_int_equal(fetch_it(), 0);
	assert_true(*entry_of(0) & 0x20);
	assert_null(look());
	fetch_and_keep();
}

static void large_pages_have_fewer_entries(void **state)
{
	(void)state;
	*entry_of(1) = PRESENT | 0x80; /* 2 MiB from 0 */
	memcpy(ram + (LINEAR & 0x1fffff), load, sizeof(load));
	fetch_and_keep();
	*entry_of(1) ^= BIT(21);
	assert_null(look());
}

/* The same bytes mean another thing. */
static void another_mode_is_another_instruction(void **state)
{
	static const uint8_t rex[] = {0x48, 0x89, 0x08}; /* DEC EAX, outside of 64-bit mode */

	(void)state;
	put_code(LINEAR, rex, sizeof(rex));
	fields[VMCS_GUEST_RIP] = LINEAR;
	fetch_and_keep();
	assert_int_equal(look()->instruction.size, 8);
	fields[VMCS_GUEST_CS_ACCESS_RIGHTS] = CS_32;
	assert_null(look());
	vcpu.long_mode = false;
	fields[VMCS_GUEST_CS_ACCESS_RIGHTS] = CS_64; /* L says nothing there */
	assert_null(look());
}

static void use_32(uint64_t cr0)
{
	vcpu.long_mode = false;
	fields[VMCS_GUEST_CR0] = cr0;
	fields[VMCS_GUEST_CR3] = TABLE(1);
	fields[VMCS_GUEST_CR4] = 0;
	vcpu.efer = 0;
	fields[VMCS_GUEST_CS_ACCESS_RIGHTS] = CS_32;
	fields[VMCS_GUEST_CS_BASE] = 0x1000;
	fields[VMCS_GUEST_RIP] = CODE - 0x1000;
	memcpy(ram + CODE, store, sizeof(store));
}

static void without_paging_all_registers_are_looked_at(void **state)
{
	static const enum vmcs_field all[] = {
		VMCS_GUEST_CR0,	    VMCS_GUEST_CR3, VMCS_GUEST_CR4,
		VMCS_GUEST_CS_BASE, VMCS_GUEST_RIP, VMCS_GUEST_CS_ACCESS_RIGHTS,
	};

	(void)state;
	use_32(CR0_PE);
	fetch_and_keep();
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		fields[all[i]] ^= BIT(14);
		assert_null(look());
		fields[all[i]] ^= BIT(14);
		assert_non_null(look());
	}
	vcpu.efer ^= EFER_NXE;
	assert_null(look());
	vcpu.efer ^= EFER_NXE;
	assert_non_null(look());
}

/* Of two entries in 8 bytes each. */
static void entries_of_32_bits_are_looked_at(void **state)
{
	uint32_t *directory, *table;

	(void)state;
	use_32(CR0_PE | CR0_PG);
	memset(ram + TABLE(0), 0, 2 * PAGE);
	directory = (uint32_t *)(ram + TABLE(1));
	table = (uint32_t *)(ram + TABLE(0));
	directory[0] = TABLE(0) | PRESENT;
	table[CODE / PAGE] = CODE | PRESENT;
	fetch_and_keep();
	table[CODE / PAGE] ^= 0x10000;
	assert_null(look());
	table[CODE / PAGE] ^= 0x10000;
	assert_non_null(look());
	directory[0] ^= 0x2000;
	assert_null(look());
}

static void of_pae_paging_nothing_is_kept(void **state)
{
	(void)state;
	use_32(CR0_PE | CR0_PG);
	fields[VMCS_GUEST_CR4] = CR4_PAE;
	fields[VMCS_GUEST_PDPTE0] = TABLE(2) | 1;
	*(uint64_t *)(ram + TABLE(2)) = TABLE(3) | PRESENT;
	*((uint64_t *)(ram + TABLE(3)) + CODE / PAGE) = CODE | PRESENT;
	assert_int_equal(fetch_it(), 0);
	assert_int_equal(fetched.operation, MMIO_MOV);
	assert_null(look());
}

static void at_the_end_of_a_page_nothing_is_kept(void **state)
{
	uint64_t last = (LINEAR & ~0xfffull) + PAGE - 15;

	(void)state;
	put_code(last - 1, store, sizeof(store));
	fields[VMCS_GUEST_RIP] = last - 1;
	fetch_and_keep();
	put_code(last, store, sizeof(store));
	fields[VMCS_GUEST_RIP] = last;
	assert_int_equal(fetch_it(), 0);
	assert_null(look());
}

static void two_of_one_place_are_kept_beside_each_other(void **state)
{
	uint64_t other = LINEAR;

	(void)state;
	do
		other += 4;
	while (fetch_place(&vcpu, other) != fetch_place(&vcpu, LINEAR));
	assert_int_equal(other >> 12, LINEAR >> 12);
	put_code(other, load, sizeof(load));
	fetch_and_keep();
	fields[VMCS_GUEST_RIP] = other;
	fetch_and_keep();
	assert_int_equal(look()->kind, KEPT_LOAD);
	fields[VMCS_GUEST_RIP] = LINEAR;
	assert_non_null(look());
	assert_int_equal(look()->kind, KEPT_STORE);
	*entry_of(0) ^= BIT(13);
	assert_null(look());
}

/* What a fetch would give now. */
static bool would_be(struct mmio_instruction *instruction)
{
	uint64_t cs = fields[VMCS_GUEST_CS_ACCESS_RIGHTS], linear = fields[VMCS_GUEST_RIP];
	bool is_64 = vcpu.long_mode && (cs & ACCESS_RIGHTS_L);
	struct page_walk walk;
	const uint8_t *code;

	if (!is_64)
		linear = (uint32_t)(linear + fields[VMCS_GUEST_CS_BASE]);
	if (!guest_walk(&vcpu, linear, &walk))
		return false;
	code = guest_ram_at(&vm.ram, walk.gpa, 16);
	memset(instruction, 0, sizeof(*instruction));
	return code && !mmio_decode(code, MMIO_INSTRUCTION_MAX,
				    is_64		    ? MMIO_CODE_64
				    : cs & ACCESS_RIGHTS_DB ? MMIO_CODE_32
							    : MMIO_CODE_16,
				    instruction);
}

static void expect_the_same(void)
{
	const struct kept_instruction *found = look();
	struct mmio_instruction now;

	if (!found)
		return;
	assert_true(would_be(&now));
	assert_int_equal(found->instruction.operation, now.operation);
	assert_int_equal(found->instruction.flags, now.flags);
	assert_int_equal(found->instruction.size, now.size);
	assert_int_equal(found->instruction.number, now.number);
	assert_int_equal(found->instruction.length, now.length);
	assert_int_equal(found->instruction.immediate, now.immediate);
}

static void mostly_set(enum vmcs_field field, uint64_t random, uint64_t a, uint64_t b)
{
	fields[field] = random % 3 ? a : b;
}

/* Whatever changes, and in whatever order. */
static void what_is_kept_is_what_a_fetch_would_give(void **state)
{
	static const uint8_t *const codes[] = {store, load, store_immediate};
	unsigned int found = 0;
	uint64_t seed = 42;

	(void)state;
	memcpy(ram + ELSEWHERE, ram + CODE, PAGE);
	for (unsigned int i = 0; i < 300000; i++) {
		uint64_t random = random_next(&seed), choice = random >> 8 & 0xff;

		switch (random >> 16 & 15) {
		case 0:
			*entry_of(0) = (choice & 1 ? CODE : ELSEWHERE) | PRESENT;
			break;
		case 1:
			*entry_of(choice % 4) ^= BIT(choice >> 2);
			break;
		case 2:
			map();
			break;
		case 3:
			memcpy(ram + (choice & 1 ? CODE : ELSEWHERE) + LINEAR % PAGE,
			       codes[choice % 3], 2);
			break;
		case 4:
			mostly_set(VMCS_GUEST_CR3, choice, TABLE(3), OTHER);
			break;
		case 5:
			mostly_set(VMCS_GUEST_CS_ACCESS_RIGHTS, choice, CS_64, CS_32);
			break;
		case 6:
			fields[VMCS_GUEST_RIP] = LINEAR + choice % 3;
			break;
		case 7:
			if (choice < 16)
				use_32(choice & 1 ? CR0_PE : CR0_PE | CR0_PG);
			else
				use_64();
			break;
		default:
			fetch_it();
			break;
		}
		found += look() != NULL;
		expect_the_same();
	}
	assert_true(found > 20000);
}

#define fetch_test(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		fetch_test(what_was_fetched_is_kept),
		fetch_test(other_bytes_are_another_instruction),
		fetch_test(other_entries_are_another_translation),
		fetch_test(another_root_is_another_translation),
		fetch_test(an_entry_that_was_not_accessed_is_marked_before_it_is_kept),
		fetch_test(large_pages_have_fewer_entries),
		fetch_test(another_mode_is_another_instruction),
		fetch_test(without_paging_all_registers_are_looked_at),
		fetch_test(entries_of_32_bits_are_looked_at),
		fetch_test(of_pae_paging_nothing_is_kept),
		fetch_test(at_the_end_of_a_page_nothing_is_kept),
		fetch_test(two_of_one_place_are_kept_beside_each_other),
		fetch_test(what_is_kept_is_what_a_fetch_would_give),
	};

	return cmocka_run_group_tests_name("fetch", tests, NULL, NULL);
}
