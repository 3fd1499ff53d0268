#include "tests/unit/acpi_tables.h"

static void the_x_fields_are_preferred(void **state)
{
	(void)state;
	fill();
	parse();
	expect_new();
}

static void tables_above_4_gib_are_read(void **state)
{
	(void)state;
	base = HIGH_BASE;
	fill();
	parse();
	expect_new();
}

static void an_old_fadt_has_no_x_fields(void **state)
{
	(void)state;
	fill();
	fill_old_fadt(FADT_OLD);
	/* what follows the table is not of it */
	put64(image + FADT + 140, base + X_DSDT);
	generic(FADT + 172, ACPI_SPACE_IO, 16, 0x804);
	seal(FADT);
	parse();
	expect_old();
	for (uint32_t length = 36; length < FADT_NEW; length++) {
		fill();
		put32(image + FADT + 4, length);
		seal(FADT);
		parse();
		assert_true(!acpi.can_sleep || length >= 68);
		if (length < 208 + 12)
			assert_true(acpi.pm_timer.address == 0 || acpi.pm_timer.address == 0x408);
	}
}

static void x_fields_that_cannot_be_used_give_way_to_the_old_ones(void **state)
{
	static const struct {
		uint8_t space, width, offset;
		uint64_t address;
	} bad[] = {
		{ACPI_SPACE_IO, 16, 0, 0},	{ACPI_SPACE_IO, 16, 0, 0x10000},
		{ACPI_SPACE_IO, 16, 0, 0xffff}, {ACPI_SPACE_IO, 8, 0, 0x804},
		{ACPI_SPACE_IO, 16, 1, 0x804},	{ACPI_SPACE_MEMORY, 16, 0, UINT64_MAX},
		{0x7f, 16, 0, 0x804}, /* fixed hardware of the CPU's maker */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		static const uint32_t fields[] = {172, 184, 208};

		fill();
		put64(image + FADT + 140, i & 1 ? 0 : UINT64_MAX - 8);
		for (size_t f = 0; f < ARRAY_SIZE(fields); f++) {
			generic(FADT + fields[f], bad[i].space, bad[i].width, bad[i].address);
			image[FADT + fields[f] + 2] = bad[i].offset;
		}
		seal(FADT);
		parse();
		expect_old();
	}
}

static void registers_in_memory_are_taken(void **state)
{
	(void)state;
	fill();
	generic(FADT + 172, ACPI_SPACE_MEMORY, 16, 0xfe000804);
	generic(FADT + 208, ACPI_SPACE_MEMORY, 0, 0x1fe000808);
	seal(FADT);
	parse();
	assert_true(acpi.can_sleep);
	expect_register(&acpi.pm1a_control, ACPI_SPACE_MEMORY, 0xfe000804);
	expect_register(&acpi.pm_timer, ACPI_SPACE_MEMORY, 0x1fe000808);
}

static void old_fields_that_are_no_port_are_none(void **state)
{
	(void)state;
	fill();
	fill_old_fadt(FADT_OLD);
	put32(image + FADT + 48, 0x100b2);
	put32(image + FADT + 76, 0xfffd);
	put32(image + FADT + 68, 0xffffffff);
	seal(FADT);
	parse();
	assert_true(acpi.can_sleep);
	assert_int_equal(acpi.smi_command, 0);
	assert_int_equal(acpi.pm_timer.address, 0);
	assert_int_equal(acpi.pm1b_control.address, 0);
	image[FADT + 89] = 1;
	seal(FADT);
	parse();
	assert_false(acpi.can_sleep);
}

static void hardware_reduced_acpi_has_none_of_the_registers(void **state)
{
	(void)state;
	fill();
	put32(image + FADT + 112, 1u << 20);
	seal(FADT);
	parse();
	assert_false(acpi.can_sleep);
	assert_int_equal(acpi.pm1a_control.address, 0);
	assert_int_equal(acpi.pm_timer.address, 0);
	assert_int_equal(acpi.hpet, 0xfed00000);
}

/* By the RSDT here: its FADT is the same, so a table of its own shows the way taken. */

