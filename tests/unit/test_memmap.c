#include "tests/unit/unit.h"

#include "boot/memmap.h"

static struct memory_map map;

static int reset(void **state)
{
	(void)state;
	map.count = 0;
	map.given_up = 0;
	return 0;
}

static void expect(const struct memory_range *ranges, uint32_t count)
{
	assert_int_equal(map.count, count);
	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(map.range[i].start, ranges[i].start);
		assert_int_equal(map.range[i].end, ranges[i].end);
		assert_int_equal(map.range[i].type, ranges[i].type);
	}
}

#define EXPECT(...)                                                                                \
	do {                                                                                       \
		static const struct memory_range ranges[] = {__VA_ARGS__};                         \
                                                                                                   \
		expect(ranges, ARRAY_SIZE(ranges));                                                \
	} while (0)

static void add_checks_lengths_and_types(void **state)
{
	(void)state;
	assert_int_equal(memory_map_add(&map, 0x1000, 0, MEMORY_USABLE), 0);
	assert_int_equal(map.count, 0);
	assert_int_equal(memory_map_add(&map, -0x1000ull, 0x1000, MEMORY_USABLE), -EINVAL);
	assert_int_equal(memory_map_add(&map, 0x2000, UINT64_MAX, MEMORY_USABLE), -EINVAL);
	assert_int_equal(map.count, 0);
	assert_int_equal(memory_map_add(&map, -0x1000ull, 0x1000, MEMORY_RESERVED), 0);
	assert_int_equal(memory_map_add(&map, 0x1000, 0x1000, 0), 0);
	assert_int_equal(memory_map_add(&map, 0x3000, 0x1000, 6), 0);
	assert_int_equal(memory_map_add(&map, 0x5000, 0x1000, UINT32_MAX), 0);
	EXPECT({-0x1000ull, UINT64_MAX, MEMORY_RESERVED}, {0x1000, 0x2000, MEMORY_RESERVED},
	       {0x3000, 0x4000, MEMORY_RESERVED}, {0x5000, 0x6000, MEMORY_RESERVED});
}

/* What UEFI tells: many descriptors, of which most touch one another. */
static void a_long_map_of_ranges_that_touch_loses_nothing(void **state)
{
	enum { RANGES = 20 * MEMORY_RANGES_MAX };

	(void)state;
	for (uint64_t i = 0; i < RANGES; i++)
		assert_int_equal(memory_map_add(&map, i * 0x1000, 0x1000,
						i % 1000 == 999 ? MEMORY_ACPI_NVS : MEMORY_USABLE),
				 0);
	memory_map_normalise(&map);
	assert_int_equal(map.count, 2 * (RANGES / 1000) + 1);
	assert_int_equal(memory_map_usable_bytes(&map), (RANGES - RANGES / 1000) * 0x1000ull);
	assert_int_equal(map.given_up, 0);
}

static bool covered(uint64_t address, enum memory_type type)
{
	for (uint32_t i = 0; i < map.count; i++)
		if (address >= map.range[i].start && address < map.range[i].end)
			return map.range[i].type == type;
	return false;
}

static void without_room_the_smallest_usable_ranges_are_given_up(void **state)
{
	enum { RANGES = 3 * MEMORY_RANGES_MAX };
	uint64_t usable;

	(void)state;
	/* the large ones come last, as they do in a map sorted by address */
	for (uint64_t i = 0; i < RANGES; i++)
		assert_int_equal(memory_map_add(&map, i << 32, 0x1000 + i * 0x1000, MEMORY_USABLE),
				 0);
	memory_map_normalise(&map);
	assert_in_range(map.count, MEMORY_RANGES_MAX / 2, MEMORY_RANGES_MAX);
	assert_true(map.given_up > 0);
	usable = memory_map_usable_bytes(&map);
	assert_int_equal(usable + map.given_up, RANGES * (RANGES + 1ull) / 2 * 0x1000);
	for (uint64_t i = RANGES - map.count; i < RANGES; i++)
		assert_true(covered(i << 32, MEMORY_USABLE));
}

static void what_is_not_usable_is_never_lost(void **state)
{
	enum { RANGES = 3 * MEMORY_RANGES_MAX };
	static const enum memory_type types[] = {MEMORY_RESERVED, MEMORY_ACPI_NVS, MEMORY_BAD};

	(void)state;
	assert_int_equal(memory_map_add(&map, 0, 1ull << 40, MEMORY_USABLE), 0);
	for (uint64_t i = 0; i < RANGES; i++)
		assert_int_equal(memory_map_add(&map, i * 0x10000 + 0x8000, 0x1000, types[i % 3]),
				 0);
	memory_map_normalise(&map);
	assert_true(map.count <= MEMORY_RANGES_MAX);
	for (uint64_t i = 0; i < RANGES; i++)
		for (uint64_t at = 0; at < 0x1000; at += 0x800)
			assert_false(covered(i * 0x10000 + 0x8000 + at, MEMORY_USABLE));
	/* and the rest is there */
	assert_true(covered(0xff00000000, MEMORY_USABLE));
	assert_true(memory_map_usable_bytes(&map) + map.given_up <=
		    (1ull << 40) - RANGES * 0x1000ull);
}

