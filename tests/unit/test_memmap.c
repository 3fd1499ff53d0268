#include "tests/unit/unit.h"

#include "boot/memmap.h"

static struct memory_map map;

static int reset(void **state)
{
	(void)state;
	map.count = 0;
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

static void a_full_map_refuses_more(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < MEMORY_RANGES_MAX; i++)
		assert_int_equal(memory_map_add(&map, i * 0x2000, 0x1000, MEMORY_USABLE), 0);
	assert_int_equal(memory_map_add(&map, 0x10000000, 0x1000, MEMORY_USABLE), -ENOSPC);
	assert_int_equal(memory_map_normalise(&map), 0);
	assert_int_equal(map.count, MEMORY_RANGES_MAX);
	assert_int_equal(memory_map_usable_bytes(&map), MEMORY_RANGES_MAX * 0x1000ull);
	assert_int_equal(memory_map_reserve(&map, 0, 0x1000), 0);
	assert_int_equal(map.count, MEMORY_RANGES_MAX - 1);
}

static void a_pc_map_stays_as_it_is(void **state)
{
	(void)state;
	memory_map_add(&map, 0, 0x9FC00, MEMORY_USABLE);
	memory_map_add(&map, 0x9FC00, 0x400, MEMORY_RESERVED);
	memory_map_add(&map, 0xF0000, 0x10000, MEMORY_RESERVED);
	memory_map_add(&map, 0x100000, 0x7EE0000, MEMORY_USABLE);
	memory_map_add(&map, 0x7FE0000, 0x20000, MEMORY_ACPI_RECLAIMABLE);
	assert_int_equal(memory_map_normalise(&map), 0);
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
				assert_int_equal(memory_map_normalise(&map), 0);
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
	assert_int_equal(memory_map_normalise(&map), 0);
	EXPECT({0x2000, 0x3000, MEMORY_USABLE}, {0x6001, 0x6011, MEMORY_ACPI_NVS});
}

static void a_result_that_does_not_fit_leaves_the_map_alone(void **state)
{
	(void)state;
	memory_map_add(&map, 0, 0x10000000, MEMORY_USABLE);
	for (uint64_t i = 1; i < MEMORY_RANGES_MAX; i++)
		memory_map_add(&map, i * 0x2000, 0x1000, MEMORY_RESERVED);
	assert_int_equal(memory_map_normalise(&map), -ENOSPC);
	assert_int_equal(map.count, MEMORY_RANGES_MAX);
	assert_int_equal(map.range[0].end, 0x10000000);
}

static void reserve_takes_whole_pages_out_of_usable_only(void **state)
{
	(void)state;
	memory_map_add(&map, 0x1000, 0xF000, MEMORY_USABLE);
	memory_map_add(&map, 0x10000, 0x1000, MEMORY_ACPI_NVS);
	memory_map_add(&map, 0x20000, 0x10000, MEMORY_USABLE);
	assert_int_equal(memory_map_normalise(&map), 0);
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

static void reserving_in_a_full_map_fails_only_if_it_must_split(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < MEMORY_RANGES_MAX; i++)
		memory_map_add(&map, i * 0x10000, 0x8000, MEMORY_USABLE);
	assert_int_equal(memory_map_normalise(&map), 0);
	assert_int_equal(memory_map_reserve(&map, 0x2000, 0x3000), -ENOSPC);
	assert_int_equal(memory_map_usable_bytes(&map), MEMORY_RANGES_MAX * 0x8000ull);
	assert_int_equal(memory_map_reserve(&map, 0, 0x3000), 0);
	assert_int_equal(memory_map_usable_bytes(&map), MEMORY_RANGES_MAX * 0x8000ull - 0x3000);
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
		assert_int_equal(memory_map_normalise(&map), 0);
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
		cmocka_unit_test_setup(a_full_map_refuses_more, reset),
		cmocka_unit_test_setup(a_pc_map_stays_as_it_is, reset),
		cmocka_unit_test_setup(the_more_restrictive_type_wins_in_any_order, reset),
		cmocka_unit_test_setup(usable_shrinks_to_pages_after_merging, reset),
		cmocka_unit_test_setup(a_result_that_does_not_fit_leaves_the_map_alone, reset),
		cmocka_unit_test_setup(reserve_takes_whole_pages_out_of_usable_only, reset),
		cmocka_unit_test_setup(reserving_in_a_full_map_fails_only_if_it_must_split, reset),
		cmocka_unit_test_setup(random_maps_agree_with_an_array_of_pages, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
