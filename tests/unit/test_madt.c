#include "tests/unit/unit.h"

#include "boot/madt.h"

#define HEADER 44

/* A MADT with a local APIC, two I/O APICs around an override, and something new. */
static uint32_t make_madt(uint8_t *madt)
{
	static const uint8_t entries[] = {
		0,    8,  0, 0, 1, 0,	 0,    0,		  /* processor local APIC */
		1,    12, 2, 0, 0, 0,	 0xc0, 0xfe, 0,	 0, 0, 0, /* I/O APIC at FEC00000h */
		2,    10, 0, 0, 2, 0,	 0,    0,    0,	 0,	  /* interrupt source override */
		1,    12, 3, 0, 0, 0x10, 0xc0, 0xfe, 24, 0, 0, 0, /* FEC01000h */
		0x7f, 3,  0,
	};

	memset(madt, 0, HEADER);
	memcpy(madt + HEADER, entries, sizeof(entries));
	return HEADER + sizeof(entries);
}

static void every_io_apic_of_the_madt_is_found(void **state)
{
	uint8_t madt[256];
	uint32_t length = make_madt(madt), address[4] = {};

	(void)state;
	assert_int_equal(madt_ioapics(madt, length, address, 4), 2);
	assert_int_equal(address[0], 0xfec00000);
	assert_int_equal(address[1], 0xfec01000);
	assert_int_equal(madt_ioapics(madt, length, address, 1), 1);
}

static void a_madt_cut_short_anywhere_is_read_up_to_there(void **state)
{
	uint8_t madt[256];
	uint32_t whole = make_madt(madt), address[4];

	(void)state;
	for (uint32_t length = 0; length <= whole; length++) {
		uint8_t *copy = exact_copy(madt, length);
		unsigned int expected = (length >= HEADER + 20) + (length >= HEADER + 42);

		assert_int_equal(madt_ioapics(copy, length, address, 4), expected);
		free(copy);
	}
}

static void an_entry_without_length_or_too_short_is_no_io_apic(void **state)
{
	uint8_t madt[256];
	uint32_t length = make_madt(madt), address[4];

	(void)state;
	madt[HEADER + 8 + 1] = 0;
	assert_int_equal(madt_ioapics(madt, length, address, 4), 0);
	madt[HEADER + 8 + 1] = 1;
	assert_int_equal(madt_ioapics(madt, length, address, 4), 0);
	make_madt(madt);
	madt[HEADER + 8] = 9;
	assert_int_equal(madt_ioapics(madt, length, address, 4), 1);
	make_madt(madt);
	madt[HEADER + 8 + 1] = 11;
	assert_int_equal(madt_ioapics(madt, HEADER + 8 + 11, address, 4), 0);
}

/* One entry for a CPU; its reserved bytes and its processor's UID are no zeros. */
static uint32_t add_apic(uint8_t *madt, uint32_t at, uint8_t id, uint32_t flags)
{
	memset(madt + at, 0x77, 8);
	madt[at] = 0;
	madt[at + 1] = 8;
	madt[at + 3] = id;
	put32(madt + at + 4, flags);
	return at + 8;
}

static uint32_t add_x2apic(uint8_t *madt, uint32_t at, uint32_t id, uint32_t flags)
{
	memset(madt + at, 0x77, 16);
	madt[at] = 9;
	madt[at + 1] = 16;
	put32(madt + at + 4, id);
	put32(madt + at + 8, flags);
	return at + 16;
}

#define ENABLED	       1u
#define ONLINE_CAPABLE 2u

/* CPUs that both kinds list, one that only the newer can tell, and some that are off. */
static uint32_t make_cpus(uint8_t *madt)
{
	uint32_t at = make_madt(madt); /* with CPU 0 */

	at = add_apic(madt, at, 6, ENABLED);
	at = add_apic(madt, at, 2, ENABLED);
	at = add_apic(madt, at, 4, ONLINE_CAPABLE);
	at = add_x2apic(madt, at, 2, ENABLED);
	at = add_x2apic(madt, at, 0x12345, ENABLED);
	at = add_x2apic(madt, at, 6, ENABLED);
	return add_x2apic(madt, at, 0x100, ONLINE_CAPABLE);
}

static void the_enabled_cpus_of_both_kinds_are_told_once_each_in_order(void **state)
{
	uint8_t madt[256];
	uint32_t length = make_cpus(madt), id[5] = {};

	(void)state;
	assert_int_equal(madt_cpus(madt, length, id, 5), 4);
	assert_int_equal(id[0], 0);
	assert_int_equal(id[1], 6);
	assert_int_equal(id[2], 2);
	assert_int_equal(id[3], 0x12345);
	assert_int_equal(id[4], 0);
	assert_int_equal(madt_ioapics(madt, length, id, 5), 2);
}

static void more_cpus_than_there_is_room_for_are_counted_and_not_stored(void **state)
{
	static const uint32_t ids[] = {0, 6, 2, 0x12345};
	uint8_t madt[256];
	uint32_t length = make_cpus(madt);

	(void)state;
	for (unsigned int max = 0; max <= ARRAY_SIZE(ids); max++) {
		uint32_t *id = malloc(max * sizeof(*id));

		assert_int_equal(madt_cpus(madt, length, id, max), 4);
		if (max)
			assert_memory_equal(id, ids, max * sizeof(*id));
		free(id);
	}
}

