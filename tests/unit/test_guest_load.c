#include "tests/unit/elf_image.h"
#include "tests/unit/guest_load_all.h"

#define MIB 0x100000ull

static uint8_t file[ELF_IMAGE_SIZE];
static struct guest_ram ram;
static const struct guest_start nothing = {.cmdline = ""};
static struct guest_entry entry;
static struct refusal refusal;

/* RAM in extents of these sizes, one after the other from 0 on, filled with rubbish. */
static void make_ram(const uint64_t *sizes, uint32_t count)
{
	ram = (struct guest_ram){.count = count};
	for (uint32_t i = 0; i < count; i++) {
		ram.extent[i] = (struct guest_extent){ram.size, sizes[i], malloc(sizes[i])};
		memset(ram.extent[i].host, 0xEE, sizes[i]);
		ram.size += sizes[i];
	}
}

static void free_ram(void)
{
	for (uint32_t i = 0; i < ram.count; i++)
		free(ram.extent[i].host);
	ram.count = 0;
}

static int setup(void **state)
{
	static const uint64_t sizes[] = {0x9F000, 0x62000, 3 * MIB};

	(void)state;
	make_ram(sizes, 3);
	elf_build(file, false);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free_ram();
	return 0;
}

static int load_with(size_t size, const char *cmdline, const struct guest_module *modules,
		     uint32_t count)
{
	const struct guest_start start = {
		.cmdline = cmdline, .module_count = count, .module = modules};
	uint8_t *copy = exact_copy(file, size);
	int result;

	refusal.text[0] = '\0';
	result = guest_load_all(&ram, copy, size, &start, &entry, &refusal);
	if (result)
		assert_true(refusal.text[0] && strlen(refusal.text) < REFUSAL_SIZE - 1);
	free(copy);
	return result;
}

static int load(void)
{
	return load_with(ELF_IMAGE_SIZE, "", NULL, 0);
}

static void expect_refusal(int code, const char *says)
{
	assert_int_equal(load(), code);
	if (!strstr(refusal.text, says))
		fail_msg("\"%s\" says nothing of \"%s\"", refusal.text, says);
}

static uint32_t peek(uint64_t gpa)
{
	uint32_t value;

	assert_int_equal(guest_ram_read(&ram, gpa, &value, 4), 0);
	return value;
}

static void expect_text(uint64_t gpa, const char *text)
{
	char buffer[64];

	assert_int_equal(guest_ram_read(&ram, gpa, buffer, strlen(text) + 1), 0);
	assert_string_equal(buffer, text);
}

static void expect_map_entry(uint64_t gpa, uint64_t base, uint64_t length, uint32_t type)
{
	assert_int_equal(peek(gpa), 20);
	assert_int_equal(peek(gpa + 4) | (uint64_t)peek(gpa + 8) << 32, base);
	assert_int_equal(peek(gpa + 12) | (uint64_t)peek(gpa + 16) << 32, length);
	assert_int_equal(peek(gpa + 20), type);
}

static void the_kernel_is_where_its_headers_say_and_bss_is_zero(void **state)
{
	uint8_t data[ELF_DATA_SIZE + ELF_BSS_SIZE + 1];
	uint8_t code[ELF_CODE_SIZE];

	(void)state;
	assert_int_equal(load(), 0);
	assert_int_equal(entry.eip, 0x100010);
	assert_int_equal(entry.eax, 0x2BADB002);
	assert_int_equal(guest_ram_read(&ram, 0x100000, code, sizeof(code)), 0);
	assert_memory_equal(code, file + ELF_CODE, sizeof(code));
	assert_int_equal(guest_ram_read(&ram, 0x200000, data, sizeof(data)), 0);
	assert_memory_equal(data, file + ELF_DATA, ELF_DATA_SIZE);
	for (size_t i = ELF_DATA_SIZE; i < ELF_DATA_SIZE + ELF_BSS_SIZE; i++)
		assert_int_equal(data[i], 0);
	assert_int_equal(data[ELF_DATA_SIZE + ELF_BSS_SIZE], 0xEE);
}

