#include "tests/unit/unit.h"

#include "boot/bootinfo.h"
#include "boot/multiboot.h"
#include "boot/multiboot2.h"

#define BASE  0x10000u
#define FILES 0x1000u /* the modules, after the information structure */
#define SIZE  0x1400u

static struct boot_info boot;
static uint8_t image[SIZE];
static size_t used;

/* Starts a tag of size bytes, its header included; returns its place. */
static uint8_t *tag(uint32_t type, uint32_t size)
{
	uint8_t *at = image + used;

	put32(at, type);
	put32(at + 4, size);
	used += (size + 7) & ~7u;
	assert_true(used <= FILES);
	return at;
}

static void string_tag(uint32_t type, const char *text)
{
	size_t size = strlen(text) + 1;

	memcpy(tag(type, (uint32_t)(8 + size)) + 8, text, size);
}

static void module_tag(uint32_t start, uint32_t end, const char *text)
{
	size_t size = strlen(text) + 1;
	uint8_t *at = tag(MULTIBOOT2_TAG_MODULE, (uint32_t)(16 + size));

	put32(at + 8, start);
	put32(at + 12, end);
	memcpy(at + 16, text, size);
}

static void mmap_tag(uint32_t entry_size)
{
	uint8_t *at = tag(MULTIBOOT2_TAG_MMAP, 16 + 2 * entry_size);

	put32(at + 8, entry_size);
	if (entry_size < 24)
		return;
	put64(at + 24, 0x9FC00);
	put32(at + 32, MEMORY_USABLE);
	put64(at + 16 + entry_size, 0x100000);
	put64(at + 24 + entry_size, 0x7F00000);
	put32(at + 32 + entry_size, MEMORY_USABLE);
}

static void begin(void)
{
	memset(image, 0, sizeof(image));
	used = 8;
}

static void end(void)
{
	tag(MULTIBOOT2_TAG_END, 8);
	put32(image, (uint32_t)used);
}

static void framebuffer_tag(uint8_t type)
{
	uint8_t *at = tag(MULTIBOOT2_TAG_FRAMEBUFFER, 38);

	put64(at + 8, 0x80000000);
	put32(at + 16, 4096);
	put32(at + 20, 1024);
	put32(at + 24, 768);
	at[28] = 32;
	at[29] = type;
	memcpy(at + 32, "\x10\x08\x08\x07\x00\x06", 6);
}

static void build(void)
{
	begin();
	string_tag(MULTIBOOT2_TAG_CMDLINE, "console=com1");
	string_tag(MULTIBOOT2_TAG_LOADER_NAME, "GRUB 2.06");
	module_tag(BASE + FILES, BASE + FILES + 0x100, "name=g -- x y");
	module_tag(BASE + FILES + 0x100, BASE + FILES + 0x200, "");
	mmap_tag(24);
	memset(tag(MULTIBOOT2_TAG_ACPI_NEW, 8 + 36) + 8, 'N', 36);
	memset(tag(MULTIBOOT2_TAG_ACPI_OLD, 8 + 20) + 8, 'O', 20);
	framebuffer_tag(BOOT_FRAMEBUFFER_RGB);
	tag(99, 13);
	end();
}

static int setup(void **state)
{
	(void)state;
	build();
	return 0;
}

static int parse_prefix(size_t size)
{
	uint8_t *copy = exact_copy(image, size);
	struct boot_memory memory = {copy, BASE, size, NULL};
	int result = multiboot_parse(&boot, &memory, MULTIBOOT2_LOADER_MAGIC, BASE);

	assert_true(memchr(boot.cmdline, 0, sizeof(boot.cmdline)) != NULL);
	assert_true(boot.module_count <= BOOT_MODULES_MAX);
	for (uint32_t i = 0; i < boot.module_count; i++)
		assert_true(boot.module[i].start >= BASE &&
			    boot.module[i].start <= boot.module[i].end &&
			    boot.module[i].end <= BASE + size);
	free(copy);
	return result;
}

static int parse(void)
{
	return parse_prefix(SIZE);
}

