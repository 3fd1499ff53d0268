/* Linux kernels: what their header says, and what they are started with. */
#include "tests/unit/unit.h"

#include <asm/bootparam.h>
#include <stddef.h>

#include "tests/unit/guest_load_all.h"
#include "vmm/load/bzimage_header.h"

#define MIB	     0x100000ull
#define SETUP_SECTS  3
#define PAYLOAD	     0x5010 /* bytes: a multiple of 16 */
#define FILE_SIZE    ((SETUP_SECTS + 1) * 512 + PAYLOAD)
#define RUBBISH	     0xEE
#define PREFERRED    (4 * MIB)
#define ALIGNMENT    0x40000
#define INIT_SIZE    (2 * MIB)
#define INITRD_MAX   0x7FFFFFull
#define HEADER_BYTES (offsetof(struct setup_header, handover_offset) + 4)

static uint8_t file[FILE_SIZE], memory[16 * MIB];
static struct setup_header *const header =
	(struct setup_header *)(file + offsetof(struct boot_params, hdr));
static struct guest_ram ram;
static struct guest_entry entry;
static struct refusal refusal;
static const struct boot_params *params;

/* As Debian 12's: protocol 2.15. */
static int setup(void **state)
{
	(void)state;
	ram = (struct guest_ram){1, sizeof(memory), {{0, sizeof(memory), memory}}};
	for (size_t i = 0; i < sizeof(file); i++)
		file[i] = (uint8_t)(i * 7);
	memset(file, RUBBISH, 0x1F1);
	*header = (struct setup_header){
		.setup_sects = SETUP_SECTS,
		.syssize = PAYLOAD / 16,
		.boot_flag = 0xAA55,
		.jump = 0xEB | (HEADER_BYTES - 0x11) << 8,
		.header = 0x53726448,
		.version = 0x20F,
		.loadflags = LOADED_HIGH,
		.code32_start = 0x100000,
		.initrd_addr_max = INITRD_MAX,
		.kernel_alignment = ALIGNMENT,
		.relocatable_kernel = 1,
		.cmdline_size = 100,
		.pref_address = PREFERRED,
		.init_size = INIT_SIZE,
	};
	return 0;
}

static int load_with(const char *cmdline, const struct guest_module *modules, uint32_t count)
{
	const struct guest_start start = {
		.cmdline = cmdline, .module_count = count, .module = modules};
	uint8_t *copy = exact_copy(file, sizeof(file));
	int result;

	memset(memory, RUBBISH, sizeof(memory));
	refusal.text[0] = '\0';
	result = guest_load_all(&ram, copy, sizeof(file), &start, &entry, &refusal);
	free(copy);
	params = (const struct boot_params *)(memory + entry.esi);
	return result;
}

static void expect_loaded_at(uint64_t at)
{
	assert_int_equal(entry.eip, at);
	assert_int_equal(params->hdr.code32_start, at);
	assert_memory_equal(memory + at, file + sizeof(file) - PAYLOAD, PAYLOAD);
	assert_int_equal(memory[at + PAYLOAD], RUBBISH);
}

static void expect_refusal(int code, const char *says)
{
	assert_int_equal(load_with("", NULL, 0), code);
	if (!strstr(refusal.text, says))
		fail_msg("\"%s\" says nothing of \"%s\"", refusal.text, says);
	assert_true(strlen(refusal.text) < REFUSAL_SIZE - 1);
}

static void it_starts_where_it_likes_to_be_best(void **state)
{
	(void)state;
	assert_int_equal(load_with("", NULL, 0), 0);
	expect_loaded_at(PREFERRED);
	assert_int_equal(entry.eax | entry.ebx, 0);
}

/* It would move itself up to where it likes to be: beyond the end. */
static void where_memory_ends_before_that_it_is_refused(void **state)
{
	(void)state;
	ram.size = ram.extent[0].size = PREFERRED + INIT_SIZE;
	assert_int_equal(load_with("", NULL, 0), 0);
	expect_loaded_at(PREFERRED);
	ram.size = ram.extent[0].size -= 4096;
	expect_refusal(-ENOMEM, "2 MiB from 0x400000 on, and the guest has 5 MiB: raise mem=");
}

