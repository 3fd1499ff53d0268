#include "tests/unit/unit.h"

#include "boot/bootinfo.h"
#include "boot/multiboot.h"
#include "boot/multiboot1.h"

/* Physical memory from BASE on: the information structure first, then what it points to. */
#define BASE	0x9000u
#define SIZE	0x400u
#define CMDLINE 0x80u
#define LOADER	0xA0u
#define MODULES 0xB0u
#define STRINGS 0xE0u
#define MMAP	0x100u
#define FILES	0x180u

static struct boot_info boot;
static uint8_t image[SIZE];

static void build(void)
{
	uint8_t *entry = image + MMAP;

	memset(image, 0, sizeof(image));
	put32(image + MULTIBOOT1_FLAGS, MULTIBOOT1_INFO_MEMORY | MULTIBOOT1_INFO_CMDLINE |
						MULTIBOOT1_INFO_MODULES | MULTIBOOT1_INFO_MMAP |
						MULTIBOOT1_INFO_LOADER_NAME);
	put32(image + MULTIBOOT1_MEM_LOWER, 639);
	put32(image + MULTIBOOT1_MEM_UPPER, 0x7BC0);
	put32(image + MULTIBOOT1_CMDLINE, BASE + CMDLINE);
	strcpy((char *)image + CMDLINE, "fpu=lazy slice=500");
	put32(image + MULTIBOOT1_BOOT_LOADER_NAME, BASE + LOADER);
	strcpy((char *)image + LOADER, "GRUB 2.06");
	put32(image + MULTIBOOT1_MODS_COUNT, 2);
	put32(image + MULTIBOOT1_MODS_ADDR, BASE + MODULES);
	put32(image + MODULES, BASE + FILES);
	put32(image + MODULES + 4, BASE + FILES + 0x80);
	put32(image + MODULES + 8, BASE + STRINGS);
	put32(image + MODULES + 16, BASE + FILES + 0x80);
	put32(image + MODULES + 20, BASE + FILES + 0x100);
	put32(image + MODULES + 24, BASE + STRINGS + 8);
	strcpy((char *)image + STRINGS, "name=g");
	strcpy((char *)image + STRINGS + 8, "name=h");
	put32(image + MULTIBOOT1_MMAP_ADDR, BASE + MMAP);
	put32(image + MULTIBOOT1_MMAP_LENGTH, 72);
	for (int i = 0; i < 3; i++, entry += 24)
		put32(entry, 20);
	entry = image + MMAP;
	put64(entry + 12, 0x9FC00);
	put32(entry + 20, MEMORY_USABLE);
	put64(entry + 28, 0x9FC00);
	put64(entry + 36, 0x400);
	put32(entry + 44, MEMORY_RESERVED);
	put64(entry + 52, 0x100000);
	put64(entry + 60, 0x7BC0 << 10);
	put32(entry + 68, MEMORY_USABLE);
}

static int setup(void **state)
{
	(void)state;
	build();
	return 0;
}

static void check_invariants(const struct boot_memory *memory)
{
	assert_true(memchr(boot.cmdline, 0, sizeof(boot.cmdline)) != NULL);
	assert_true(memchr(boot.loader_name, 0, sizeof(boot.loader_name)) != NULL);
	assert_true(boot.module_count <= BOOT_MODULES_MAX);
	for (uint32_t i = 0; i < boot.module_count; i++) {
		const struct boot_module *m = &boot.module[i];

		assert_true(m->start >= memory->start && m->start <= m->end);
		assert_true(m->end <= memory->start + memory->size);
		assert_true(memchr(m->cmdline, 0, sizeof(m->cmdline)) != NULL);
	}
	for (uint32_t i = 0; i < boot.warning_count && i < BOOT_WARNINGS_MAX; i++)
		assert_true(memchr(boot.warning[i], 0, sizeof(boot.warning[i])) != NULL);
}

/* Parses the first size bytes of the image, in a heap block of exactly that size. */
static int parse_prefix(size_t size)
{
	uint8_t *copy = exact_copy(image, size);
	struct boot_memory memory = {copy, BASE, size, NULL};
	int result = multiboot_parse(&boot, &memory, MULTIBOOT1_LOADER_MAGIC, BASE);

	check_invariants(&memory);
	free(copy);
	return result;
}