static void a_sound_structure_is_understood(void **state)
{
	(void)state;
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.warning_count, 0);
	assert_int_equal(boot.protocol, 2);
	assert_string_equal(boot.cmdline, "console=com1");
	assert_string_equal(boot.loader_name, "GRUB 2.06");
	assert_int_equal(boot.module_count, 2);
	assert_int_equal(boot.modules_refused, 0);
	assert_string_equal(boot.module[0].cmdline, "name=g -- x y");
	assert_int_equal(boot.module[1].start, BASE + FILES + 0x100);
	assert_int_equal(memory_map_usable_bytes(&boot.map), 0x9F000 + 0x7F00000);
	assert_int_equal(boot.rsdp.size, 36);
	assert_int_equal(boot.rsdp.bytes[35], 'N');
	assert_false(boot.efi);
	assert_false(boot.ega_text);
	assert_int_equal(boot.framebuffer.width, 1024);
	assert_int_equal(boot.framebuffer.bpp, 32);
	assert_int_equal(boot.framebuffer.red.position, 16);
	assert_int_equal(boot.framebuffer.red.size, 8);
	assert_int_equal(boot.framebuffer.green.position, 8);
	assert_int_equal(boot.framebuffer.green.size, 7);
	assert_int_equal(boot.framebuffer.blue.position, 0);
	assert_int_equal(boot.framebuffer.blue.size, 6);
}

static void efi_and_vga_text_follow_from_the_tags(void **state)
{
	static const uint32_t efi[] = {MULTIBOOT2_TAG_EFI32, MULTIBOOT2_TAG_EFI64,
				       MULTIBOOT2_TAG_EFI_MMAP, MULTIBOOT2_TAG_EFI32_HANDLE,
				       MULTIBOOT2_TAG_EFI64_HANDLE};

	(void)state;
	begin();
	mmap_tag(24);
	end();
	assert_int_equal(parse(), 0);
	assert_true(boot.ega_text);
	assert_false(boot.efi);
	for (size_t i = 0; i < ARRAY_SIZE(efi); i++) {
		begin();
		mmap_tag(24);
		tag(efi[i], 16);
		end();
		assert_int_equal(parse(), 0);
		assert_true(boot.efi);
		assert_false(boot.ega_text);
	}
	begin();
	mmap_tag(24);
	framebuffer_tag(BOOT_FRAMEBUFFER_EGA_TEXT);
	end();
	assert_int_equal(parse(), 0);
	assert_true(boot.ega_text);
}

static void the_header_is_checked(void **state)
{
	struct boot_memory memory = {image, BASE, SIZE, NULL};
	static const uint32_t sizes[] = {0, 7, 8, 15};

	(void)state;
	assert_int_equal(multiboot2_parse(&boot, &memory, BASE - 8), -EFAULT);
	assert_int_equal(multiboot2_parse(&boot, &memory, BASE + SIZE - 4), -EFAULT);
	assert_int_equal(multiboot2_parse(&boot, &memory, UINT64_MAX - 7), -EFAULT);
	put32(image + 4, (uint32_t)used);
	assert_int_equal(multiboot2_parse(&boot, &memory, BASE + 4), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		put32(image, sizes[i]);
		assert_int_equal(parse(), -EINVAL);
	}
	put32(image, SIZE + 1);
	assert_int_equal(parse(), -EFAULT);
	put32(image, UINT32_MAX);
	assert_int_equal(parse(), -EFAULT);
}

static void a_tag_of_impossible_size_is_refused(void **state)
{
	static const uint32_t sizes[] = {0, 7, 0x1000, 0x7FFFFFFF, 0xFFFFFFF9, 0xFFFFFFFF};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		build();
		put32(image + 12, sizes[i]);
		assert_int_equal(parse(), -EINVAL);
		assert_int_equal(boot.warning_count, 1);
	}
}

static void a_missing_end_tag_is_warned_of(void **state)
{
	(void)state;
	put32(image, (uint32_t)used - 8);
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.warning_count, 1);
	assert_int_equal(boot.module_count, 2);
	/* The last tag has 13 bytes: its padding is missing too. */
	put32(image, (uint32_t)used - 8 - 3);
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.warning_count, 1);
}

