#include "tests/unit/acpi_tables.h"

static void the_rsdt_serves_where_the_xsdt_cannot_be_used(void **state)
{
	(void)state;
	for (int how = 0; how < 8; how++) {
		fill();
		table(HPET + 0x100, "HPET", 56);
		generic(HPET + 0x100 + 40, ACPI_SPACE_MEMORY, 64, 0xfed01000);
		seal(HPET + 0x100);
		put32(image + RSDT + 36, (uint32_t)base + HPET + 0x100);
		seal(RSDT);
		switch (how) {
		case 0:
			image[XSDT + 9]++;
			break;
		case 1:
			put64(info.rsdp.bytes + 24, 0);
			break;
		case 2:
			put64(info.rsdp.bytes + 24, base + SIZE);
			break;
		case 3:
			put64(info.rsdp.bytes + 24, UINT64_MAX - 35);
			break;
		case 4:
			put32(image + XSDT + 4, UINT32_MAX);
			break;
		case 5:
			memcpy(image + XSDT, "TDSX", 4);
			seal(XSDT);
			break;
		case 6:
			info.rsdp.bytes[15] = 0;
			break;
		case 7:
			info.rsdp.bytes[33]++; /* the extended checksum no longer holds */
			break;
		}
		if (how < 6)
			fix_sum(info.rsdp.bytes, 36, 32);
		parse();
		assert_int_equal(acpi.hpet, 0xfed01000);
		assert_true(acpi.can_sleep);
	}
	info.rsdp.size = 20;
	parse();
	assert_int_equal(acpi.hpet, 0xfed01000);
}

static void a_table_that_only_the_rsdt_knows_is_found(void **state)
{
	(void)state;
	fill();
	put32(image + XSDT + 4, 36);
	seal(XSDT);
	parse();
	expect_new();
}

static void addresses_and_lengths_that_wrap_lead_nowhere(void **state)
{
	static const uint64_t addresses[] = {UINT64_MAX,	UINT64_MAX - 35,
					     UINT64_MAX - 36,	0x7fe00000ull + SIZE - 35,
					     0x7fe00000ull - 1, 1};
	static const uint32_t lengths[] = {0, 35, 0x400001, SIZE, UINT32_MAX, UINT32_MAX - 35};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		fill();
		put32(image + RSDT + 4, 36); /* empty */
		seal(RSDT);
		put64(image + XSDT + 44, addresses[i]);
		put64(image + XSDT + 36, addresses[i]);
		seal(XSDT);
		parse();
		expect_nothing();
	}
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		fill();
		put32(image + FADT + 4, lengths[i]);
		put32(image + HPET + 4, lengths[i]);
		parse();
		expect_nothing();
	}
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		fill();
		put32(image + DSDT + 4, lengths[i]);
		put32(image + X_DSDT + 4, lengths[i]);
		parse();
		assert_false(acpi.can_sleep);
		assert_int_equal(acpi.pm_timer.address, 0x808);
	}
	/* cut in the middle of an entry */
	fill();
	put32(image + XSDT + 4, 36 + 15);
	seal(XSDT);
	table(RSDT, "RSDT", 36);
	seal(RSDT);
	parse();
	assert_false(acpi.can_sleep);
	assert_int_equal(acpi.hpet, 0xfed00000);
}

static void a_dsdt_that_fails_its_checksum_is_not_used(void **state)
{
	(void)state;
	fill();
	image[X_DSDT + 9]++;
	parse();
	assert_true(acpi.can_sleep);
	assert_int_equal(acpi.sleep_type_a, 5);
	image[DSDT + 9]++;
	parse();
	assert_false(acpi.can_sleep);
}

static void s5_is_read_to_the_end_of_the_dsdt_and_no_further(void **state)
{
	/* a package length of several bytes is skipped */
	static const char longer[] = "\x08_S5_\x12\x48\x00\x04\x01\x0a\x03";

	(void)state;
	fill();
	dsdt(X_DSDT, longer, sizeof(longer));
	parse();
	assert_true(acpi.can_sleep);
	assert_int_equal(acpi.sleep_type_a, 1);
	assert_int_equal(acpi.sleep_type_b, 3);
	/* a sleep type has three bits: what is above would be other bits of PM1 */
	fill();
	dsdt(X_DSDT, "\x08_S5_\x12\x06\x04\x0a\x08\x00\x00", 12);
	parse();
	assert_false(acpi.can_sleep);
	for (uint32_t cut = 0; cut < 64; cut++) {
		const uint32_t at = SIZE - 36 - cut;

		/* the table ends where the memory does, in the midst of the name or its package */
		fill();
		put32(image + FADT + 40, 0);
		put64(image + FADT + 140, base + at);
		seal(FADT);
		table(at, "DSDT", 36 + cut);
		memcpy(image + at + 36, S5_5_6 S5_5_6 S5_5_6 S5_5_6 S5_5_6, cut);
		seal(at);
		parse();
		assert_int_equal(acpi.can_sleep, cut >= 12);
	}
}

static uint64_t reached_from, reached_to;

static bool reach(uint64_t phys, uint64_t length)
{
	reached_from = phys < reached_from ? phys : reached_from;
	reached_to = phys + length > reached_to ? phys + length : reached_to;
	return phys + length <= base + X_DSDT;
}

static void what_cannot_be_reached_is_not_there(void **state)
{
	const struct boot_memory memory = {image, 0x7fe00000, SIZE, reach};

	(void)state;
	fill();
	reached_from = UINT64_MAX;
	reached_to = 0;
	acpi_parse(&acpi, &info, &memory);
	assert_int_equal(acpi.sleep_type_a, 5);
	assert_int_equal(acpi.hpet, 0);
	assert_int_equal(reached_from, base + RSDT);
	assert_int_equal(reached_to, base + HPET + 36);
}

static void random_damage_is_survived(void **state)
{
	uint64_t seed = 0xAC91;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		static const uint32_t tables[] = {RSDT, XSDT, FADT, DSDT, X_DSDT, HPET};

		fill();
		for (int i = 0; i < 3; i++) {
			uint32_t at = tables[random_next(&seed) % ARRAY_SIZE(tables)];
			uint32_t length = get32(image + at + 4);

			image[at + random_next(&seed) % (length < 300 ? length : 300)] =
				random_next(&seed);
			if (get32(image + at + 4) <= SIZE - at && get32(image + at + 4) >= 36)
				seal(at);
		}
		parse();
		if (acpi.can_sleep)
			assert_true(acpi.sleep_type_a <= 7 && acpi.sleep_type_b <= 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_rsdt_serves_where_the_xsdt_cannot_be_used, setup),
		cmocka_unit_test_setup(a_table_that_only_the_rsdt_knows_is_found, setup),
		cmocka_unit_test_setup(addresses_and_lengths_that_wrap_lead_nowhere, setup),
		cmocka_unit_test_setup(a_dsdt_that_fails_its_checksum_is_not_used, setup),
		cmocka_unit_test_setup(s5_is_read_to_the_end_of_the_dsdt_and_no_further, setup),
		cmocka_unit_test_setup(what_cannot_be_reached_is_not_there, setup),
		cmocka_unit_test_setup(random_damage_is_survived, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
