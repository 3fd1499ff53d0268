#include "tests/unit/unit.h"

#include "boot/bootinfo.h"
#include "boot/mp_table.h"

#define LOW_SIZE 0x100000u /* all that a BIOS's areas are in */
#define ROM	 0xf0000u
#define HEADER	 44
#define ROOM	 300 /* for a pointer and a table right behind it */

#define EN 1u
#define BP 2u

static uint8_t low[LOW_SIZE];
static uint32_t id[8];

static void seal(uint8_t *bytes, uint32_t length, uint32_t at)
{
	uint8_t sum = 0;

	bytes[at] = 0;
	for (uint32_t i = 0; i < length; i++)
		sum += bytes[i];
	bytes[at] = -sum;
}

static void make_pointer(uint8_t *at, uint32_t table, uint8_t feature1)
{
	memset(at, 0, 16);
	memcpy(at, "_MP_", 4);
	put32(at + 4, table);
	at[8] = 1;
	at[9] = 4;
	at[11] = feature1;
	seal(at, 16, 10);
}

static void seal_table(uint8_t *table, uint16_t length)
{
	put16(table + 4, length);
	seal(table, length, 7);
}

/* Appends an entry; what of it is of no interest here is no zeros. */
static uint32_t add(uint8_t *table, uint32_t at, uint8_t type, uint8_t apic_id, uint8_t flags)
{
	uint32_t size = type == 0 ? 20 : 8;

	memset(table + at, 0xa5, size);
	table[at] = type;
	table[at + 1] = apic_id;
	table[at + 3] = flags;
	return at + size;
}

static uint32_t make_header(uint8_t *table)
{
	memset(table, 0x20, HEADER);
	memcpy(table, "PCMP", 4);
	table[6] = 4;
	return HEADER;
}

/* CPUs 0, 6 and 2, and one that is not enabled; returns the table's length. */
static uint32_t make_table(uint8_t *table)
{
	uint32_t at = make_header(table);

	at = add(table, at, 0, 0, EN | BP);
	at = add(table, at, 0, 6, EN | 0xf0);
	at = add(table, at, 0, 4, 0xff & ~EN);
	for (uint8_t type = 1; type <= 4; type++)
		at = add(table, at, type, 9, EN);
	at = add(table, at, 0, 2, EN);
	seal_table(table, at);
	return at;
}

static unsigned int cpus(unsigned int max)
{
	const struct boot_memory memory = {low, 0, LOW_SIZE, NULL};

	return mp_table_cpus(&memory, id, max);
}

static int setup(void **state)
{
	(void)state;
	memset(low, 0, sizeof(low));
	memset(id, 0xee, sizeof(id));
	return 0;
}

/* A table of two CPUs, and its pointer, elsewhere; the first CPU's ID tells tables apart. */
static void make_small(uint32_t pointer, uint32_t table, uint8_t first)
{
	uint32_t at = make_header(low + table);

	at = add(low + table, at, 0, first, EN);
	at = add(low + table, at, 0, 0x70, EN);
	seal_table(low + table, at);
	make_pointer(low + pointer, table, 0);
}

static void the_enabled_cpus_are_told_in_order(void **state)
{
	(void)state;
	make_table(low + 0x1004);
	make_pointer(low + ROM, 0x1004, 0);
	assert_int_equal(cpus(8), 3);
	assert_int_equal(id[0], 0);
	assert_int_equal(id[1], 6);
	assert_int_equal(id[2], 2);
	assert_int_equal(id[3], 0xeeeeeeee);
}

static void more_cpus_than_there_is_room_for_are_counted_and_not_stored(void **state)
{
	static const uint32_t ids[] = {0, 6, 2};
	const struct boot_memory memory = {low, 0, LOW_SIZE, NULL};

	(void)state;
	make_table(low + 0x1004);
	make_pointer(low + ROM, 0x1004, 0);
	for (unsigned int max = 0; max <= ARRAY_SIZE(ids); max++) {
		uint32_t *few = malloc(max * sizeof(*few));

		assert_int_equal(mp_table_cpus(&memory, few, max), 3);
		if (max)
			assert_memory_equal(few, ids, max * sizeof(*few));
		free(few);
	}
}

static void a_cpu_counts_once_and_the_address_of_all_is_none(void **state)
{
	uint32_t at = make_header(low + 0x1000);

	(void)state;
	at = add(low + 0x1000, at, 0, 0xff, EN);
	at = add(low + 0x1000, at, 0, 3, 0);
	at = add(low + 0x1000, at, 0, 3, EN);
	at = add(low + 0x1000, at, 0, 0xfe, EN);
	at = add(low + 0x1000, at, 0, 3, EN);
	at = add(low + 0x1000, at, 0, 0xfe, EN);
	seal_table(low + 0x1000, at);
	make_pointer(low + ROM, 0x1000, 0);
	for (unsigned int max = 0; max <= 2; max++)
		assert_int_equal(cpus(max), 2);
	assert_int_equal(id[0], 3);
	assert_int_equal(id[1], 0xfe);
}