static void tags_too_short_for_their_type_are_left_out(void **state)
{
	static const struct {
		uint32_t type, size;
	} bad[] = {
		{MULTIBOOT2_TAG_MODULE, 15},	  {MULTIBOOT2_TAG_MMAP, 15},
		{MULTIBOOT2_TAG_ACPI_OLD, 27},	  {MULTIBOOT2_TAG_ACPI_NEW, 43},
		{MULTIBOOT2_TAG_FRAMEBUFFER, 30}, {MULTIBOOT2_TAG_BASIC_MEMORY, 15},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		begin();
		mmap_tag(24);
		tag(bad[i].type, bad[i].size);
		end();
		assert_int_equal(parse(), 0);
		assert_int_equal(boot.warning_count, 1);
		assert_int_equal(boot.module_count, 0);
		assert_int_equal(boot.modules_refused, bad[i].type == MULTIBOOT2_TAG_MODULE);
		assert_int_equal(boot.rsdp.size, 0);
	}
}

static void the_map_takes_longer_entries_and_refuses_short_ones(void **state)
{
	static const uint32_t bad[] = {0, 8, 16, 23, 25};

	(void)state;
	begin();
	mmap_tag(40);
	end();
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.map.count, 2);
	assert_int_equal(boot.warning_count, 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		begin();
		mmap_tag(24);
		put32(image + 16, bad[i]);
		end();
		assert_int_equal(parse(), -ENOENT);
		assert_int_equal(boot.warning_count, 1);
	}
	begin();
	mmap_tag(24);
	put32(image + 12, 16 + 47);
	end();
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.map.count, 1);
	assert_int_equal(boot.warning_count, 1);
}

static void without_a_map_the_basic_numbers_serve(void **state)
{
	uint8_t *at;

	(void)state;
	begin();
	end();
	assert_int_equal(parse(), -ENOENT);
	begin();
	at = tag(MULTIBOOT2_TAG_BASIC_MEMORY, 16);
	put32(at + 8, 640);
	put32(at + 12, UINT32_MAX);
	end();
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.warning_count, 1);
	assert_int_equal(boot.map.range[1].end, 0x400000FF000ull);
}

static void usable_memory_past_2_to_the_64_is_left_out(void **state)
{
	(void)state;
	begin();
	mmap_tag(24);
	put64(image + 8 + 16 + 8, UINT64_MAX);
	put64(image + 8 + 16, 0x1000);
	end();
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.map.count, 1);
	assert_int_equal(boot.warning_count, 1);
}

static void strings_are_bounded_by_their_tags_and_buffers(void **state)
{
	char text[1200];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	begin();
	mmap_tag(24);
	string_tag(MULTIBOOT2_TAG_CMDLINE, text);
	module_tag(BASE + FILES, BASE + FILES + 1, text);
	end();
	assert_int_equal(parse(), 0);
	assert_int_equal(strlen(boot.cmdline), sizeof(boot.cmdline) - 1);
	assert_int_equal(strlen(boot.module[0].cmdline), sizeof(boot.module[0].cmdline) - 1);
	assert_int_equal(boot.warning_count, 2);

	begin();
	string_tag(MULTIBOOT2_TAG_CMDLINE, "1234567");
	put32(image + 12, 8 + 7);
	mmap_tag(24);
	end();
	assert_int_equal(parse(), 0);
	assert_string_equal(boot.cmdline, "1234567");
	assert_int_equal(boot.warning_count, 1);

	begin();
	tag(MULTIBOOT2_TAG_CMDLINE, 8);
	mmap_tag(24);
	end();
	assert_int_equal(parse(), 0);
	assert_string_equal(boot.cmdline, "");
}