static void if_none_is_usable_the_smallest_gaps_count_as_reserved(void **state)
{
	enum { RANGES = MEMORY_RANGES_MAX + 1 };

	(void)state;
	for (uint64_t i = 0; i < RANGES; i++)
		assert_int_equal(memory_map_add(&map, (i << 32) + (i % 2 ? 0 : 0xfff00000), 0x1000,
						i % 3 ? MEMORY_ACPI_NVS : MEMORY_BAD),
				 0);
	memory_map_normalise(&map);
	assert_true(map.count < RANGES);
	for (uint64_t i = 0; i < RANGES; i++) {
		uint64_t at = (i << 32) + (i % 2 ? 0 : 0xfff00000);

		assert_true(covered(at, MEMORY_ACPI_NVS) || covered(at, MEMORY_BAD) ||
			    covered(at, MEMORY_RESERVED));
		if (i % 3 == 0)
			assert_true(covered(at, MEMORY_BAD));
	}
	/* a large gap is none of them */
	for (uint64_t i = 1; i < RANGES; i += 2)
		assert_false(covered((i << 32) + 0x80000000, MEMORY_RESERVED));
}

static void a_pc_map_stays_as_it_is(void **state)
{
	(void)state;
	memory_map_add(&map, 0, 0x9FC00, MEMORY_USABLE);
	memory_map_add(&map, 0x9FC00, 0x400, MEMORY_RESERVED);
	memory_map_add(&map, 0xF0000, 0x10000, MEMORY_RESERVED);
	memory_map_add(&map, 0x100000, 0x7EE0000, MEMORY_USABLE);
	memory_map_add(&map, 0x7FE0000, 0x20000, MEMORY_ACPI_RECLAIMABLE);
	memory_map_normalise(&map);
	EXPECT({0, 0x9F000, MEMORY_USABLE}, {0x9FC00, 0xA0000, MEMORY_RESERVED},
	       {0xF0000, 0x100000, MEMORY_RESERVED}, {0x100000, 0x7FE0000, MEMORY_USABLE},
	       {0x7FE0000, 0x8000000, MEMORY_ACPI_RECLAIMABLE});
	assert_int_equal(memory_map_usable_bytes(&map), 0x9F000 + 0x7EE0000);
}

static void the_more_restrictive_type_wins_in_any_order(void **state)
{
	static const enum memory_type order[] = {MEMORY_USABLE, MEMORY_ACPI_RECLAIMABLE,
						 MEMORY_ACPI_NVS, MEMORY_RESERVED, MEMORY_BAD};

	(void)state;
	for (size_t weak = 0; weak < ARRAY_SIZE(order); weak++) {
		for (size_t strong = weak + 1; strong < ARRAY_SIZE(order); strong++) {
			for (int swap = 0; swap < 2; swap++) {
				map.count = 0;
				if (!swap)
					memory_map_add(&map, 0x10000, 0x10000, order[weak]);
				memory_map_add(&map, 0x14000, 0x4000, order[strong]);
				if (swap)
					memory_map_add(&map, 0x10000, 0x10000, order[weak]);
				memory_map_normalise(&map);
				expect(
					(const struct memory_range[]){
						{0x10000, 0x14000, order[weak]},
						{0x14000, 0x18000, order[strong]},
						{0x18000, 0x20000, order[weak]}},
					3);
			}
		}
	}
}

static void usable_shrinks_to_pages_after_merging(void **state)
{
	(void)state;
	memory_map_add(&map, 0x1800, 0x800, MEMORY_USABLE);
	memory_map_add(&map, 0x2000, 0x1900, MEMORY_USABLE);
	memory_map_add(&map, 0x8100, 0x200, MEMORY_USABLE);
	memory_map_add(&map, 0x9100, 0xF00, MEMORY_USABLE);
	memory_map_add(&map, 0x6001, 0x10, MEMORY_ACPI_NVS);
	memory_map_normalise(&map);
	EXPECT({0x2000, 0x3000, MEMORY_USABLE}, {0x6001, 0x6011, MEMORY_ACPI_NVS});
}