static void an_elf64_kernel_loads_as_well(void **state)
{
	(void)state;
	elf_build(file, true);
	assert_int_equal(load(), 0);
	assert_int_equal(entry.eip, 0x100010);
}

static void the_information_structure_tells_all(void **state)
{
	static const struct guest_module modules[] = {
		{"first module", 13, "one 1"},
		{"", 0, ""},
		{"second", 7, "two"},
	};
	uint32_t info, mods, mmap;

	(void)state;
	assert_int_equal(load_with(ELF_IMAGE_SIZE, "a=1 \"b c\"", modules, 3), 0);
	info = entry.ebx;
	assert_int_equal(peek(info + MULTIBOOT1_FLAGS), 1 << 0 | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9);
	assert_int_equal(peek(info + MULTIBOOT1_MEM_LOWER), 639);
	assert_int_equal(peek(info + MULTIBOOT1_MEM_UPPER), 3 * 1024 + 4);
	expect_text(peek(info + MULTIBOOT1_CMDLINE), "a=1 \"b c\"");
	expect_text(peek(info + MULTIBOOT1_BOOT_LOADER_NAME), "Resident, as GRUB 2");

	assert_int_equal(peek(info + MULTIBOOT1_MODS_COUNT), 3);
	mods = peek(info + MULTIBOOT1_MODS_ADDR);
	assert_true(peek(mods) >= 0x200000 + ELF_DATA_SIZE + ELF_BSS_SIZE);
	assert_int_equal(peek(mods) % 0x1000, 0);
	assert_int_equal(peek(mods + 4) - peek(mods), 13);
	expect_text(peek(mods), "first module");
	expect_text(peek(mods + 8), "one 1");
	assert_int_equal(peek(mods + 16), peek(mods + 20));
	expect_text(peek(mods + 24), "");
	assert_true(peek(mods + 32) >= peek(mods + 4));
	assert_int_equal(peek(mods + 32) % 0x1000, 0);
	expect_text(peek(mods + 32), "second");
	expect_text(peek(mods + 40), "two");

	assert_int_equal(peek(info + MULTIBOOT1_MMAP_LENGTH), 4 * 24);
	mmap = peek(info + MULTIBOOT1_MMAP_ADDR);
	expect_map_entry(mmap, 0, 0x9FC00, 1);
	expect_map_entry(mmap + 24, 0x9FC00, 0x400, 2);
	expect_map_entry(mmap + 48, 0xF0000, 0x10000, 2);
	expect_map_entry(mmap + 72, 0x100000, 3 * MIB + 0x1000, 1);
	assert_true(info >= 0x1000 && info < 0x9FC00);
}

static void memory_beyond_the_hole_is_in_the_map(void **state)
{
	uint32_t mmap;

	(void)state;
	/* The third extent continues at 4 GiB. */
	ram.extent[2].gpa = 0x100000000ull;
	elf_put_segment(file, false, 1,
			&(struct elf_test_segment){ELF_DATA, 0, 0x90000, ELF_DATA_SIZE, 0x100});
	assert_int_equal(load(), 0);
	assert_int_equal(peek(entry.ebx + MULTIBOOT1_MEM_UPPER), 4);
	mmap = peek(entry.ebx + MULTIBOOT1_MMAP_ADDR);
	assert_int_equal(peek(entry.ebx + MULTIBOOT1_MMAP_LENGTH), 5 * 24);
	expect_map_entry(mmap + 72, 0x100000, 0x1000, 1);
	expect_map_entry(mmap + 96, 0x100000000ull, 3 * MIB, 1);
}

