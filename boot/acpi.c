#include "boot/acpi.h"

#include <stddef.h>

#include "boot/bios_area.h"
#include "boot/bootinfo.h"
#include "lib/string.h"

#define BIOS_AREA_START 0xe0000
#define BIOS_AREA_SIZE	0x20000

#define RSDP_OLD_SIZE 20
#define RSDP_NEW_SIZE 36
#define RSDP_REVISION 15
#define RSDP_RSDT     16
#define RSDP_XSDT     24

#define TABLE_HEADER 36
#define TABLE_LENGTH 4
#define TABLE_MAX    0x400000 /* no DSDT is larger; a longer table is not believed */

/* Offsets in the FADT (table 5.9). An old one ends before the X fields. */
#define FADT_DSDT	    40
#define FADT_SMI_COMMAND    48
#define FADT_ACPI_ENABLE    52
#define FADT_PM1A_CONTROL   64
#define FADT_PM1B_CONTROL   68
#define FADT_PM_TIMER	    76
#define FADT_PM1_LENGTH	    89
#define FADT_TIMER_LENGTH   91
#define FADT_FLAGS	    112
#define FADT_X_DSDT	    140
#define FADT_X_PM1A_CONTROL 172
#define FADT_X_PM1B_CONTROL 184
#define FADT_X_PM_TIMER	    208

#define FADT_HARDWARE_REDUCED (1u << 20) /* none of the registers above is there */

#define GENERIC_ADDRESS_SIZE 12
#define HPET_BASE	     40 /* a generic address */

#define AML_ZERO    0x00
#define AML_ONE	    0x01
#define AML_BYTE    0x0a
#define AML_PACKAGE 0x12

/* A table whose length and checksum are right; bytes is NULL if there is none. */
struct table {
	const uint8_t *bytes;
	uint32_t length;
};

static struct table table_at(const struct boot_memory *memory, uint64_t address,
			     const char *signature)
{
	const struct table none = {NULL, 0};
	const uint8_t *bytes = address ? boot_memory_at(memory, address, TABLE_HEADER) : NULL;
	uint32_t length;

	if (!bytes || memcmp(bytes, signature, 4))
		return none;
	length = boot_read32(bytes + TABLE_LENGTH);
	if (length < TABLE_HEADER || length > TABLE_MAX ||
	    !boot_memory_at(memory, address, length) || !boot_sum_is_zero(bytes, length))
		return none;
	return (struct table){bytes, length};
}

/* Numbers of a table; 0 where it is too short to have them. */
static uint64_t number(const struct table *table, uint32_t offset, uint32_t size)
{
	uint64_t value = 0;

	if (offset + size <= table->length)
		memcpy(&value, table->bytes + offset, size);
	return value;
}

void acpi_find_rsdp(struct boot_info *info, const struct boot_memory *memory)
{
	const uint8_t *rsdp = NULL;
	uint64_t ebda;
	uint32_t size;

	if (info->rsdp.size || info->efi)
		return;
	ebda = bios_ebda(memory);
	if (ebda)
		rsdp = bios_find(memory, ebda, BIOS_EBDA_SEARCHED, "RSD PTR ", RSDP_OLD_SIZE);
	if (!rsdp)
		rsdp = bios_find(memory, BIOS_AREA_START, BIOS_AREA_SIZE, "RSD PTR ",
				 RSDP_OLD_SIZE);
	if (!rsdp)
		return;
	size = rsdp[RSDP_REVISION] >= 2 ? RSDP_NEW_SIZE : RSDP_OLD_SIZE;
	/* one at the very end of the BIOS has no room for what the newer one adds */
	if (!boot_memory_at(memory, (uintptr_t)rsdp - (uintptr_t)memory->bytes + memory->start,
			    size))
		size = RSDP_OLD_SIZE;
	memcpy(info->rsdp.bytes, rsdp, size);
	info->rsdp.size = size;
}

static struct table find_below(const struct boot_memory *memory, const struct table *root,
			       uint32_t entry_size, const char *signature)
{
	struct table table = {NULL, 0};

	for (uint32_t at = TABLE_HEADER; !table.bytes && at + entry_size <= root->length;
	     at += entry_size)
		table = table_at(memory, number(root, at, entry_size), signature);
	return table;
}

static struct table find_xsdt(const struct boot_info *info, const struct boot_memory *memory)
{
	const uint8_t *rsdp = info->rsdp.bytes;

	if (info->rsdp.size < RSDP_NEW_SIZE || rsdp[RSDP_REVISION] < 2 ||
	    !boot_sum_is_zero(rsdp, RSDP_NEW_SIZE))
		return (struct table){NULL, 0};
	return table_at(memory, boot_read64(rsdp + RSDP_XSDT), "XSDT");
}

static struct table find_rsdt(const struct boot_info *info, const struct boot_memory *memory)
{
	if (info->rsdp.size < RSDP_OLD_SIZE)
		return (struct table){NULL, 0};
	return table_at(memory, boot_read32(info->rsdp.bytes + RSDP_RSDT), "RSDT");
}

/* By the XSDT, and where there is none that can be used, or it does not know it, by the RSDT. */
static struct table find_table(const struct boot_info *info, const struct boot_memory *memory,
			       const char *signature)
{
	struct table root = find_xsdt(info, memory);
	struct table found = find_below(memory, &root, 8, signature);

	if (!found.bytes) {
		root = find_rsdt(info, memory);
		found = find_below(memory, &root, 4, signature);
	}
	return found;
}