static int parse(void)
{
	return parse_prefix(SIZE);
}

static void the_window_is_checked_without_overflow(void **state)
{
	struct boot_memory memory = {image, BASE, SIZE, NULL};
	struct boot_memory all = {NULL, 0, 1ull << 32, NULL};

	(void)state;
	assert_ptr_equal(boot_memory_at(&memory, BASE, SIZE), image);
	assert_ptr_equal(boot_memory_at(&memory, BASE + SIZE - 1, 1), image + SIZE - 1);
	assert_null(boot_memory_at(&memory, BASE - 1, 2));
	assert_null(boot_memory_at(&memory, BASE, SIZE + 1));
	assert_null(boot_memory_at(&memory, BASE + SIZE, 1));
	assert_null(boot_memory_at(&memory, BASE + 1, UINT64_MAX));
	assert_null(boot_memory_at(&memory, UINT64_MAX, 2));
	assert_ptr_equal(boot_memory_at(&all, 0x100000, 4), (void *)0x100000);
	assert_ptr_equal(boot_memory_at(&all, 0xFFFFFFFC, 4), (void *)0xFFFFFFFC);
	assert_null(boot_memory_at(&all, 0xFFFFFFFD, 4));
}

static void a_sound_structure_is_understood(void **state)
{
	(void)state;
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.warning_count, 0);
	assert_int_equal(boot.protocol, 1);
	assert_false(boot.efi);
	assert_true(boot.ega_text);
	assert_string_equal(boot.cmdline, "fpu=lazy slice=500");
	assert_string_equal(boot.loader_name, "GRUB 2.06");
	assert_int_equal(boot.module_count, 2);
	assert_int_equal(boot.module[0].start, BASE + FILES);
	assert_int_equal(boot.module[1].end, BASE + FILES + 0x100);
	assert_string_equal(boot.module[0].cmdline, "name=g");
	assert_string_equal(boot.module[1].cmdline, "name=h");
	assert_int_equal(boot.map.count, 3);
	assert_int_equal(memory_map_usable_bytes(&boot.map), 0x9F000 + (0x7BC0 << 10));
	assert_int_equal(boot.rsdp.size, 0);
}

static void an_unknown_magic_is_refused(void **state)
{
	struct boot_memory memory = {image, BASE, SIZE, NULL};

	(void)state;
	assert_int_equal(multiboot_parse(&boot, &memory, 0, BASE), -EINVAL);
	assert_int_equal(boot.warning_count, 1);
}

static void an_information_structure_outside_memory_is_refused(void **state)
{
	struct boot_memory memory = {image, BASE, SIZE, NULL};

	(void)state;
	assert_int_equal(multiboot1_parse(&boot, &memory, 0), -EFAULT);
	assert_int_equal(multiboot1_parse(&boot, &memory, UINT64_MAX), -EFAULT);
	assert_int_equal(multiboot1_parse(&boot, &memory, BASE + SIZE - 3), -EFAULT);
	assert_int_equal(parse_prefix(67), -EFAULT);
	assert_int_not_equal(parse_prefix(68), -EFAULT);
	put32(image, MULTIBOOT1_INFO_FRAMEBUFFER);
	assert_int_equal(parse_prefix(109), -EFAULT);
}

static void without_a_map_the_basic_numbers_serve(void **state)
{
	(void)state;
	put32(image, MULTIBOOT1_INFO_MEMORY);
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.warning_count, 1);
	assert_int_equal(memory_map_usable_bytes(&boot.map), 0x9F000 + (0x7BC0 << 10));
	put32(image + MULTIBOOT1_MEM_LOWER, UINT32_MAX);
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.map.range[0].end, 0xA0000);
	put32(image, 0);
	assert_int_equal(parse(), -ENOENT);
}

static void a_map_entry_of_impossible_size_ends_the_map(void **state)
{
	static const uint32_t sizes[] = {0, 4, 19, 45, 0x7FFFFFFF, 0xFFFFFFFC, 0xFFFFFFFF};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		build();
		put32(image + MMAP + 24, sizes[i]);
		assert_int_equal(parse(), 0);
		assert_int_equal(boot.map.count, 1);
		assert_int_equal(boot.warning_count, 1);
	}
	build();
	put32(image + MULTIBOOT1_MMAP_LENGTH, 71);
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.map.count, 2);
	assert_int_equal(boot.warning_count, 1);
}