static void the_structure_keeps_clear_of_the_kernel(void **state)
{
	(void)state;
	/* Data over 0x10000-0x9FFFF: the structure goes below. */
	elf_put_segment(file, false, 1,
			&(struct elf_test_segment){ELF_DATA, 0, 0x10000, ELF_DATA_SIZE, 0x90000});
	assert_int_equal(load(), 0);
	assert_true(entry.ebx >= 0x1000 && entry.ebx < 0x10000);
	/* Over all conventional memory, page 0 and the legacy area too: it goes after the kernel.
	 */
	elf_put_segment(file, false, 1,
			&(struct elf_test_segment){ELF_DATA, 0, 0, ELF_DATA_SIZE, 0x100000});
	assert_int_equal(load(), 0);
	assert_true(entry.ebx >= 0x100000 + ELF_CODE_SIZE);
	/* In the middle: on one side of it. */
	elf_put_segment(file, false, 1,
			&(struct elf_test_segment){ELF_DATA, 0, 0x10000, ELF_DATA_SIZE, 0x1001});
	assert_int_equal(load(), 0);
	assert_true(entry.ebx >= 0x11001);
	expect_text(peek(entry.ebx + MULTIBOOT1_BOOT_LOADER_NAME), "Resident, as GRUB 2");
}

static void modules_go_before_a_kernel_at_the_end_of_memory(void **state)
{
	static const struct guest_module module = {"module", 7, "m"};
	uint64_t end = ram.size;

	(void)state;
	elf_put_segment(file, false, 1,
			&(struct elf_test_segment){ELF_DATA, 0, end - 0x800, ELF_DATA_SIZE, 0x800});
	assert_int_equal(load_with(ELF_IMAGE_SIZE, "", &module, 1), 0);
	expect_text(peek(peek(entry.ebx + MULTIBOOT1_MODS_ADDR)), "module");
	assert_int_equal(peek(peek(entry.ebx + MULTIBOOT1_MODS_ADDR)), 0x101000);
}

static void what_does_not_fit_is_refused(void **state)
{
	struct guest_module module = {file, ELF_IMAGE_SIZE, "m"};
	struct guest_module many[GUEST_MODULES_MAX + 1];
	uint8_t *large = calloc(1, 4 * MIB);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = module;
	assert_int_equal(load_with(ELF_IMAGE_SIZE, "", many, GUEST_MODULES_MAX + 1), -E2BIG);
	assert_int_equal(load_with(ELF_IMAGE_SIZE, "", many, GUEST_MODULES_MAX), 0);
	module = (struct guest_module){large, 4 * MIB, "m"};
	assert_int_equal(load_with(ELF_IMAGE_SIZE, "", &module, 1), -ENOMEM);
	assert_non_null(strstr(refusal.text, "module 1"));
	free(large);

	elf_put_segment(file, false, 1,
			&(struct elf_test_segment){ELF_DATA, 0, ram.size - 1, 1, 2});
	expect_refusal(-ENOMEM, "outside the guest's memory");
	elf_put_segment(file, false, 1, &(struct elf_test_segment){ELF_DATA, 0, ram.size, 0, 1});
	expect_refusal(-ENOMEM, "outside the guest's memory");
	elf_put_segment(file, false, 1,
			&(struct elf_test_segment){ELF_DATA, 0, 0x200000, 1, 0xFFFFFFFF});
	expect_refusal(-ENOMEM, "raise mem=");
}

static void no_room_for_the_information_is_refused(void **state)
{
	(void)state;
	elf_put_segment(file, false, 1, &(struct elf_test_segment){ELF_DATA, 0, 0, 8, 0x100000});
	elf_put_segment(file, false, 0,
			&(struct elf_test_segment){ELF_CODE, 0x100000, 0x100000, ELF_CODE_SIZE,
						   ram.size - 0x100000});
	elf_put_entry(file, false, 0x100000);
	expect_refusal(-ENOMEM, "no room");
}

