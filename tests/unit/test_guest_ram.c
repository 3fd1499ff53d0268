#include "tests/unit/unit.h"

#include "vmm/guest_ram.h"

/* Two extents that touch, and one after a hole. Each is a heap block of its own. */
#define FIRST  0x1000u
#define SECOND 0x1800u
#define THIRD  0x4000u
#define SIZE   0x800u

static struct guest_ram ram;

static int setup(void **state)
{
	static const uint64_t gpa[] = {FIRST, SECOND, THIRD};

	(void)state;
	ram = (struct guest_ram){.count = 3, .size = 3 * SIZE};
	for (uint32_t i = 0; i < 3; i++) {
		ram.extent[i] = (struct guest_extent){gpa[i], SIZE, malloc(SIZE)};
		memset(ram.extent[i].host, 0x10 * (int)(i + 1), SIZE);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < ram.count; i++)
		free(ram.extent[i].host);
	return 0;
}

static void a_pointer_is_given_only_within_one_extent(void **state)
{
	(void)state;
	assert_ptr_equal(guest_ram_at(&ram, FIRST, SIZE), ram.extent[0].host);
	assert_ptr_equal(guest_ram_at(&ram, SECOND - 1, 1), ram.extent[0].host + SIZE - 1);
	assert_null(guest_ram_at(&ram, SECOND - 1, 2));
	assert_null(guest_ram_at(&ram, FIRST - 1, 1));
	assert_null(guest_ram_at(&ram, SECOND + SIZE, 1));
	assert_null(guest_ram_at(&ram, FIRST, UINT64_MAX));
	assert_null(guest_ram_at(&ram, UINT64_MAX, 2));
}

static void host_memory_is_found_only_within_one_extent(void **state)
{
	uint64_t gpa = 0;

	(void)state;
	assert_true(guest_ram_gpa(&ram, ram.extent[2].host, SIZE, &gpa));
	assert_int_equal(gpa, THIRD);
	assert_true(guest_ram_gpa(&ram, ram.extent[1].host + SIZE - 1, 1, &gpa));
	assert_int_equal(gpa, SECOND + SIZE - 1);
	assert_false(guest_ram_gpa(&ram, ram.extent[1].host + SIZE - 1, 2, &gpa));
	assert_false(guest_ram_gpa(&ram, ram.extent[0].host, UINT64_MAX, &gpa));
	assert_false(guest_ram_gpa(&ram, &ram, 1, &gpa));
}

static void contains_joins_adjacent_extents_and_sees_the_hole(void **state)
{
	(void)state;
	assert_true(guest_ram_contains(&ram, FIRST, 2 * SIZE));
	assert_false(guest_ram_contains(&ram, FIRST, 2 * SIZE + 1));
	assert_false(guest_ram_contains(&ram, FIRST - 1, 2));
	assert_false(guest_ram_contains(&ram, THIRD, SIZE + 1));
	assert_false(guest_ram_contains(&ram, THIRD, UINT64_MAX));
	assert_true(guest_ram_contains(&ram, 0, 0));
}

static void reads_and_writes_cross_extents(void **state)
{
	uint8_t in[64], out[64];

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)i;
	assert_int_equal(guest_ram_write(&ram, SECOND - 20, in, sizeof(in)), 0);
	assert_int_equal(ram.extent[0].host[SIZE - 20], 0);
	assert_int_equal(ram.extent[1].host[0], 20);
	assert_int_equal(guest_ram_read(&ram, SECOND - 20, out, sizeof(out)), 0);
	assert_memory_equal(in, out, sizeof(in));
	assert_int_equal(guest_ram_clear(&ram, SECOND - 10, 20), 0);
	assert_int_equal(ram.extent[0].host[SIZE - 11], 9);
	assert_int_equal(ram.extent[0].host[SIZE - 10], 0);
	assert_int_equal(ram.extent[1].host[9], 0);
	assert_int_equal(ram.extent[1].host[10], 30);
}

static void nothing_is_copied_if_a_byte_is_not_ram(void **state)
{
	uint8_t buffer[64] = {0};

	(void)state;
	assert_int_equal(guest_ram_write(&ram, SECOND + SIZE - 63, buffer, 64), -EFAULT);
	assert_int_equal(ram.extent[1].host[SIZE - 1], 0x20);
	assert_int_equal(guest_ram_clear(&ram, SECOND + SIZE - 63, 64), -EFAULT);
	assert_int_equal(ram.extent[1].host[SIZE - 1], 0x20);
	assert_int_equal(guest_ram_read(&ram, SECOND + SIZE - 63, buffer, 64), -EFAULT);
	assert_int_equal(buffer[0], 0);
	assert_int_equal(guest_ram_read(&ram, UINT64_MAX - 3, buffer, 64), -EFAULT);
}

/* Memory up to 2^64 is allowed: an access that wraps round must not find RAM at 0. */
static void the_end_of_the_address_space_does_not_wrap(void **state)
{
	uint8_t buffer[4] = {0};

	(void)state;
	ram.extent[0].gpa = 0;
	ram.extent[2].gpa = -(uint64_t)SIZE;
	assert_true(guest_ram_contains(&ram, UINT64_MAX, 1));
	assert_int_equal(guest_ram_read(&ram, UINT64_MAX - 1, buffer, 2), 0);
	assert_false(guest_ram_contains(&ram, UINT64_MAX, 2));
	assert_int_equal(guest_ram_write(&ram, UINT64_MAX - 1, buffer, 4), -EFAULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_pointer_is_given_only_within_one_extent, setup,
						teardown),
		cmocka_unit_test_setup_teardown(host_memory_is_found_only_within_one_extent, setup,
						teardown),
		cmocka_unit_test_setup_teardown(contains_joins_adjacent_extents_and_sees_the_hole,
						setup, teardown),
		cmocka_unit_test_setup_teardown(reads_and_writes_cross_extents, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_is_copied_if_a_byte_is_not_ram, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_end_of_the_address_space_does_not_wrap, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