static void a_longer_map_entry_is_stepped_over(void **state)
{
	(void)state;
	put32(image + MULTIBOOT1_MMAP_LENGTH, 72);
	put32(image + MMAP + 24, 44);
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.map.count, 2);
	assert_int_equal(boot.warning_count, 0);
}

static void a_map_outside_memory_falls_back_to_the_basic_numbers(void **state)
{
	(void)state;
	put32(image + MULTIBOOT1_MMAP_LENGTH, UINT32_MAX);
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.warning_count, 2);
	assert_int_equal(boot.map.count, 2);
}

static void a_module_that_cannot_be_is_left_out_and_counted(void **state)
{
	static const struct {
		uint32_t start, end;
	} bad[] = {
		{BASE + FILES + 0x100, BASE + FILES},	    /* ends before it starts */
		{BASE + FILES, BASE + SIZE + 1},	    /* runs out of memory */
		{BASE - 1, BASE + 1},			    /* starts before memory */
		{BASE + FILES + 0x7F, BASE + FILES + 0x81}, /* overlaps the first */
		{0, UINT32_MAX},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		put32(image + MODULES + 16, bad[i].start);
		put32(image + MODULES + 20, bad[i].end);
		assert_int_equal(parse(), 0);
		assert_int_equal(boot.module_count, 1);
		assert_int_equal(boot.modules_refused, 1);
		assert_int_equal(boot.warning_count, 1);
	}
}

static void a_module_list_outside_memory_is_refused_as_a_whole(void **state)
{
	(void)state;
	put32(image + MULTIBOOT1_MODS_COUNT, UINT32_MAX);
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.module_count, 0);
	assert_int_equal(boot.modules_refused, UINT32_MAX);
	put32(image + MULTIBOOT1_MODS_COUNT, 2);
	put32(image + MULTIBOOT1_MODS_ADDR, BASE + SIZE - 31);
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.modules_refused, 2);
}

static void more_modules_than_fit_are_counted(void **state)
{
	enum { COUNT = BOOT_MODULES_MAX + 3, TABLE = 0x200, BYTES = 0xb00 };
	static uint8_t big[0xc00];
	struct boot_memory memory = {big, BASE, sizeof(big), NULL};

	(void)state;
	memcpy(big, image, sizeof(image));
	put32(big + MULTIBOOT1_MODS_COUNT, COUNT);
	put32(big + MULTIBOOT1_MODS_ADDR, BASE + TABLE);
	for (uint32_t i = 0; i < COUNT; i++) {
		put32(big + TABLE + i * 16, BASE + BYTES + i);
		put32(big + TABLE + i * 16 + 4, BASE + BYTES + i + 1);
	}
	assert_int_equal(multiboot1_parse(&boot, &memory, BASE), 0);
	assert_int_equal(boot.module_count, BOOT_MODULES_MAX);
	assert_int_equal(boot.modules_refused, 3);
	assert_int_equal(boot.warning_count, 1);
}

static void strings_that_do_not_end_or_fit_are_cut_and_warned_of(void **state)
{
	(void)state;
	memset(image + 0x380, 'x', 0x80);
	put32(image + MULTIBOOT1_CMDLINE, BASE + 0x3C0);
	assert_int_equal(parse(), 0);
	assert_int_equal(strlen(boot.cmdline), 0x40);
	assert_int_equal(boot.warning_count, 1);

	put32(image + MULTIBOOT1_CMDLINE, BASE + CMDLINE);
	put32(image + MULTIBOOT1_BOOT_LOADER_NAME, BASE + 0x380);
	image[SIZE - 1] = '\0';
	assert_int_equal(parse(), 0);
	assert_int_equal(strlen(boot.loader_name), sizeof(boot.loader_name) - 1);
	assert_int_equal(boot.warning_count, 1);

	put32(image + MULTIBOOT1_BOOT_LOADER_NAME, BASE + SIZE);
	assert_int_equal(parse(), 0);
	assert_string_equal(boot.loader_name, "");
	assert_int_equal(boot.warning_count, 1);
}