static void one_that_is_larger_than_memory_is_refused(void **state)
{
	(void)state;
	header->init_size = sizeof(memory);
	expect_refusal(-ENOMEM, "16 MiB from 0x400000 on, and the guest has 16 MiB");
	header->init_size = UINT32_MAX;
	expect_refusal(-ENOMEM, "4096 MiB");
	header->pref_address = UINT64_MAX - 0xFFFF;
	expect_refusal(-ENOEXEC, "");
}

static void before_2_10_it_starts_at_1_mib(void **state)
{
	(void)state;
	header->version = 0x209;
	assert_int_equal(load_with("", NULL, 0), 0);
	expect_loaded_at(MIB);
	assert_int_equal(params->hdr.version, 0x209);
}

static void another_entry_point_stays_where_it_is_in_the_kernel(void **state)
{
	(void)state;
	header->code32_start = 0x100200;
	assert_int_equal(load_with("", NULL, 0), 0);
	assert_int_equal(entry.eip, PREFERRED + 0x200);
}

static void its_segments_are_those_of_the_protocol(void **state)
{
	static const uint8_t code[] = {0xFF, 0xFF, 0, 0, 0, 0x9B, 0xCF, 0};
	static const uint8_t data[] = {0xFF, 0xFF, 0, 0, 0, 0x93, 0xCF, 0};

	(void)state;
	assert_int_equal(load_with("", NULL, 0), 0);
	assert_int_equal(entry.code, 0x10);
	assert_int_equal(entry.data, 0x18);
	assert_int_equal(entry.gdt_limit, 0x1F);
	assert_memory_equal(memory + entry.gdt + entry.code, code, sizeof(code));
	assert_memory_equal(memory + entry.gdt + entry.data, data, sizeof(data));
}

static void the_header_is_the_file_s_and_the_rest_is_zero(void **state)
{
	const uint8_t *page;

	(void)state;
	assert_int_equal(load_with("", NULL, 0), 0);
	page = (const uint8_t *)params;
	assert_int_equal(params->hdr.type_of_loader, 0xFF);
	assert_int_equal(params->hdr.header, 0x53726448);
	assert_int_equal(params->hdr.kernel_alignment, ALIGNMENT);
	assert_int_equal(params->hdr.init_size, INIT_SIZE);
	assert_int_equal(params->hdr.ramdisk_size, 0);
	assert_int_equal(params->sentinel, 0);
	for (size_t i = offsetof(struct boot_params, hdr) + sizeof(struct setup_header);
	     i < offsetof(struct boot_params, e820_table); i++)
		assert_int_equal(page[i], 0);
	assert_int_equal(params->acpi_rsdp_addr, 0xF0400);
	assert_memory_equal(memory + params->acpi_rsdp_addr, "RSD PTR ", 8);
	assert_int_equal(params->alt_mem_k, 15 * 1024);
	assert_int_equal(params->screen_info.orig_video_isVGA, 1);
	assert_int_equal(params->screen_info.orig_video_cols, 80);
	assert_int_equal(params->screen_info.orig_video_lines, 25);
}

static void what_lies_behind_a_short_header_is_not_taken_over(void **state)
{
	(void)state;
	memset((uint8_t *)header + HEADER_BYTES - 4, RUBBISH, 16);
	header->jump = 0xEB | (HEADER_BYTES - 4 - 0x11) << 8;
	assert_int_equal(load_with("", NULL, 0), 0);
	assert_int_equal(params->hdr.handover_offset, 0);
}

static void the_memory_map_is_a_pc_s(void **state)
{
	const struct boot_e820_entry *map;

	(void)state;
	assert_int_equal(load_with("", NULL, 0), 0);
	map = params->e820_table;
	assert_int_equal(params->e820_entries, 4);
	for (uint32_t i = 0; i < 4; i++) {
		static const struct boot_e820_entry want[] = {{0, 0x9FC00, 1},
							      {0x9FC00, 0x400, 2},
							      {0xF0000, 0x10000, 2},
							      {MIB, 15 * MIB, 1}};

		assert_int_equal(map[i].addr, want[i].addr);
		assert_int_equal(map[i].size, want[i].size);
		assert_int_equal(map[i].type, want[i].type);
	}
}