static void an_hpet_that_is_no_memory_is_none(void **state)
{
	(void)state;
	fill();
	generic(HPET + 40, ACPI_SPACE_IO, 64, 0xd000);
	seal(HPET);
	parse();
	assert_int_equal(acpi.hpet, 0);
	fill();
	put32(image + HPET + 4, 48);
	seal(HPET);
	parse();
	assert_int_equal(acpi.hpet, 0);
}

/* Memory that has to be asked for piece by piece, as above 4 GiB. */

static void the_rsdp_is_looked_for_where_a_bios_has_it(void **state)
{
	static uint8_t low[0x100000];
	static const uint32_t places[] = {0x9fc00, 0x9fff0, 0xe0000, 0xfffe0};
	const struct boot_memory memory = {low, 0, sizeof(low), NULL};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		memset(low, 0, sizeof(low));
		setup(state);
		fill_roots();
		put16(low + 0x40e, 0x9fc0);
		memcpy(low + places[i], info.rsdp.bytes, 0x100000 - places[i] < 36 ? 32 : 36);
		memset(&info, 0, sizeof(info));
		acpi_find_rsdp(&info, &memory);
		assert_int_equal(info.rsdp.size, places[i] == 0xfffe0 ? 20 : 36);
		assert_memory_equal(info.rsdp.bytes, low + places[i], info.rsdp.size);
		/* what the loader told of stays; UEFI has no such area */
		low[places[i]] = 0;
		acpi_find_rsdp(&info, &memory);
		assert_int_equal(info.rsdp.bytes[0], 'R');
		memset(&info, 0, sizeof(info));
		acpi_find_rsdp(&info, &memory);
		assert_int_equal(info.rsdp.size, 0);
		low[places[i]] = 'R';
		info.efi = true;
		acpi_find_rsdp(&info, &memory);
		assert_int_equal(info.rsdp.size, 0);
	}
}

static void without_an_rsdp_there_is_nothing(void **state)
{
	(void)state;
	fill();
	info.rsdp.size = 0;
	parse();
	expect_nothing();
}

/* Damage anywhere: nothing is read outside, and what is believed has a checksum that holds. */

static uint32_t list(char (*names)[4], uint32_t max)
{
	uint8_t *copy = exact_copy(image, SIZE);
	const struct boot_memory memory = {copy, base, SIZE, NULL};
	uint32_t count = acpi_list(&info, &memory, names, max);

	free(copy);
	return count;
}

static void the_tables_that_are_whole_are_listed(void **state)
{
	char names[4][4];

	(void)state;
	fill();
	assert_int_equal(list(names, 4), 2);
	assert_memory_equal(names[0], "HPET", 4);
	assert_memory_equal(names[1], "FACP", 4);
	assert_int_equal(list(names, 1), 1);
	image[HPET + 50]++; /* its sum is wrong */
	assert_int_equal(list(names, 4), 1);
	assert_memory_equal(names[0], "FACP", 4);
	memcpy(image + XSDT, "XSDX", 4); /* the other root has them too */
	assert_int_equal(list(names, 4), 1);
	put32(image + RSDT + 36, UINT32_MAX);
	put32(image + RSDT + 40, 0);
	seal(RSDT);
	assert_int_equal(list(names, 4), 0);
	info.rsdp.size = 0;
	assert_int_equal(list(names, 4), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_tables_that_are_whole_are_listed, setup),
		cmocka_unit_test_setup(the_x_fields_are_preferred, setup),
		cmocka_unit_test_setup(tables_above_4_gib_are_read, setup),
		cmocka_unit_test_setup(an_old_fadt_has_no_x_fields, setup),
		cmocka_unit_test_setup(x_fields_that_cannot_be_used_give_way_to_the_old_ones,
				       setup),
		cmocka_unit_test_setup(registers_in_memory_are_taken, setup),
		cmocka_unit_test_setup(old_fields_that_are_no_port_are_none, setup),
		cmocka_unit_test_setup(hardware_reduced_acpi_has_none_of_the_registers, setup),
		cmocka_unit_test_setup(an_hpet_that_is_no_memory_is_none, setup),
		cmocka_unit_test_setup(the_rsdp_is_looked_for_where_a_bios_has_it, setup),
		cmocka_unit_test_setup(without_an_rsdp_there_is_nothing, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
