#include "tests/unit/unit.h"

#include "boot/acpi.h"
#include "boot/bootinfo.h"

#define SIZE	  0x20000u
#define HIGH_BASE 0x140000000ull /* 5 GiB: tables where no 32-bit pointer leads */

/* Offsets in the memory of the tests' tables. */
#define RSDT	 0x100
#define XSDT	 0x200
#define FADT	 0x400
#define DSDT	 0x800
#define X_DSDT	 0xc00
#define HPET	 0x1000
#define FADT_OLD 116
#define FADT_NEW 244

static uint8_t image[SIZE];
static struct boot_info info;
static struct acpi acpi;
static uint64_t base;

static void fix_sum(uint8_t *bytes, uint32_t length, uint32_t at)
{
	uint8_t sum = 0;

	bytes[at] = 0;
	for (uint32_t i = 0; i < length; i++)
		sum += bytes[i];
	bytes[at] = -sum;
}

static void seal(uint32_t at)
{
	fix_sum(image + at, get32(image + at + 4), 9);
}

static void table(uint32_t at, const char *signature, uint32_t length)
{
	memset(image + at, 0, length);
	memcpy(image + at, signature, 4);
	put32(image + at + 4, length);
}

static void generic(uint32_t at, uint8_t space, uint8_t width, uint64_t address)
{
	image[at] = space;
	image[at + 1] = width;
	put64(image + at + 4, address);
}

static void dsdt(uint32_t at, const char *aml, uint32_t size)
{
	table(at, "DSDT", 36 + 16 + size);
	memcpy(image + at + 36 + 8, aml, size);
	seal(at);
}

#define S5_5_6	  "\x08_S5_\x12\x07\x04\x0a\x05\x0a\x06\x00\x00"
#define S5_7_ZERO "\x08_S5_\x12\x06\x04\x0a\x07\x00\x00\x00"

/* The RSDP: both roots lead to the FADT and the HPET's table. */
static int setup(void **state)
{
	(void)state;
	memset(image, 0, sizeof(image));
	memset(&info, 0, sizeof(info));
	base = 0x7fe00000;
	info.rsdp.size = 36;
	return 0;
}

static void fill_roots(void)
{
	table(RSDT, "RSDT", 36 + 8);
	put32(image + RSDT + 36, (uint32_t)base + HPET);
	put32(image + RSDT + 40, (uint32_t)base + FADT);
	seal(RSDT);
	table(XSDT, "XSDT", 36 + 16);
	put64(image + XSDT + 36, base + HPET);
	put64(image + XSDT + 44, base + FADT);
	seal(XSDT);
	memcpy(info.rsdp.bytes, "RSD PTR ", 8);
	info.rsdp.bytes[15] = 2;
	put32(info.rsdp.bytes + 16, (uint32_t)base + RSDT);
	put32(info.rsdp.bytes + 20, 36);
	put64(info.rsdp.bytes + 24, base + XSDT);
	fix_sum(info.rsdp.bytes, 20, 8);
	fix_sum(info.rsdp.bytes, 36, 32);
}

static void fill_old_fadt(uint32_t length)
{
	table(FADT, "FACP", length);
	put32(image + FADT + 40, (uint32_t)base + DSDT);
	put32(image + FADT + 48, 0xb2);
	image[FADT + 52] = 0xf0;
	put32(image + FADT + 64, 0x404);
	put32(image + FADT + 68, 0x424);
	put32(image + FADT + 76, 0x408);
	image[FADT + 89] = 2;
	image[FADT + 91] = 4;
}

static void fill_new_fadt(void)
{
	fill_old_fadt(FADT_NEW);
	put64(image + FADT + 140, base + X_DSDT);
	generic(FADT + 172, ACPI_SPACE_IO, 16, 0x804);
	generic(FADT + 184, ACPI_SPACE_IO, 16, 0x824);
	generic(FADT + 208, ACPI_SPACE_IO, 32, 0x808);
}

