#include "tests/unit/unit.h"

#include "boot/bootinfo.h"
#include "boot/multiboot.h"
#include "boot/multiboot2.h"

#define BASE 0x10000u

static struct boot_info boot;

/* As UEFI tells it: hundreds of small pieces, and most of the memory in the last. */
static void a_map_of_a_thousand_ranges_keeps_the_memory_at_its_end(void **state)
{
	enum { RANGES = 1000, TABLE = 8, BIG = TABLE + 16 + 24 * RANGES + 8 };
	static uint8_t big[BIG];
	struct boot_memory memory = {big, BASE, BIG, NULL};

	(void)state;
	put32(big, BIG);
	put32(big + TABLE, MULTIBOOT2_TAG_MMAP);
	put32(big + TABLE + 4, 16 + 24 * RANGES);
	put32(big + TABLE + 8, 24);
	for (uint32_t i = 0; i < RANGES; i++) {
		uint8_t *entry = big + TABLE + 16 + 24 * i;

		put64(entry, 0x100000 + i * 0x2000ull);
		put64(entry + 8, i == RANGES - 1 ? 0x40000000 : 0x1000);
		put32(entry + 16, i % 2 ? MEMORY_USABLE : MEMORY_ACPI_NVS);
	}
	put32(big + BIG - 4, 8);
	assert_int_equal(multiboot_parse(&boot, &memory, MULTIBOOT2_LOADER_MAGIC, BASE), 0);
	assert_int_equal(boot.warning_count, 0);
	assert_int_equal(boot.map.count, RANGES);
	assert_int_equal(memory_map_usable_bytes(&boot.map), 0x40000000 + 499 * 0x1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_map_of_a_thousand_ranges_keeps_the_memory_at_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
