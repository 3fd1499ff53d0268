#include "tests/unit/elf_image.h"

#include "tests/unit/guest_load_all.h"

#define MIB 0x100000ull

static uint8_t file[ELF_IMAGE_SIZE], memory[4 * MIB];
static const struct guest_ram ram = {1, sizeof(memory), {{0, sizeof(memory), memory}}};
static const struct guest_module module = {"module", 7, "the module's"};
static const uint8_t *info;

static void load(const char *name, const char *cmdline)
{
	const struct guest_start start = {
		.cmdline = cmdline, .name = name, .module_count = 1, .module = &module};
	struct guest_entry entry;
	struct refusal refusal = {};

	memset(memory, 0xEE, sizeof(memory));
	elf_build(file, false);
	assert_int_equal(guest_load_all(&ram, file, sizeof(file), &start, &entry, &refusal), 0);
	info = memory + entry.ebx;
	assert_int_equal(get32(info) & MULTIBOOT1_INFO_CMDLINE, MULTIBOOT1_INFO_CMDLINE);
}

static const char *text(uint32_t offset)
{
	return (const char *)memory + get32(info + offset);
}

/* As Xen decides (loader_is_grub2): such a loader puts no name before the command line. */
static bool is_taken_for_grub2(void)
{
	const char *at = strstr(text(MULTIBOOT1_BOOT_LOADER_NAME), "GRUB ");

	return at && at[5] != '0';
}

static void expect_the_rest(const char *loader)
{
	uint32_t string = get32(memory + get32(info + MULTIBOOT1_MODS_ADDR) + 8);

	assert_string_equal(text(MULTIBOOT1_BOOT_LOADER_NAME), loader);
	assert_string_equal((const char *)memory + string, module.cmdline);
}

static void it_is_handed_on_as_it_stands(void **state)
{
	static const char *const lines[] = {"", "one", "a=1 \"b c\" \\ d"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		load(NULL, lines[i]);
		assert_string_equal(text(MULTIBOOT1_CMDLINE), lines[i]);
		assert_true(is_taken_for_grub2());
		expect_the_rest("Resident, as GRUB 2");
	}
}

static void a_name_goes_before_it(void **state)
{
	(void)state;
	load("kernel", "a=1 b");
	assert_string_equal(text(MULTIBOOT1_CMDLINE), "kernel a=1 b");
	expect_the_rest("Resident");
	load("kernel", "");
	assert_string_equal(text(MULTIBOOT1_CMDLINE), "kernel ");
	expect_the_rest("Resident");
}

static void with_a_name_the_loader_is_none_that_leaves_it_out(void **state)
{
	(void)state;
	load("kernel", "a=1 b");
	assert_false(is_taken_for_grub2());
}

/* Its escapes are not made, so that nobody may undo them, as Resident itself does. */
static void the_loader_is_not_grub_itself(void **state)
{
	(void)state;
	load(NULL, "");
	assert_int_not_equal(strncmp(text(MULTIBOOT1_BOOT_LOADER_NAME), "GRUB", 4), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_handed_on_as_it_stands),
		cmocka_unit_test(a_name_goes_before_it),
		cmocka_unit_test(with_a_name_the_loader_is_none_that_leaves_it_out),
		cmocka_unit_test(the_loader_is_not_grub_itself),
	};

	return cmocka_run_group_tests_name("guest_cmdline", tests, NULL, NULL);
}