static void fill(void)
{
	fill_roots();
	fill_new_fadt();
	seal(FADT);
	dsdt(DSDT, S5_5_6, sizeof(S5_5_6));
	dsdt(X_DSDT, S5_7_ZERO, sizeof(S5_7_ZERO));
	table(HPET, "HPET", 56);
	generic(HPET + 40, ACPI_SPACE_MEMORY, 64, 0xfed00000);
	seal(HPET);
}

static void parse(void)
{
	uint8_t *copy = exact_copy(image, SIZE);
	const struct boot_memory memory = {copy, base, SIZE, NULL};

	memset(&acpi, 0xaa, sizeof(acpi));
	acpi_parse(&acpi, &info, &memory);
	free(copy);
}

static void expect_register(const struct acpi_register *r, enum acpi_space space, uint64_t address)
{
	assert_int_equal(r->space, space);
	assert_int_equal(r->address, address);
}

static void expect_new(void)
{
	assert_true(acpi.can_sleep);
	expect_register(&acpi.pm1a_control, ACPI_SPACE_IO, 0x804);
	expect_register(&acpi.pm1b_control, ACPI_SPACE_IO, 0x824);
	expect_register(&acpi.pm_timer, ACPI_SPACE_IO, 0x808);
	assert_int_equal(acpi.sleep_type_a, 7);
	assert_int_equal(acpi.sleep_type_b, 0);
	assert_int_equal(acpi.smi_command, 0xb2);
	assert_int_equal(acpi.acpi_enable, 0xf0);
	assert_int_equal(acpi.hpet, 0xfed00000);
}

static void expect_old(void)
{
	assert_true(acpi.can_sleep);
	expect_register(&acpi.pm1a_control, ACPI_SPACE_IO, 0x404);
	expect_register(&acpi.pm1b_control, ACPI_SPACE_IO, 0x424);
	expect_register(&acpi.pm_timer, ACPI_SPACE_IO, 0x408);
	assert_int_equal(acpi.sleep_type_a, 5);
	assert_int_equal(acpi.sleep_type_b, 6);
}

static void expect_nothing(void)
{
	static const struct acpi nothing;

	assert_memory_equal(&acpi, &nothing, sizeof(acpi));
}

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
			memcpy(image + XSDT, "XXXX", 4);
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
		cmocka_unit_test_setup(the_x_fields_are_preferred, setup),
		cmocka_unit_test_setup(tables_above_4_gib_are_read, setup),
		cmocka_unit_test_setup(an_old_fadt_has_no_x_fields, setup),
		cmocka_unit_test_setup(x_fields_that_cannot_be_used_give_way_to_the_old_ones,
				       setup),
		cmocka_unit_test_setup(registers_in_memory_are_taken, setup),
		cmocka_unit_test_setup(old_fields_that_are_no_port_are_none, setup),
		cmocka_unit_test_setup(hardware_reduced_acpi_has_none_of_the_registers, setup),
		cmocka_unit_test_setup(the_rsdt_serves_where_the_xsdt_cannot_be_used, setup),
		cmocka_unit_test_setup(a_table_that_only_the_rsdt_knows_is_found, setup),
		cmocka_unit_test_setup(addresses_and_lengths_that_wrap_lead_nowhere, setup),
		cmocka_unit_test_setup(a_dsdt_that_fails_its_checksum_is_not_used, setup),
		cmocka_unit_test_setup(s5_is_read_to_the_end_of_the_dsdt_and_no_further, setup),
		cmocka_unit_test_setup(an_hpet_that_is_no_memory_is_none, setup),
		cmocka_unit_test_setup(what_cannot_be_reached_is_not_there, setup),
		cmocka_unit_test_setup(the_rsdp_is_looked_for_where_a_bios_has_it, setup),
		cmocka_unit_test_setup(without_an_rsdp_there_is_nothing, setup),
		cmocka_unit_test_setup(random_damage_is_survived, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
