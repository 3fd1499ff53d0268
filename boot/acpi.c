#include <stddef.h>
#include <stdint.h>

#include "boot/acpi.h"
#include "boot/bootinfo.h"
#include "lib/string.h"
#include "lib/x86.h"

#define BIOS_AREA_START 0xe0000
#define BIOS_AREA_END	0x100000
#define EBDA_SEGMENT	((const volatile uint16_t *)0x40e) /* before page 0 is unmapped */

#define SLP_EN	  BIT(13)
#define SCI_EN	  BIT(0)
#define TABLE_MAX 0x400000 /* no DSDT is larger; a longer one is not believed */

struct rsdp {
	char signature[8];
	uint8_t checksum;
	char oem[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t extended_checksum;
	uint8_t reserved[3];
} __attribute__((packed));

struct table {
	char signature[4];
	uint32_t length;
	uint8_t revision;
	uint8_t checksum;
	char oem[18]; /* OEMID, OEM table ID, OEM revision */
	uint32_t creator[2];
} __attribute__((packed));

struct fadt {
	struct table header;
	uint32_t firmware_control;
	uint32_t dsdt;
	uint8_t reserved0[4];
	uint32_t smi_command;
	uint8_t acpi_enable;
	uint8_t reserved1[11];
	uint32_t pm1a_control;
	uint32_t pm1b_control;
} __attribute__((packed));

_Static_assert(offsetof(struct fadt, pm1a_control) == 64, "ACPI 6.4 table 5.9");

static uint16_t pm1a_control, pm1b_control;
static uint16_t sleep_type_a, sleep_type_b;
static uint32_t smi_command;
static uint8_t acpi_enable;

static bool sum_is_zero(const void *bytes, uint32_t length)
{
	uint8_t sum = 0;

	for (uint32_t i = 0; i < length; i++)
		sum += ((const uint8_t *)bytes)[i];
	return sum == 0;
}

static const struct table *table_at(uint64_t address)
{
	const struct table *table = (const struct table *)address;

	if (!address || address + sizeof(*table) > BIT(32) ||
	    table->length < sizeof(*table) || table->length > TABLE_MAX ||
	    address + table->length > BIT(32) || !sum_is_zero(table, table->length))
		return NULL;
	return table;
}

static const struct rsdp *scan_for_rsdp(uint64_t start, uint64_t end)
{
	for (uint64_t address = start; address < end; address += 16)
		if (!memcmp((const void *)address, "RSD PTR ", 8) &&
		    sum_is_zero((const void *)address, 20))
			return (const struct rsdp *)address;
	return NULL;
}

static const struct rsdp *find_rsdp(const struct boot_info *info)
{
	const struct rsdp *rsdp;
	uint64_t ebda;

	if (info->rsdp.size >= 20)
		return (const struct rsdp *)info->rsdp.bytes;
	if (info->efi)
		return NULL;
	/* the first KiB of the extended BIOS data area, or the BIOS itself (ACPI 6.4 5.2.5.1) */
	ebda = (uint64_t)*EBDA_SEGMENT << 4;
	rsdp = ebda ? scan_for_rsdp(ebda, ebda + 1024) : NULL;
	return rsdp ? rsdp : scan_for_rsdp(BIOS_AREA_START, BIOS_AREA_END);
}

static const struct fadt *find_fadt(const struct rsdp *rsdp)
{
	bool extended = rsdp->revision >= 2 && rsdp->xsdt;
	const struct table *root = table_at(extended ? rsdp->xsdt : rsdp->rsdt);
	uint32_t entry_size = extended ? 8 : 4;

	if (!root)
		return NULL;
	for (uint32_t at = sizeof(*root); at + entry_size <= root->length; at += entry_size) {
		uint64_t address = 0;
		const struct table *table;

		memcpy(&address, (const uint8_t *)root + at, entry_size);
		table = table_at(address);
		if (table && !memcmp(table->signature, "FACP", 4) &&
		    table->length >= sizeof(struct fadt))
			return (const struct fadt *)table;
	}
	return NULL;
}

/* One integer of an AML package: ZeroOp, OneOp or BytePrefix (ACPI 6.4 20.2.3). */
static bool aml_small_integer(const uint8_t **at, const uint8_t *end, uint16_t *value)
{
	if (*at >= end)
		return false;
	if (**at == 0x0a) {
		if (*at + 1 >= end)
			return false;
		*value = (*at)[1];
		*at += 2;
		return true;
	}
	if (**at > 1)
		return false;
	*value = *(*at)++;
	return true;
}

/* Name (_S5, Package () { SLP_TYPa, SLP_TYPb, ... }) somewhere in the DSDT. */
static bool find_s5(const struct table *dsdt)
{
	const uint8_t *bytes = (const uint8_t *)dsdt, *end = bytes + dsdt->length;

	for (const uint8_t *at = bytes + sizeof(*dsdt); at + 8 < end; at++) {
		const uint8_t *p = at + 4;

		if (memcmp(at, "_S5_", 4) || *p != 0x12) /* PackageOp */
			continue;
		p++;
		p += (*p >> 6) + 1; /* PkgLength */
		p++;		    /* NumElements */
		if (aml_small_integer(&p, end, &sleep_type_a) &&
		    aml_small_integer(&p, end, &sleep_type_b))
			return true;
	}
	return false;
}

void acpi_init(const struct boot_info *info)
{
	const struct rsdp *rsdp = find_rsdp(info);
	const struct fadt *fadt = rsdp ? find_fadt(rsdp) : NULL;
	const struct table *dsdt = fadt ? table_at(fadt->dsdt) : NULL;

	if (!dsdt || !find_s5(dsdt))
		return;
	pm1a_control = fadt->pm1a_control;
	pm1b_control = fadt->pm1b_control;
	smi_command = fadt->smi_command;
	acpi_enable = fadt->acpi_enable;
}

void acpi_power_off(void)
{
	if (!pm1a_control)
		return;
	if (!(inw(pm1a_control) & SCI_EN) && smi_command && acpi_enable) {
		outb(smi_command, acpi_enable);
		for (int i = 0; i < 1000000 && !(inw(pm1a_control) & SCI_EN); i++)
			cpu_relax();
	}
	outw(pm1a_control, sleep_type_a << 10 | SLP_EN);
	if (pm1b_control)
		outw(pm1b_control, sleep_type_b << 10 | SLP_EN);
	for (int i = 0; i < 1000000; i++)
		cpu_relax();
}
