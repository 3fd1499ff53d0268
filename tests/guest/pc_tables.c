/* The tables that tell of the PC: MultiProcessor Specification 1.4, ACPI 4.0 chapter 5.2. */
#include "pc.h"
#include "pc_tables.h"

static bool adds_up(const uint8_t *bytes, size_t size)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += bytes[i];
	return !sum;
}

/* On a boundary of 16 bytes in the BIOS's memory. */
static const uint8_t *search(const char *signature, size_t length)
{
	uintptr_t at = 0xe0000;

	asm volatile("" : "+r"(at)); /* an address is no object to the compiler */
	for (; at < 0x100000; at += 16)
		if (!memcmp((const void *)at, signature, length))
			return (const uint8_t *)at;
	return NULL;
}

static uint32_t get32(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

static const uint8_t *pointer32(const uint8_t *bytes)
{
	return (const uint8_t *)(uintptr_t)get32(bytes);
}

static const uint8_t *find_rsdt(void)
{
	const uint8_t *rsdp = search("RSD PTR ", 8);

	return rsdp ? pointer32(rsdp + 16) : NULL;
}

const uint8_t *find_table(const char *signature)
{
	const uint8_t *rsdt = find_rsdt();

	for (uint32_t at = 36; rsdt && at < get32(rsdt + 4); at += 4)
		if (!memcmp(pointer32(rsdt + at), signature, 4))
			return pointer32(rsdt + at);
	return NULL;
}

static void acpi(void)
{
	const uint8_t *rsdp = search("RSD PTR ", 8), *rsdt = find_rsdt(), *facp, *dsdt;

	if (!expect(rsdp, "no RSDP"))
		return;
	expect(adds_up(rsdp, 20), "the RSDP's checksum is wrong");
	if (rsdp[15] >= 2)
		expect(adds_up(rsdp, get32(rsdp + 20)), "the RSDP's extended checksum is wrong");
	if (!expect(!memcmp(rsdt, "RSDT", 4), "the RSDP leads to no RSDT"))
		return;
	expect(adds_up(rsdt, get32(rsdt + 4)), "the RSDT's checksum is wrong");
	for (uint32_t at = 36; at < get32(rsdt + 4); at += 4) {
		const uint8_t *table = pointer32(rsdt + at);

		expect(adds_up(table, get32(table + 4)), "%c%c%c%c: its checksum is wrong",
		       table[0], table[1], table[2], table[3]);
	}
	expect(find_table("APIC") != NULL, "no MADT");
	facp = find_table("FACP");
	if (!expect(facp, "no FADT"))
		return;
	dsdt = pointer32(facp + 40);
	expect(!memcmp(dsdt, "DSDT", 4), "the FADT leads to no DSDT");
	expect(adds_up(dsdt, get32(dsdt + 4)), "the DSDT's checksum is wrong");
}

static void madt(void)
{
	const uint8_t *table = find_table("APIC");
	unsigned cpus = 0, ioapics = 0, timer_pin = 0;

	if (!expect(table, "no MADT"))
		return;
	expect(get32(table + 36) == APIC, "local APICs at 0x%x", get32(table + 36));
	for (uint32_t at = 44; at < get32(table + 4) && table[at + 1]; at += table[at + 1]) {
		const uint8_t *entry = table + at;

		cpus += entry[0] == 0 && entry[4] & 1;
		if (entry[0] == 1) {
			ioapics++;
			expect(get32(entry + 4) == IOAPIC, "I/O APIC at 0x%x", get32(entry + 4));
		}
		if (entry[0] == 2 && entry[3] == 0)
			timer_pin = get32(entry + 4);
	}
	expect(cpus == 1 && ioapics == 1, "%u CPUs, %u I/O APICs", cpus, ioapics);
	expect(timer_pin == 2, "IRQ 0 is pin %u", timer_pin);
}

static void hpet(void)
{
	const uint8_t *table = find_table("HPET");

	if (expect(table, "no HPET"))
		expect(get32(table + 44) == 0xfed00000, "at 0x%x", get32(table + 44));
}

static void mp(void)
{
	const uint8_t *pointer = search("_MP_", 4), *table;

	if (!expect(pointer, "no floating pointer"))
		return;
	expect(adds_up(pointer, 16u * pointer[8]), "the floating pointer's checksum is wrong");
	table = pointer32(pointer + 4);
	if (!expect(!memcmp(table, "PCMP", 4), "it leads to no configuration table"))
		return;
	expect(adds_up(table, get32(table + 4) & 0xffff), "the table's checksum is wrong");
	expect(get32(table + 36) == APIC, "local APICs at 0x%x", get32(table + 36));
}

const struct check pc_table_checks[] = {
	{"tables-acpi", acpi, 0},
	{"tables-madt", madt, 0},
	{"tables-hpet", hpet, 0},
	{"tables-mp", mp, 0},
};
const size_t pc_table_check_count = ARRAY_SIZE(pc_table_checks);