static void the_command_line_is_handed_over(void **state)
{
	(void)state;
	assert_int_equal(load_with("console=ttyS0 a=\"b c\"", NULL, 0), 0);
	assert_string_equal((const char *)memory + params->hdr.cmd_line_ptr,
			    "console=ttyS0 a=\"b c\"");
	assert_true(params->hdr.cmd_line_ptr < 0x9FC00);
}

static void one_that_is_too_long_for_it_is_refused(void **state)
{
	char line[302] = "";

	(void)state;
	memset(line, 'x', 100);
	assert_int_equal(load_with(line, NULL, 0), 0);
	line[100] = 'x';
	assert_int_equal(load_with(line, NULL, 0), -ENOEXEC);
	assert_non_null(strstr(refusal.text, "101 characters, and this Linux takes 100"));
	header->version = 0x205; /* does not say */
	memset(line, 'x', 255);
	assert_int_equal(load_with(line, NULL, 0), 0);
	line[255] = 'x';
	assert_int_equal(load_with(line, NULL, 0), -ENOEXEC);
}

static void the_initrd_is_as_high_as_the_kernel_reaches(void **state)
{
	const struct guest_module module = {file, 5000, ""};

	(void)state;
	assert_int_equal(load_with("", &module, 1), 0);
	assert_int_equal(params->hdr.ramdisk_image, INITRD_MAX + 1 - 2 * 4096);
	assert_int_equal(params->hdr.ramdisk_size, 5000);
	assert_memory_equal(memory + params->hdr.ramdisk_image, file, 5000);
	header->initrd_addr_max = UINT32_MAX;
	assert_int_equal(load_with("", &module, 1), 0);
	assert_int_equal(params->hdr.ramdisk_image, sizeof(memory) - 2 * 4096);
}

static void it_goes_around_the_kernel(void **state)
{
	struct guest_module large;
	uint8_t *bytes = calloc(1, 5 * MIB);

	(void)state;
	large = (struct guest_module){bytes, 3 * MIB, ""};
	assert_int_equal(load_with("", &large, 1), 0); /* 6 to 8 MiB are too few */
	assert_int_equal(params->hdr.ramdisk_image, MIB);
	large.size = 3 * MIB + 1;
	assert_int_equal(load_with("", &large, 1), -ENOMEM);
	assert_non_null(strstr(refusal.text, "no room below 0x800000 for an initrd"));
	free(bytes);
}

static void several_become_one_at_multiples_of_4(void **state)
{
	const struct guest_module modules[] = {{"abcde", 5, ""}, {"", 0, ""}, {"fgh", 3, ""}};

	(void)state;
	assert_int_equal(load_with("", modules, 3), 0);
	assert_int_equal(params->hdr.ramdisk_size, 11);
	assert_memory_equal(memory + params->hdr.ramdisk_image, "abcde\0\0\0fgh", 11);
}