static void the_pointer_is_looked_for_where_it_may_be(void **state)
{
	/* the EBDA begins at 8F000h here */
	static const struct {
		uint32_t at;
		unsigned int cpus;
	} places[] = {
		{0x8eff0, 0}, {0x8f000, 2}, {0x8f3f0, 2}, {0x8f400, 0}, {0x9fbf0, 0},
		{0x9fc00, 2}, {0x9fff0, 2}, {0xa0000, 0}, {0xefff0, 0}, {0xf0000, 2},
		{0xffff0, 2}, {0xf0008, 0}, {0x8f001, 0}, {0, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		setup(state);
		make_small(places[i].at, 0x1000, 5);
		put16(low + 0x40e, 0x8f00);
		assert_int_equal(cpus(8), places[i].cpus);
		assert_true(!places[i].cpus || id[0] == 5);
		/* without an EBDA its place is none, and the start of memory is none either */
		put16(low + 0x40e, 0);
		assert_int_equal(cpus(8), places[i].at < 0x90000 ? 0 : places[i].cpus);
	}
}

static void the_first_pointer_that_leads_to_cpus_counts(void **state)
{
	(void)state;
	put16(low + 0x40e, 0x8f00);
	make_small(0x8f000, 0x1000, 5);
	make_small(0x9fc00, 0x2000, 6);
	make_small(ROM, 0x3000, 7);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(cpus(8), 2);
		assert_int_equal(id[0], 5 + i);
		low[0x1000 * (i + 1) + HEADER + 1]++; /* its checksum holds no more */
	}
	assert_int_equal(cpus(8), 0);
	/* in one area too, where the first has no checksum that holds */
	low[0x3000 + HEADER + 1]--;
	memcpy(low + ROM + 0x20, low + ROM, 16);
	low[ROM + 11]++;
	assert_int_equal(cpus(8), 2);
}

static void a_default_configuration_has_two_cpus(void **state)
{
	(void)state;
	for (unsigned int feature = 0; feature <= 7; feature++) {
		setup(state);
		make_pointer(low + ROM, 0, feature);
		assert_int_equal(cpus(8), feature ? 2 : 0);
		assert_int_equal(id[0], feature ? 0 : 0xeeeeeeee);
		assert_int_equal(id[1], feature ? 1 : 0xeeeeeeee);
		assert_int_equal(id[2], 0xeeeeeeee);
	}
	setup(state);
	make_pointer(low + ROM, 0, 5);
	assert_int_equal(cpus(1), 2);
	assert_int_equal(id[0], 0);
	assert_int_equal(id[1], 0xeeeeeeee);
	/* what a table says counts more */
	make_small(ROM, 0x1000, 5);
	make_pointer(low + ROM, 0x1000, 5);
	assert_int_equal(cpus(8), 2);
	assert_int_equal(id[0], 5);
}