static void a_cpu_that_is_listed_twice_beyond_the_room_counts_once(void **state)
{
	uint8_t madt[256];
	uint32_t at = HEADER, id[1];

	(void)state;
	memset(madt, 0, HEADER);
	for (unsigned int i = 0; i < 3; i++)
		at = add_apic(madt, at, i, ENABLED);
	for (unsigned int i = 0; i < 3; i++)
		at = add_x2apic(madt, at, i, ENABLED);
	assert_int_equal(madt_cpus(madt, at, id, 1), 3);
}

/* An entry that is not enabled says nothing of another one that is. */
static void a_cpu_that_is_listed_first_disabled_and_then_enabled_is_enabled(void **state)
{
	uint8_t madt[256];
	uint32_t at = HEADER, id[1];

	(void)state;
	memset(madt, 0, HEADER);
	at = add_apic(madt, at, 3, 0);
	at = add_x2apic(madt, at, 3, ENABLED | 0x80000000);
	assert_int_equal(madt_cpus(madt, at, id, 1), 1);
	assert_int_equal(id[0], 3);
}

static void the_address_of_all_is_no_cpu(void **state)
{
	uint8_t madt[256];
	uint32_t at = HEADER, id[2] = {};

	(void)state;
	memset(madt, 0, HEADER);
	at = add_apic(madt, at, 0xff, ENABLED);
	at = add_x2apic(madt, at, 0xffffffff, ENABLED);
	assert_int_equal(madt_cpus(madt, at, id, 2), 0);
	at = add_apic(madt, at, 0xfe, ENABLED);
	at = add_x2apic(madt, at, 0xff, ENABLED); /* in x2APIC mode one as any other */
	assert_int_equal(madt_cpus(madt, at, id, 2), 2);
	assert_int_equal(id[0], 0xfe);
	assert_int_equal(id[1], 0xff);
}

static void cpus_of_a_madt_cut_short_anywhere_are_read_up_to_there(void **state)
{
	uint8_t madt[256];
	uint32_t whole = make_cpus(madt), first = make_madt(madt), id[4];

	(void)state;
	make_cpus(madt);
	for (uint32_t length = 0; length <= whole; length++) {
		uint8_t *copy = exact_copy(madt, length);
		unsigned int expected = (length >= HEADER + 8) + (length >= first + 8) +
					(length >= first + 16) + (length >= first + 24 + 32);

		assert_int_equal(madt_cpus(copy, length, id, 4), expected);
		free(copy);
	}
	assert_int_equal(madt_cpus(NULL, 0, id, 4), 0);
}

static void an_entry_too_short_for_its_kind_is_no_cpu(void **state)
{
	uint8_t madt[256];
	uint32_t at, length, id[2];

	(void)state;
	for (unsigned int size = 0; size < 16; size++) {
		memset(madt, 0, HEADER);
		at = add_x2apic(madt, HEADER, 0x101, ENABLED);
		/* the next one begins where this one says that it ends */
		at = HEADER + size;
		madt[HEADER + 1] = size;
		length = size < 2 ? HEADER + 16 : add_apic(madt, at, 5, ENABLED);
		assert_int_equal(madt_cpus(madt, length, id, 2), size < 2 ? 0 : 1);
		assert_true(size < 2 || id[0] == 5);
	}
	for (unsigned int size = 2; size < 8; size++) {
		uint8_t *copy;

		memset(madt, 0, HEADER);
		add_apic(madt, HEADER, 5, ENABLED);
		madt[HEADER + 1] = size;
		copy = exact_copy(madt, HEADER + size);
		assert_int_equal(madt_cpus(copy, HEADER + size, id, 2), 0);
		free(copy);
	}
	/* one that is longer than today's is read as today's */
	memset(madt, 0, sizeof(madt));
	add_apic(madt, HEADER, 5, ENABLED);
	madt[HEADER + 1] = 12;
	length = add_x2apic(madt, HEADER + 12, 7, ENABLED);
	madt[HEADER + 12 + 1] = 20;
	assert_int_equal(madt_cpus(madt, length + 4, id, 2), 2);
	assert_int_equal(id[1], 7);
	/* and one that claims more than there is ends the table */
	assert_int_equal(madt_cpus(madt, length, id, 2), 1);
}

static void random_damage_is_survived(void **state)
{
	uint64_t seed = 0x3AD7;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		uint8_t madt[256], *copy;
		uint32_t length = make_cpus(madt), id[4];

		for (int i = 0; i < 4; i++)
			madt[HEADER + random_next(&seed) % (length - HEADER)] = random_next(&seed);
		copy = exact_copy(madt, length);
		assert_true(madt_cpus(copy, length, id, 4) <= (length - HEADER) / 8);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_io_apic_of_the_madt_is_found),
		cmocka_unit_test(a_madt_cut_short_anywhere_is_read_up_to_there),
		cmocka_unit_test(an_entry_without_length_or_too_short_is_no_io_apic),
		cmocka_unit_test(the_enabled_cpus_of_both_kinds_are_told_once_each_in_order),
		cmocka_unit_test(more_cpus_than_there_is_room_for_are_counted_and_not_stored),
		cmocka_unit_test(a_cpu_that_is_listed_twice_beyond_the_room_counts_once),
		cmocka_unit_test(a_cpu_that_is_listed_first_disabled_and_then_enabled_is_enabled),
		cmocka_unit_test(the_address_of_all_is_no_cpu),
		cmocka_unit_test(cpus_of_a_madt_cut_short_anywhere_are_read_up_to_there),
		cmocka_unit_test(an_entry_too_short_for_its_kind_is_no_cpu),
		cmocka_unit_test(random_damage_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