static void what_is_damaged_is_named(void **state)
{
	static const struct {
		size_t at;
		uint32_t value, size;
		const char *says;
	} damage[] = {
		{offsetof(struct setup_header, version), 0x201, 2, "boot protocol 2.01"},
		{offsetof(struct setup_header, version), 0x300, 2, "boot protocol 3.00"},
		{offsetof(struct setup_header, jump), 0x20EB, 2, "it ends at 0x222"},
		{offsetof(struct setup_header, loadflags), 0, 1, "LOADED_HIGH"},
		{offsetof(struct setup_header, code32_start), 0, 4, "code32_start 0x0"},
		{offsetof(struct setup_header, code32_start), 0x100000 + PAYLOAD, 4,
		 "code32_start 0x105010 is not in the kernel"},
		{offsetof(struct setup_header, kernel_alignment), 0, 4, "kernel_alignment 0x0"},
		{offsetof(struct setup_header, kernel_alignment), 0x3000, 4, "kernel_alignment"},
		{offsetof(struct setup_header, setup_sects), 200, 1, "setup_sects 200"},
		{offsetof(struct setup_header, syssize), PAYLOAD / 16 + 1, 4, "cut off"},
		{offsetof(struct setup_header, pref_address), 0x1000, 4, "pref_address 0x1000"},
		{offsetof(struct setup_header, boot_flag), 0, 2, "nor a Linux bzImage"},
		{offsetof(struct setup_header, header), 0, 4, "nor a Linux bzImage"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(damage); i++) {
		setup(state);
		memcpy((uint8_t *)header + damage[i].at, &damage[i].value, damage[i].size);
		expect_refusal(-ENOEXEC, damage[i].says);
	}
}

static void the_last_paragraph_need_not_be_whole(void **state)
{
	const struct guest_start start = {.cmdline = ""};
	uint8_t *copy = exact_copy(file, sizeof(file) - 15);

	(void)state;
	assert_int_equal(guest_load_all(&ram, copy, sizeof(file) - 15, &start, &entry, &refusal),
			 0);
	assert_int_equal(guest_load_all(&ram, copy, sizeof(file) - 16, &start, &entry, &refusal),
			 -ENOEXEC);
	free(copy);
}

static void no_byte_of_the_header_leads_out_of_the_file_or_memory(void **state)
{
	for (size_t at = 0; at < HEADER_BYTES; at++)
		for (unsigned int value = 0; value < 256; value += 15) {
			setup(state);
			((uint8_t *)header)[at] = (uint8_t)value;
			load_with("a", NULL, 0); /* the sanitizers look */
		}
}

static void a_file_that_ends_early_is_no_kernel(void **state)
{
	const struct guest_start start = {.cmdline = ""};

	(void)state;
	for (size_t size = 0; size < sizeof(file); size += size < 0x300 ? 1 : 1000) {
		uint8_t *copy = exact_copy(file, size);

		assert_int_equal(guest_load_all(&ram, copy, size, &start, &entry, &refusal),
				 -ENOEXEC);
		free(copy);
	}
}

static void a_multiboot_header_comes_first(void **state)
{
	const uint32_t multiboot[] = {0x1BADB002, 0x40, -0x1BADB042u};

	(void)state;
	memcpy(file + 0x400, multiboot, sizeof(multiboot));
	expect_refusal(-ENOEXEC, "it requires flags 0x40");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(it_starts_where_it_likes_to_be_best, setup),
		cmocka_unit_test_setup(where_memory_ends_before_that_it_is_refused, setup),
		cmocka_unit_test_setup(one_that_is_larger_than_memory_is_refused, setup),
		cmocka_unit_test_setup(before_2_10_it_starts_at_1_mib, setup),
		cmocka_unit_test_setup(another_entry_point_stays_where_it_is_in_the_kernel, setup),
		cmocka_unit_test_setup(its_segments_are_those_of_the_protocol, setup),
		cmocka_unit_test_setup(the_header_is_the_file_s_and_the_rest_is_zero, setup),
		cmocka_unit_test_setup(what_lies_behind_a_short_header_is_not_taken_over, setup),
		cmocka_unit_test_setup(the_memory_map_is_a_pc_s, setup),
		cmocka_unit_test_setup(the_command_line_is_handed_over, setup),
		cmocka_unit_test_setup(one_that_is_too_long_for_it_is_refused, setup),
		cmocka_unit_test_setup(the_initrd_is_as_high_as_the_kernel_reaches, setup),
		cmocka_unit_test_setup(it_goes_around_the_kernel, setup),
		cmocka_unit_test_setup(several_become_one_at_multiples_of_4, setup),
		cmocka_unit_test_setup(what_is_damaged_is_named, setup),
		cmocka_unit_test_setup(the_last_paragraph_need_not_be_whole, setup),
		cmocka_unit_test_setup(no_byte_of_the_header_leads_out_of_the_file_or_memory,
				       setup),
		cmocka_unit_test_setup(a_file_that_ends_early_is_no_kernel, setup),
		cmocka_unit_test_setup(a_multiboot_header_comes_first, setup),
	};

	return cmocka_run_group_tests_name("bzimage", tests, NULL, NULL);
}