static void a_header_is_needed_in_the_first_8192_bytes(void **state)
{
	static uint8_t big[MULTIBOOT1_SEARCH + 64];

	(void)state;
	put32(file + ELF_MULTIBOOT + 8, 0);
	expect_refusal(-ENOEXEC, "no multiboot 1 header");
	put_multiboot_header(file + ELF_MULTIBOOT + 2, 0);
	expect_refusal(-ENOEXEC, "no multiboot 1 header");

	elf_build(big, false);
	memset(big + ELF_MULTIBOOT, 0, 12);
	put_multiboot_header(big + MULTIBOOT1_SEARCH - 12, 0);
	assert_int_equal(guest_load_all(&ram, big, sizeof(big), &nothing, &entry, &refusal), 0);
	memset(big + MULTIBOOT1_SEARCH - 12, 0, 12);
	put_multiboot_header(big + MULTIBOOT1_SEARCH - 8, 0);
	assert_int_equal(guest_load_all(&ram, big, sizeof(big), &nothing, &entry, &refusal),
			 -ENOEXEC);
}

static void required_flags_that_are_not_known_are_refused(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < 32; bit++) {
		put_multiboot_header(file + ELF_MULTIBOOT, 1u << bit);
		if (bit == 16)
			continue;
		if (bit < 3 || bit > 16)
			assert_int_equal(load(), 0);
		else
			expect_refusal(-ENOEXEC, "requires flags");
	}
}

static void an_entry_point_beyond_4_gib_is_refused(void **state)
{
	(void)state;
	ram.extent[2].gpa = 0x100000000ull;
	elf_build(file, true);
	elf_put_segment(file, true, 1,
			&(struct elf_test_segment){ELF_DATA, 0x100000000ull, 0x100000000ull,
						   ELF_DATA_SIZE, ELF_DATA_SIZE});
	elf_put_entry(file, true, 0x100000000ull);
	expect_refusal(-ENOEXEC, "beyond 4 GiB");
}

/* The a.out kludge: a flat file whose header says where it goes. */
static void build_aout(void)
{
	for (size_t i = 0; i < ELF_IMAGE_SIZE; i++)
		file[i] = (uint8_t)i;
	put_multiboot_header(file + 0x20, MULTIBOOT1_AOUT_KLUDGE);
	put32(file + 0x2C, 0x100010); /* header: loading starts 0x10 into the file */
	put32(file + 0x30, 0x100000);
	put32(file + 0x34, 0x100200);
	put32(file + 0x38, 0x100300);
	put32(file + 0x3C, 0x100040);
}

static void an_aout_kludge_is_loaded_by_its_addresses(void **state)
{
	uint8_t loaded[0x301];

	(void)state;
	build_aout();
	assert_int_equal(load(), 0);
	assert_int_equal(entry.eip, 0x100040);
	assert_int_equal(guest_ram_read(&ram, 0x100000, loaded, sizeof(loaded)), 0);
	assert_memory_equal(loaded, file + 0x10, 0x200);
	for (size_t i = 0x200; i < 0x300; i++)
		assert_int_equal(loaded[i], 0);
	assert_int_equal(loaded[0x300], 0xEE);

	put32(file + 0x34, 0); /* the whole file, and no bss */
	put32(file + 0x38, 0);
	assert_int_equal(load(), 0);
	assert_int_equal(guest_ram_read(&ram, 0x100000, loaded, sizeof(loaded)), 0);
	assert_memory_equal(loaded, file + 0x10, 0x200);
}

/* The address fields, too, have to be in the first 8192 bytes. */
static void aout_addresses_beyond_8192_bytes_are_refused(void **state)
{
	static uint8_t big[MULTIBOOT1_SEARCH + 64];

	(void)state;
	for (size_t at = MULTIBOOT1_SEARCH - 36; at <= MULTIBOOT1_SEARCH - 12; at += 4) {
		int expected = at + 32 <= MULTIBOOT1_SEARCH ? 0 : -ENOEXEC;

		memset(big, 0, sizeof(big));
		put_multiboot_header(big + at, MULTIBOOT1_AOUT_KLUDGE);
		put32(big + at + 12, (uint32_t)(0x100000 + at));
		put32(big + at + 16, 0x100000);
		put32(big + at + 28, 0x100000);
		assert_int_equal(guest_load_all(&ram, big, sizeof(big), &nothing, &entry, &refusal),
				 expected);
	}
}