static void modules_that_cannot_be_are_left_out_and_counted(void **state)
{
	(void)state;
	begin();
	mmap_tag(24);
	module_tag(BASE + FILES, BASE + FILES + 0x10, "good");
	module_tag(BASE + FILES + 0xF, BASE + FILES + 0x11, "overlaps");
	module_tag(BASE + FILES + 0x30, BASE + FILES + 0x20, "reversed");
	module_tag(BASE + SIZE - 1, BASE + SIZE + 1, "outside");
	module_tag(BASE + FILES + 0x10, BASE + SIZE, "good too");
	end();
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.module_count, 2);
	assert_int_equal(boot.modules_refused, 3);
	assert_int_equal(boot.warning_count, 3);
	assert_string_equal(boot.module[1].cmdline, "good too");
}

static void more_modules_and_warnings_than_fit_are_counted(void **state)
{
	(void)state;
	begin();
	mmap_tag(24);
	for (uint32_t i = 0; i < BOOT_MODULES_MAX + BOOT_WARNINGS_MAX + 4; i++)
		module_tag(BASE + FILES + i, BASE + FILES + i + 1, "m");
	end();
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.module_count, BOOT_MODULES_MAX);
	assert_int_equal(boot.modules_refused, BOOT_WARNINGS_MAX + 4);
	assert_int_equal(boot.warning_count, BOOT_WARNINGS_MAX + 4);
}

static void every_prefix_is_survived_and_every_total_size(void **state)
{
	(void)state;
	for (size_t size = 0; size < used; size++) {
		build();
		assert_int_equal(parse_prefix(size), -EFAULT);
		if (size >= 8) {
			put32(image, (uint32_t)size);
			parse_prefix(size);
		}
	}
}

static void random_damage_is_survived(void **state)
{
	uint64_t seed = 0xB0072;

	(void)state;
	for (int round = 0; round < 30000; round++) {
		build();
		for (uint64_t flips = 1 + random_next(&seed) % 6; flips; flips--) {
			uint64_t random = random_next(&seed);

			image[random % used] ^= (uint8_t)(1u << (random >> 32) % 8);
		}
		parse_prefix(random_next(&seed) & 1 ? SIZE : random_next(&seed) % SIZE);
	}
}

/* What GRUB escapes is given back as it was written; another loader's lines stand as they are. */
static void the_escapes_of_grub_are_undone(void **state)
{
	static const char line[] = "name=g -- a=\\\"b c\\\" it\\'s C:\\\\x \\n";

	(void)state;
	for (int grub = 0; grub < 2; grub++) {
		begin();
		string_tag(MULTIBOOT2_TAG_LOADER_NAME, grub ? "GRUB 2.06" : "other");
		module_tag(BASE + FILES, BASE + FILES + 0x100, line);
		mmap_tag(24);
		end();
		assert_int_equal(parse_prefix(SIZE), 0);
		assert_string_equal(boot.module[0].cmdline,
				    grub ? "name=g -- a=\"b c\" it's C:\\x \\n" : line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_escapes_of_grub_are_undone, setup),
		cmocka_unit_test_setup(a_sound_structure_is_understood, setup),
		cmocka_unit_test_setup(efi_and_vga_text_follow_from_the_tags, setup),
		cmocka_unit_test_setup(the_header_is_checked, setup),
		cmocka_unit_test_setup(a_tag_of_impossible_size_is_refused, setup),
		cmocka_unit_test_setup(a_missing_end_tag_is_warned_of, setup),
		cmocka_unit_test_setup(tags_too_short_for_their_type_are_left_out, setup),
		cmocka_unit_test_setup(the_map_takes_longer_entries_and_refuses_short_ones, setup),
		cmocka_unit_test_setup(without_a_map_the_basic_numbers_serve, setup),
		cmocka_unit_test_setup(usable_memory_past_2_to_the_64_is_left_out, setup),
		cmocka_unit_test_setup(strings_are_bounded_by_their_tags_and_buffers, setup),
		cmocka_unit_test_setup(modules_that_cannot_be_are_left_out_and_counted, setup),
		cmocka_unit_test_setup(more_modules_and_warnings_than_fit_are_counted, setup),
		cmocka_unit_test_setup(every_prefix_is_survived_and_every_total_size, setup),
		cmocka_unit_test_setup(random_damage_is_survived, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