static void the_framebuffer_says_whether_there_is_vga_text(void **state)
{
	(void)state;
	put32(image, get32(image) | MULTIBOOT1_INFO_FRAMEBUFFER);
	put64(image + MULTIBOOT1_FRAMEBUFFER_ADDR, 0xB8000);
	put32(image + MULTIBOOT1_FRAMEBUFFER_PITCH, 160);
	put32(image + MULTIBOOT1_FRAMEBUFFER_WIDTH, 80);
	put32(image + MULTIBOOT1_FRAMEBUFFER_HEIGHT, 25);
	image[MULTIBOOT1_FRAMEBUFFER_BPP] = 16;
	image[MULTIBOOT1_FRAMEBUFFER_TYPE] = 2;
	assert_int_equal(parse(), 0);
	assert_true(boot.ega_text);
	assert_int_equal(boot.framebuffer.width, 80);
	assert_int_equal(boot.framebuffer.red.size, 0);
	image[MULTIBOOT1_FRAMEBUFFER_TYPE] = 1;
	memcpy(image + MULTIBOOT1_FRAMEBUFFER_FIELDS, "\x0b\x05\x06\x04\x01\x03", 6);
	assert_int_equal(parse(), 0);
	assert_false(boot.ega_text);
	assert_int_equal(boot.framebuffer.red.position, 11);
	assert_int_equal(boot.framebuffer.green.size, 4);
	assert_int_equal(boot.framebuffer.blue.position, 1);
	assert_int_equal(boot.framebuffer.blue.size, 3);
	assert_int_equal(boot.framebuffer.addr, 0xB8000);
	assert_int_equal(boot.warning_count, 0);
	put32(image + MULTIBOOT1_FRAMEBUFFER_WIDTH, 81);
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.framebuffer.width, 0);
	assert_int_equal(boot.warning_count, 1);
	put32(image + MULTIBOOT1_FRAMEBUFFER_WIDTH, 80);
	put64(image + MULTIBOOT1_FRAMEBUFFER_ADDR, UINT64_MAX - 10);
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.framebuffer.width, 0);
}

static void every_prefix_is_survived(void **state)
{
	(void)state;
	for (size_t size = 0; size < SIZE; size++)
		parse_prefix(size);
}

static void random_damage_is_survived(void **state)
{
	uint64_t seed = 0xB007;

	(void)state;
	for (int round = 0; round < 30000; round++) {
		build();
		for (uint64_t flips = 1 + random_next(&seed) % 6; flips; flips--) {
			uint64_t random = random_next(&seed);

			image[random % FILES] ^= (uint8_t)(1u << (random >> 32) % 8);
		}
		parse_prefix(random_next(&seed) & 1 ? SIZE : random_next(&seed) % SIZE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_window_is_checked_without_overflow, setup),
		cmocka_unit_test_setup(a_sound_structure_is_understood, setup),
		cmocka_unit_test_setup(an_unknown_magic_is_refused, setup),
		cmocka_unit_test_setup(an_information_structure_outside_memory_is_refused, setup),
		cmocka_unit_test_setup(without_a_map_the_basic_numbers_serve, setup),
		cmocka_unit_test_setup(a_map_entry_of_impossible_size_ends_the_map, setup),
		cmocka_unit_test_setup(a_longer_map_entry_is_stepped_over, setup),
		cmocka_unit_test_setup(a_map_outside_memory_falls_back_to_the_basic_numbers, setup),
		cmocka_unit_test_setup(a_module_that_cannot_be_is_left_out_and_counted, setup),
		cmocka_unit_test_setup(a_module_list_outside_memory_is_refused_as_a_whole, setup),
		cmocka_unit_test_setup(more_modules_than_fit_are_counted, setup),
		cmocka_unit_test_setup(strings_that_do_not_end_or_fit_are_cut_and_warned_of, setup),
		cmocka_unit_test_setup(the_framebuffer_says_whether_there_is_vga_text, setup),
		cmocka_unit_test_setup(every_prefix_is_survived, setup),
		cmocka_unit_test_setup(random_damage_is_survived, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
