/*
 * Hand-made ACPI tables for the unit tests: each of a kind once, with both roots leading to them.
 */
#pragma once

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

static inline void fix_sum(uint8_t *bytes, uint32_t length, uint32_t at)
{
	uint8_t sum = 0;

	bytes[at] = 0;
	for (uint32_t i = 0; i < length; i++)
		sum += bytes[i];
	bytes[at] = -sum;
}

static inline void seal(uint32_t at)
{
	fix_sum(image + at, get32(image + at + 4), 9);
}

static inline void table(uint32_t at, const char *signature, uint32_t length)
{
	memset(image + at, 0, length);
	memcpy(image + at, signature, 4);
	put32(image + at + 4, length);
}

static inline void generic(uint32_t at, uint8_t space, uint8_t width, uint64_t address)
{
	image[at] = space;
	image[at + 1] = width;
	put64(image + at + 4, address);
}

static inline void dsdt(uint32_t at, const char *aml, uint32_t size)
{
	table(at, "DSDT", 36 + 16 + size);
	memcpy(image + at + 36 + 8, aml, size);
	seal(at);
}

#define S5_5_6	  "\x08_S5_\x12\x07\x04\x0a\x05\x0a\x06\x00\x00"
#define S5_7_ZERO "\x08_S5_\x12\x06\x04\x0a\x07\x00\x00\x00"

/* The RSDP: both roots lead to the FADT and the HPET's table. */
static inline int setup(void **state)
{
	(void)state;
	memset(image, 0, sizeof(image));
	memset(&info, 0, sizeof(info));
	base = 0x7fe00000;
	info.rsdp.size = 36;
	return 0;
}

static inline void fill_roots(void)
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

static inline void fill_old_fadt(uint32_t length)
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

static inline void fill_new_fadt(void)
{
	fill_old_fadt(FADT_NEW);
	put64(image + FADT + 140, base + X_DSDT);
	generic(FADT + 172, ACPI_SPACE_IO, 16, 0x804);
	generic(FADT + 184, ACPI_SPACE_IO, 16, 0x824);
	generic(FADT + 208, ACPI_SPACE_IO, 32, 0x808);
}

static inline void fill(void)
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

static inline void parse(void)
{
	uint8_t *copy = exact_copy(image, SIZE);
	const struct boot_memory memory = {copy, base, SIZE, NULL};

	memset(&acpi, 0xaa, sizeof(acpi));
	acpi_parse(&acpi, &info, &memory);
	free(copy);
}

static inline void expect_register(const struct acpi_register *r, enum acpi_space space,
				   uint64_t address)
{
	assert_int_equal(r->space, space);
	assert_int_equal(r->address, address);
}

static inline void expect_new(void)
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

static inline void expect_old(void)
{
	assert_true(acpi.can_sleep);
	expect_register(&acpi.pm1a_control, ACPI_SPACE_IO, 0x404);
	expect_register(&acpi.pm1b_control, ACPI_SPACE_IO, 0x424);
	expect_register(&acpi.pm_timer, ACPI_SPACE_IO, 0x408);
	assert_int_equal(acpi.sleep_type_a, 5);
	assert_int_equal(acpi.sleep_type_b, 6);
}

static inline void expect_nothing(void)
{
	static const struct acpi nothing;

	assert_memory_equal(&acpi, &nothing, sizeof(acpi));
}
