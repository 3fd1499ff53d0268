#include "tests/unit/elf_image.h"

#include "tests/unit/guest_load_all.h"
#include "vmm/load/firmware.h"

#define MIB 0x100000ull

static uint8_t file[ELF_IMAGE_SIZE], memory[4 * MIB];
static const struct guest_ram ram = {1, sizeof(memory), {{0, sizeof(memory), memory}}};
static struct guest_entry entry;

static int setup(void **state)
{
	(void)state;
	memset(memory, 0xEE, sizeof(memory));
	elf_build(file, false);
	return 0;
}

/* The kernel's code at 1 MiB, and this beside it. */
static void load_with(const struct elf_test_segment *segment)
{
	const struct guest_start nothing = {.cmdline = "", .machine = {.vcpus = 1}};
	struct refusal refusal = {};

	elf_put_segment(file, false, 1, segment);
	assert_int_equal(guest_load_all(&ram, file, sizeof(file), &nothing, &entry, &refusal), 0);
}

static void what_firmware_leaves_is_there(void **state)
{
	static const struct elf_test_segment high = {ELF_DATA, 0, 0x200000, ELF_DATA_SIZE, 0x1000};

	(void)state;
	load_with(&high);
	assert_int_equal(get32(memory + 0x10 * 4), 0xF000F080);
	assert_int_equal(get32(memory + 0x40E) & 0xFFFF, FIRMWARE_EBDA >> 4);
	assert_int_equal(memory[0xFFFF0], 0xEA);
	assert_memory_equal(memory + TABLES_MP, "_MP_", 4);
	assert_memory_equal(memory + TABLES_ACPI, "RSD PTR ", 8);
	assert_memory_equal(memory + TABLES_DSDT, "DSDT", 4);
}

static void where_the_kernel_goes_it_wins(void **state)
{
	static const struct elf_test_segment first = {ELF_DATA, 0, 0, ELF_DATA_SIZE, 0x1000};
	static const struct elf_test_segment last = {0, 0, 0xFF000, 0, 0x1000};
	static const struct elf_test_segment tables = {0, 0, 0xF0000, 0, 0xF000};

	(void)state;
	load_with(&first);
	assert_memory_equal(memory, file + ELF_DATA, ELF_DATA_SIZE);
	assert_int_equal(get32(memory + 0x40E), 0);
	assert_int_equal(memory[0xFFFF0], 0xEA);
	load_with(&last);
	assert_int_equal(get32(memory + 0xFFFF0), 0);
	assert_int_equal(get32(memory + 0x10 * 4), 0xF000F080);
	assert_memory_equal(memory + TABLES_MP, "_MP_", 4);
	load_with(&tables);
	for (uint32_t at = 0xF0000; at < 0xFF000; at++)
		assert_int_equal(memory[at], 0);
	assert_int_equal(memory[0xFFFF0], 0xEA);
}

static void the_information_stays_below_the_extended_data_area(void **state)
{
	/* leaves room for it only where it would reach over 0x9FC00 */
	static const struct elf_test_segment wide = {ELF_DATA, 0, 0x1000, ELF_DATA_SIZE, 0x9EB80};

	(void)state;
	load_with(&wide);
	assert_true(entry.ebx >= 0x100000 + ELF_CODE_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_firmware_leaves_is_there, setup),
		cmocka_unit_test_setup(where_the_kernel_goes_it_wins, setup),
		cmocka_unit_test_setup(the_information_stays_below_the_extended_data_area, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