uint32_t acpi_list(const struct boot_info *info, const struct boot_memory *memory,
		   char (*signature)[4], uint32_t max)
{
	struct table root = find_xsdt(info, memory);
	uint32_t entry_size = root.bytes ? 8 : 4, count = 0;

	if (!root.bytes)
		root = find_rsdt(info, memory);
	for (uint32_t at = TABLE_HEADER; count < max && at + entry_size <= root.length;
	     at += entry_size) {
		uint64_t address = number(&root, at, entry_size);
		const uint8_t *bytes =
			address ? boot_memory_at(memory, address, TABLE_HEADER) : NULL;

		if (!bytes || !table_at(memory, address, (const char *)bytes).bytes)
			continue;
		memcpy(signature[count++], bytes, 4);
	}
	return count;
}

/* The generic address at an offset, if it is one of at least `bits` that can be used. */
static struct acpi_register generic_address(const struct table *table, uint32_t offset,
					    uint32_t bits)
{
	const struct acpi_register none = {ACPI_SPACE_MEMORY, 0};
	struct acpi_register result;
	uint64_t end;

	if (offset + GENERIC_ADDRESS_SIZE > table->length)
		return none;
	result.space = (enum acpi_space)number(table, offset, 1);
	result.address = number(table, offset + 4, 8);
	/* a width of 0 is common; the bit offset of a register block is none */
	if (number(table, offset + 2, 1) ||
	    (number(table, offset + 1, 1) && number(table, offset + 1, 1) < bits) ||
	    __builtin_add_overflow(result.address, bits / 8, &end))
		return none;
	if (result.space != ACPI_SPACE_MEMORY && (result.space != ACPI_SPACE_IO || end > 0x10000))
		return none;
	return result;
}

/* A register block of the FADT: its X field, or else the old one, which is a port. */
static struct acpi_register register_block(const struct table *fadt, uint32_t x_offset,
					   uint32_t offset, uint32_t length_offset, uint32_t bits)
{
	struct acpi_register result = generic_address(fadt, x_offset, bits);
	uint64_t port = number(fadt, offset, 4);

	if (!result.address && port + bits / 8 <= 0x10000 &&
	    number(fadt, length_offset, 1) >= bits / 8)
		result = (struct acpi_register){ACPI_SPACE_IO, port};
	return result;
}

/* One integer of an AML package that is a sleep type, of three bits (20.2.3). */
static bool aml_sleep_type(const uint8_t **at, const uint8_t *end, uint8_t *value)
{
	if (*at < end && **at == AML_BYTE)
		(*at)++;
	else if (*at < end && **at != AML_ZERO && **at != AML_ONE)
		return false;
	if (*at >= end)
		return false;
	*value = *(*at)++;
	return *value <= 7;
}

/* Name (_S5, Package () { SLP_TYPa, SLP_TYPb, ... }) somewhere in the DSDT. */
static bool find_s5(const struct table *dsdt, struct acpi *acpi)
{
	const uint8_t *end = dsdt->bytes + dsdt->length;

	/* the name, the package's mark, its length of up to 4 bytes, the number of its elements */
	for (const uint8_t *at = dsdt->bytes + TABLE_HEADER; end - at >= 10; at++) {
		const uint8_t *p = at + 5;

		if (memcmp(at, "_S5_", 4) || at[4] != AML_PACKAGE)
			continue;
		p += (*p >> 6) + 2;
		if (aml_sleep_type(&p, end, &acpi->sleep_type_a) &&
		    aml_sleep_type(&p, end, &acpi->sleep_type_b))
			return true;
	}
	return false;
}

static void parse_fadt(struct acpi *acpi, const struct table *fadt,
		       const struct boot_memory *memory)
{
	struct table dsdt = table_at(memory, number(fadt, FADT_X_DSDT, 8), "DSDT");
	uint64_t smi_command = number(fadt, FADT_SMI_COMMAND, 4);

	if (number(fadt, FADT_FLAGS, 4) & FADT_HARDWARE_REDUCED)
		return;
	acpi->pm_timer =
		register_block(fadt, FADT_X_PM_TIMER, FADT_PM_TIMER, FADT_TIMER_LENGTH, 32);
	acpi->pm1a_control =
		register_block(fadt, FADT_X_PM1A_CONTROL, FADT_PM1A_CONTROL, FADT_PM1_LENGTH, 16);
	acpi->pm1b_control =
		register_block(fadt, FADT_X_PM1B_CONTROL, FADT_PM1B_CONTROL, FADT_PM1_LENGTH, 16);
	acpi->acpi_enable = number(fadt, FADT_ACPI_ENABLE, 1);
	acpi->smi_command = smi_command <= 0xffff ? smi_command : 0;
	if (!dsdt.bytes)
		dsdt = table_at(memory, number(fadt, FADT_DSDT, 4), "DSDT");
	acpi->can_sleep = acpi->pm1a_control.address && dsdt.bytes && find_s5(&dsdt, acpi);
}

void acpi_parse(struct acpi *acpi, const struct boot_info *info, const struct boot_memory *memory)
{
	struct table fadt = find_table(info, memory, "FACP");
	struct table hpet = find_table(info, memory, "HPET");
	struct table madt = find_table(info, memory, "APIC");
	struct acpi_register base;

	memset(acpi, 0, sizeof(*acpi));
	acpi->madt = madt.bytes;
	acpi->madt_length = madt.length;
	if (fadt.bytes)
		parse_fadt(acpi, &fadt, memory);
	/* one of 64 bits is told to have 64, and has 1 KiB of registers */
	base = hpet.bytes ? generic_address(&hpet, HPET_BASE, 0) : (struct acpi_register){};
	if (base.space == ACPI_SPACE_MEMORY)
		acpi->hpet = base.address;
}