static void aout_addresses_that_cannot_be_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint32_t value;
	} bad[] = {
		{0x2C, 0xFFFFF},  /* header before the start */
		{0x2C, 0x100021}, /* the start before the file */
		{0x30, 0x100011},   {0x30, 0},	      {0x34, 0xFFFFF},
		{0x34, 0x1003F1}, /* past the end of the file */
		{0x34, 0xFFFFFFFF}, {0x38, 0x1001FF}, {0x38, 0xFFFFF},
		{0x3C, 0xFFFFF},    {0x3C, 0x100200},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		build_aout();
		put32(file + bad[i].at, bad[i].value);
		assert_int_equal(load(), -ENOEXEC);
	}
	build_aout();
	put32(file + 0x38, 0xFFFFFFFF);
	assert_int_equal(load(), -ENOMEM);
}

static void every_prefix_is_survived(void **state)
{
	(void)state;
	for (size_t size = 0; size < ELF_IMAGE_SIZE; size++) {
		elf_build(file, false);
		load_with(size, "", NULL, 0);
		build_aout();
		load_with(size, "", NULL, 0);
	}
}

static void random_damage_is_survived(void **state)
{
	static const uint64_t small[] = {MIB, 0x2000};
	static const struct guest_module module = {"module", 7, "m"};
	uint64_t seed = 0x10AD;

	(void)state;
	free_ram();
	make_ram(small, 2);
	for (int round = 0; round < 20000; round++) {
		size_t size = random_next(&seed) & 1 ? ELF_IMAGE_SIZE
						     : random_next(&seed) % ELF_IMAGE_SIZE;

		if (round & 1)
			build_aout();
		else
			elf_build(file, round & 2);
		if (!(round & 1))
			elf_put_segment(file, round & 2, 1,
					&(struct elf_test_segment){ELF_DATA, 0, 0x3000,
								   ELF_DATA_SIZE, 0x800});
		for (uint64_t flips = random_next(&seed) % 6; flips; flips--) {
			uint64_t random = random_next(&seed);

			file[random % 0x140] ^= (uint8_t)(1u << (random >> 32) % 8);
		}
		if (!load_with(size, "x", &module, 1))
			expect_text(peek(entry.ebx + MULTIBOOT1_BOOT_LOADER_NAME),
				    "Resident, as GRUB 2");
	}
}

int main(void)
{
#define LOAD_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		LOAD_TEST(the_kernel_is_where_its_headers_say_and_bss_is_zero),
		LOAD_TEST(an_elf64_kernel_loads_as_well),
		LOAD_TEST(the_information_structure_tells_all),
		LOAD_TEST(memory_beyond_the_hole_is_in_the_map),
		LOAD_TEST(the_structure_keeps_clear_of_the_kernel),
		LOAD_TEST(modules_go_before_a_kernel_at_the_end_of_memory),
		LOAD_TEST(what_does_not_fit_is_refused),
		LOAD_TEST(no_room_for_the_information_is_refused),
		LOAD_TEST(a_header_is_needed_in_the_first_8192_bytes),
		LOAD_TEST(required_flags_that_are_not_known_are_refused),
		LOAD_TEST(an_entry_point_beyond_4_gib_is_refused),
		LOAD_TEST(an_aout_kludge_is_loaded_by_its_addresses),
		LOAD_TEST(aout_addresses_beyond_8192_bytes_are_refused),
		LOAD_TEST(aout_addresses_that_cannot_be_are_refused),
		LOAD_TEST(every_prefix_is_survived),
		LOAD_TEST(random_damage_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