static void a_damaged_pointer_is_none(void **state)
{
	static const uint8_t lengths[] = {0, 2, 16, 255};

	(void)state;
	for (uint32_t at = 0; at < 16; at++) {
		setup(state);
		make_small(ROM, 0x1000, 5);
		low[ROM + at] ^= 0x40;
		assert_int_equal(cpus(8), 0);
	}
	for (uint32_t at = 0; at < 4; at++) {
		setup(state);
		make_small(ROM, 0x1000, 5);
		low[ROM + at] ^= 0x40;
		seal(low + ROM, 16, 10);
		assert_int_equal(cpus(8), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		setup(state);
		make_small(ROM, 0x1000, 5);
		low[ROM + 8] = lengths[i];
		seal(low + ROM, 16, 10);
		assert_int_equal(cpus(8), 0);
	}
}

static void a_table_that_cannot_be_is_none(void **state)
{
	static const uint32_t addresses[] = {0x1001,	    0x2000,	LOW_SIZE - HEADER + 1,
					     LOW_SIZE,	    UINT32_MAX, UINT32_MAX - HEADER,
					     UINT32_MAX - 3};
	static const uint16_t lengths[] = {0, 1, HEADER - 1, UINT16_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		setup(state);
		make_small(ROM, 0x1000, 5);
		make_pointer(low + ROM, addresses[i], 0);
		assert_int_equal(cpus(8), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		setup(state);
		make_small(ROM, LOW_SIZE - 0x1000, 5);
		put16(low + LOW_SIZE - 0x1000 + 4, lengths[i]);
		seal(low + LOW_SIZE - 0x1000, lengths[i] < HEADER ? lengths[i] : 0x1000, 7);
		assert_int_equal(cpus(8), 0);
	}
	for (uint32_t at = 0; at < HEADER + 40; at++) {
		setup(state);
		make_small(ROM, 0x1000, 5);
		low[0x1000 + at] ^= 0x40;
		assert_int_equal(cpus(8), 0);
		if (at >= 4)
			continue;
		seal_table(low + 0x1000, HEADER + 40);
		assert_int_equal(cpus(8), 0);
	}
}

static void an_entry_of_no_known_kind_ends_the_table(void **state)
{
	(void)state;
	for (unsigned int type = 5; type < 256; type++) {
		uint32_t at = make_header(low + 0x1000);

		at = add(low + 0x1000, at, 0, 1, EN);
		at = add(low + 0x1000, at, type, 2, EN);
		at = add(low + 0x1000, at, 0, 3, EN);
		seal_table(low + 0x1000, at);
		make_pointer(low + ROM, 0x1000, 0);
		assert_int_equal(cpus(8), 1);
		assert_int_equal(id[0], 1);
	}
}

/* Memory that holds a pointer and right behind it a table, and ends after so many bytes. */
static unsigned int cpus_of_short_memory(const uint8_t *bytes, uint32_t size)
{
	uint8_t *copy = exact_copy(bytes, size);
	const struct boot_memory memory = {copy, ROM, size, NULL};
	unsigned int found = mp_table_cpus(&memory, id, 8);

	free(copy);
	return found;
}

static void memory_that_ends_anywhere_is_not_read_beyond(void **state)
{
	uint8_t bytes[ROOM];
	uint32_t whole = 16 + make_table(bytes + 16);

	(void)state;
	make_pointer(bytes, ROM + 16, 0);
	for (uint32_t size = 0; size <= whole; size++)
		assert_int_equal(cpus_of_short_memory(bytes, size), size == whole ? 3 : 0);
}

/* Its checksum holds, and what is cut of an entry is not of the table. */
static void a_table_cut_short_anywhere_is_read_up_to_there(void **state)
{
	uint8_t bytes[ROOM];
	uint32_t whole = make_table(bytes + 16);

	(void)state;
	for (uint32_t length = 8; length <= whole; length++) {
		unsigned int expected = (length >= HEADER + 20) + (length >= HEADER + 40) +
					(length >= HEADER + 60 + 32 + 20);

		make_table(bytes + 16);
		make_pointer(bytes, ROM + 16, 0);
		seal_table(bytes + 16, length);
		assert_int_equal(cpus_of_short_memory(bytes, 16 + length), expected);
	}
}

static bool reach_no_table(uint64_t phys, uint64_t length)
{
	return phys + length <= 0x1000 || phys >= ROM;
}

static void what_cannot_be_reached_is_not_there(void **state)
{
	const struct boot_memory memory = {low, 0, LOW_SIZE, reach_no_table};

	(void)state;
	make_small(ROM, 0x1000, 5);
	assert_int_equal(mp_table_cpus(&memory, id, 8), 0);
	make_small(ROM, 0xf00, 5);
	assert_int_equal(mp_table_cpus(&memory, id, 8), 2);
}

static void random_damage_is_survived(void **state)
{
	uint64_t seed = 0x4D50;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		uint8_t bytes[ROOM];
		uint32_t length = make_table(bytes + 16);

		make_pointer(bytes, ROM + 16, 0);
		for (int i = 0; i < 4; i++)
			bytes[16 + random_next(&seed) % length] = random_next(&seed);
		if (random_next(&seed) % 4)
			put16(bytes + 16 + 4, length);
		seal(bytes + 16, length, 7);
		assert_true(cpus_of_short_memory(bytes, 16 + length) <= (length - HEADER) / 20);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_enabled_cpus_are_told_in_order, setup),
		cmocka_unit_test_setup(more_cpus_than_there_is_room_for_are_counted_and_not_stored,
				       setup),
		cmocka_unit_test_setup(a_cpu_counts_once_and_the_address_of_all_is_none, setup),
		cmocka_unit_test_setup(the_pointer_is_looked_for_where_it_may_be, setup),
		cmocka_unit_test_setup(the_first_pointer_that_leads_to_cpus_counts, setup),
		cmocka_unit_test_setup(a_default_configuration_has_two_cpus, setup),
		cmocka_unit_test_setup(a_damaged_pointer_is_none, setup),
		cmocka_unit_test_setup(a_table_that_cannot_be_is_none, setup),
		cmocka_unit_test_setup(an_entry_of_no_known_kind_ends_the_table, setup),
		cmocka_unit_test_setup(memory_that_ends_anywhere_is_not_read_beyond, setup),
		cmocka_unit_test_setup(a_table_cut_short_anywhere_is_read_up_to_there, setup),
		cmocka_unit_test_setup(what_cannot_be_reached_is_not_there, setup),
		cmocka_unit_test_setup(random_damage_is_survived, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