static void reserve_takes_whole_pages_out_of_usable_only(void **state)
{
	(void)state;
	memory_map_add(&map, 0x1000, 0xF000, MEMORY_USABLE);
	memory_map_add(&map, 0x10000, 0x1000, MEMORY_ACPI_NVS);
	memory_map_add(&map, 0x20000, 0x10000, MEMORY_USABLE);
	memory_map_normalise(&map);
	assert_int_equal(memory_map_reserve(&map, 0x4FFF, 0x5001), 0);
	EXPECT({0x1000, 0x4000, MEMORY_USABLE}, {0x6000, 0x10000, MEMORY_USABLE},
	       {0x10000, 0x11000, MEMORY_ACPI_NVS}, {0x20000, 0x30000, MEMORY_USABLE});
	assert_int_equal(memory_map_reserve(&map, 0x3000, 0x21001), 0);
	EXPECT({0x1000, 0x3000, MEMORY_USABLE}, {0x10000, 0x11000, MEMORY_ACPI_NVS},
	       {0x22000, 0x30000, MEMORY_USABLE});
	assert_int_equal(memory_map_reserve(&map, 0x5000, 0x5000), 0);
	assert_int_equal(memory_map_reserve(&map, 0x2000, 0x1000), -EINVAL);
	assert_int_equal(memory_map_reserve(&map, 0x22000, UINT64_MAX), 0);
	assert_int_equal(memory_map_reserve(&map, 0, 0x3000), 0);
	EXPECT({0x10000, 0x11000, MEMORY_ACPI_NVS});
}

static void reserving_in_a_full_map_gives_up_the_smaller_part(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < MEMORY_RANGES_MAX; i++)
		assert_int_equal(memory_map_add(&map, i * 0x10000, 0x8000, MEMORY_USABLE), 0);
	memory_map_normalise(&map);
	assert_int_equal(memory_map_reserve(&map, 0x2000, 0x3000), 0);
	assert_false(covered(0x2000, MEMORY_USABLE));
	assert_false(covered(0x1000, MEMORY_USABLE));
	assert_true(covered(0x3000, MEMORY_USABLE));
	assert_int_equal(map.given_up, 0x2000);
	assert_int_equal(memory_map_reserve(&map, 0x15000, 0x16000), 0);
	assert_true(covered(0x14000, MEMORY_USABLE));
	assert_false(covered(0x16000, MEMORY_USABLE));
	assert_int_equal(map.given_up, 0x4000);
	assert_int_equal(memory_map_usable_bytes(&map), MEMORY_RANGES_MAX * 0x8000ull - 0x6000);
	assert_int_equal(memory_map_reserve(&map, 0x10000, 0x20000), 0);
	assert_int_equal(map.count, MEMORY_RANGES_MAX - 1);
}

/* The oracle holds the strongest type of each of 64 pages. */
static void random_maps_agree_with_an_array_of_pages(void **state)
{
	static const int rank[] = {0, 1, 4, 2, 3, 5};
	uint64_t seed = 0x3E3;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		uint32_t page[64] = {0};
		uint32_t count = random_next(&seed) % 12;

		map.count = 0;
		for (uint32_t i = 0; i < count; i++) {
			uint64_t first = random_next(&seed) % 60;
			uint64_t pages = random_next(&seed) % (64 - first);
			uint32_t type = 1 + random_next(&seed) % 5;

			memory_map_add(&map, first << 12, pages << 12, type);
			for (uint64_t p = first; p < first + pages; p++)
				if (rank[type] > rank[page[p]])
					page[p] = type;
		}
		memory_map_normalise(&map);
		if (random_next(&seed) & 1) {
			uint64_t first = random_next(&seed) % 60;
			uint64_t pages = random_next(&seed) % (64 - first);

			assert_int_equal(
				memory_map_reserve(&map, first << 12, (first + pages) << 12), 0);
			for (uint64_t p = first; p < first + pages; p++)
				if (page[p] == MEMORY_USABLE)
					page[p] = 0;
		}
		for (uint32_t i = 0; i < map.count; i++) {
			if (i)
				assert_true(map.range[i - 1].end <= map.range[i].start);
			for (uint64_t p = map.range[i].start >> 12; p < map.range[i].end >> 12;
			     p++) {
				assert_int_equal(page[p], map.range[i].type);
				page[p] = 0;
			}
		}
		for (size_t p = 0; p < ARRAY_SIZE(page); p++)
			assert_int_equal(page[p], 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(add_checks_lengths_and_types, reset),
		cmocka_unit_test_setup(a_long_map_of_ranges_that_touch_loses_nothing, reset),
		cmocka_unit_test_setup(without_room_the_smallest_usable_ranges_are_given_up, reset),
		cmocka_unit_test_setup(what_is_not_usable_is_never_lost, reset),
		cmocka_unit_test_setup(if_none_is_usable_the_smallest_gaps_count_as_reserved,
				       reset),
		cmocka_unit_test_setup(a_pc_map_stays_as_it_is, reset),
		cmocka_unit_test_setup(the_more_restrictive_type_wins_in_any_order, reset),
		cmocka_unit_test_setup(usable_shrinks_to_pages_after_merging, reset),
		cmocka_unit_test_setup(reserve_takes_whole_pages_out_of_usable_only, reset),
		cmocka_unit_test_setup(reserving_in_a_full_map_gives_up_the_smaller_part, reset),
		cmocka_unit_test_setup(random_maps_agree_with_an_array_of_pages, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
