#include "tests/unit/unit.h"

#include <sys/stat.h>

#include "boot/acpi.h"
#include "boot/bootinfo.h"
#include "boot/madt.h"
#include "vmm/guest_ram.h"
#include "vmm/load/acpi_tables.h"
#include "vmm/load/tables.h"

#define MIB 0x100000u

static uint8_t memory[MIB];
static const struct guest_ram ram = {1, MIB, {{0, MIB, memory}}};
static const struct boot_memory window = {memory, 0, MIB, NULL};

static void install(uint32_t vcpus)
{
	const struct guest_machine machine = {.vcpus = vcpus};

	memset(memory, 0xEE, sizeof(memory));
	memset(memory, 0, 0x500); /* no extended BIOS data area */
	acpi_tables_install(&ram, &machine);
}

static int setup(void **state)
{
	(void)state;
	install(1);
	return 0;
}

/* As a kernel looks for it (5.2.5.1): in the BIOS's memory, on 16 bytes. */
static const uint8_t *find_rsdp(void)
{
	for (uint32_t at = 0xE0000; at < MIB; at += 16)
		if (!memcmp(memory + at, "RSD PTR ", 8))
			return memory + at;
	fail_msg("there is no RSDP");
	return NULL;
}

static const uint8_t *table_at(uint64_t address)
{
	assert_in_range(address, 0xF0000, 0xFEFFF);
	assert_int_equal(address % 16, 0);
	assert_int_equal(byte_sum(memory + address, get32(memory + address + 4)), 0);
	return memory + address;
}

/* By the XSDT; the RSDT has to say the same. */
static const uint8_t *find(const char *signature)
{
	const uint8_t *rsdp = find_rsdp();
	const uint8_t *rsdt = table_at(get32(rsdp + 16)), *xsdt = table_at(get64(rsdp + 24));
	uint32_t count = (get32(xsdt + 4) - 36) / 8;

	assert_memory_equal(rsdt, "RSDT", 4);
	assert_memory_equal(xsdt, "XSDT", 4);
	assert_int_equal(get32(rsdt + 4), 36 + 4 * count);
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *table = table_at(get64(xsdt + 36 + 8 * i));

		assert_int_equal(get32(rsdt + 36 + 4 * i), table - memory);
		if (!memcmp(table, signature, 4))
			return table;
	}
	fail_msg("there is no %s", signature);
	return NULL;
}

static void expect_port(const uint8_t *generic, uint8_t width, uint16_t port)
{
	assert_int_equal(generic[0], 1); /* an I/O port */
	assert_int_equal(generic[1], width);
	assert_int_equal(generic[2], 0);
	assert_int_equal(get64(generic + 4), port);
}

static void the_rsdp_is_of_both_kinds(void **state)
{
	const uint8_t *rsdp = find_rsdp();

	(void)state;
	assert_int_equal(byte_sum(rsdp, 20), 0);
	assert_int_equal(byte_sum(rsdp, 36), 0);
	assert_int_equal(rsdp[15], 2);
	assert_int_equal(get32(rsdp + 20), 36);
}

static void they_lie_between_the_mp_table_and_the_code(void **state)
{
	(void)state;
	install(TABLES_CPUS_MAX + 5);
	for (uint32_t at = 0x500; at < MIB; at++)
		if (at < TABLES_ACPI || at >= TABLES_DSDT + TABLES_DSDT_MAX)
			assert_int_equal(memory[at], 0xEE);
}

/* Each in its place, whatever the number of CPUs; the test knows where each one ends. */
static void none_overlaps_another(void **state)
{
	(void)state;
	for (uint32_t vcpus = 1; vcpus <= TABLES_CPUS_MAX; vcpus++) {
		static uint8_t used[MIB];
		const uint8_t *fadt, *rsdp;
		const uint8_t *tables[8];

		install(vcpus);
		fadt = find("FACP");
		rsdp = find_rsdp();
		tables[0] = fadt;
		tables[1] = find("APIC");
		tables[2] = find("HPET");
		tables[3] = memory + get32(rsdp + 16);
		tables[4] = memory + get64(rsdp + 24);
		tables[5] = memory + get32(fadt + 36);
		tables[6] = memory + get32(fadt + 40);
		memset(used, 0, sizeof(used));
		memset(used + (rsdp - memory), 1, 36);
		for (size_t i = 0; i < 7; i++)
			for (uint32_t n = 0; n < get32(tables[i] + 4); n++)
				assert_int_equal(used[tables[i] - memory + n]++, 0);
	}
}

static void the_fadt_tells_of_the_fixed_hardware(void **state)
{
	const uint8_t *fadt = find("FACP"), *facs = memory + get32(fadt + 36);

	(void)state;
	assert_int_equal(get32(fadt + 4), 244);
	assert_int_equal(fadt[8], 4);
	assert_int_equal(get16(fadt + 46), 9);
	assert_int_equal(get32(fadt + 48), 0); /* no SMI command: always ACPI */
	assert_int_equal(get32(fadt + 52), 0); /* nor values for it */
	assert_int_equal(get32(fadt + 56), 0x600);
	assert_int_equal(get32(fadt + 60), 0);
	assert_int_equal(get32(fadt + 64), 0x604);
	assert_int_equal(get32(fadt + 68), 0);
	assert_int_equal(get32(fadt + 72), 0);
	assert_int_equal(get32(fadt + 76), 0x608);
	assert_int_equal(get64(fadt + 80), 0); /* no general-purpose events */
	assert_int_equal(fadt[88], 4);
	assert_int_equal(fadt[89], 2);
	assert_int_equal(fadt[90], 0);
	assert_int_equal(fadt[91], 4);
	assert_int_equal(get32(fadt + 92), 0);
	assert_true(get16(fadt + 96) > 100);	     /* no C2 */
	assert_true(get16(fadt + 98) > 1000);	     /* no C3 */
	assert_int_equal(get16(fadt + 109), 0x000B); /* old devices, an 8042; no MSI */
	assert_int_equal(get32(fadt + 112), 0x0575);
	expect_port(fadt + 116, 8, 0xCF9);
	assert_int_equal(fadt[128], 0x06);
	assert_int_equal(get64(fadt + 140), get32(fadt + 40));
	expect_port(fadt + 148, 32, 0x600);
	expect_port(fadt + 172, 16, 0x604);
	expect_port(fadt + 208, 32, 0x608);

	assert_memory_equal(facs, "FACS", 4);
	assert_int_equal((facs - memory) % 64, 0);
	assert_int_equal(get32(facs + 4), 64);
	assert_int_equal(facs[32], 2);
	assert_int_equal(get32(facs + 16), 0); /* nobody holds the global lock */
}

static void the_madt_tells_of_the_interrupt_controllers(void **state)
{
	static const uint8_t rest[] = {
		1, 12, 3,    0, 0, 0, 0xC0, 0xFE, 0,   0, 0, 0, /* the I/O APIC */
		2, 10, 0,    0, 2, 0, 0,    0,	  0,   0,	/* the timer is at its pin 2 */
		2, 10, 0,    9, 9, 0, 0,    0,	  0xD, 0,	/* the SCI: level, active high */
		4, 6,  0xFF, 0, 0, 1,				/* NMI at LINT1 of all */
	};
	const uint8_t *madt, *at;

	(void)state;
	install(3);
	madt = find("APIC");
	assert_int_equal(madt[8], 3);
	assert_int_equal(get32(madt + 36), 0xFEE00000);
	assert_int_equal(get32(madt + 40), 1); /* with 8259As */
	at = madt + 44;
	assert_memory_equal(at, rest, sizeof(rest));
	at += sizeof(rest);
	for (unsigned int id = 0; id < 3; id++, at += 8) {
		assert_int_equal(at[0], 0);
		assert_int_equal(at[1], 8);
		assert_int_equal(at[2], id);
		assert_int_equal(at[3], id);
		assert_int_equal(get32(at + 4), 1);
	}
	assert_ptr_equal(at, madt + get32(madt + 4));
}

static void the_hpet_has_its_table(void **state)
{
	const uint8_t *hpet = find("HPET");

	(void)state;
	assert_int_equal(get32(hpet + 4), 56);
	assert_int_equal(hpet[8], 1);
	assert_int_equal(get32(hpet + 36), 0x8086A201);
	assert_int_equal(hpet[40], 0); /* in memory */
	assert_int_equal(get64(hpet + 44), 0xFED00000);
	assert_int_equal(hpet[52], 0);
	assert_true(get16(hpet + 53) > 0);
}

static bool contains(const uint8_t *table, const void *bytes, size_t size)
{
	for (uint32_t at = 36; at + size <= get32(table + 4); at++)
		if (!memcmp(table + at, bytes, size))
			return true;
	return false;
}

static void the_dsdt_names_the_devices(void **state)
{
	/* constants of AML, a word and double words; "PNP" is packed as 41h D0h */
	static const char *const ids[] = {
		"\x0B\x41\xD0",		/* PNP0000: interrupt controllers */
		"\x0C\x41\xD0\x01\x00", /* PNP0100: timer */
		"\x0C\x41\xD0\x0B\x00", /* PNP0B00: clock */
		"\x0C\x41\xD0\x01\x03", /* PNP0103: HPET */
		"\x0C\x41\xD0\x03\x03", /* PNP0303: keyboard */
		"\x0C\x41\xD0\x05\x01", /* PNP0501: 16550A */
	};
	/* a small resource: ports, 16 bits of them, 3F8h to 3F8h, 8; and an interrupt, 4 */
	static const uint8_t com1[] = {0x47, 1, 0xF8, 3, 0xF8, 3, 0, 8, 0x22, 0x10, 0};
	const uint8_t *dsdt = table_at(get32(find("FACP") + 40));

	(void)state;
	assert_memory_equal(dsdt, "DSDT", 4);
	assert_int_equal(dsdt[8], 2);
	assert_true(get32(dsdt + 4) <= TABLES_DSDT_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		assert_true(contains(dsdt, ids[i], i ? 5 : 3));
	assert_true(contains(dsdt, com1, sizeof(com1)));
}

/* Resident reads such tables too. */
static void the_hypervisors_own_parsers_find_what_they_look_for(void **state)
{
	(void)state;
	for (uint32_t vcpus = 1; vcpus <= TABLES_CPUS_MAX; vcpus++) {
		struct boot_info info = {};
		uint32_t id[TABLES_CPUS_MAX], ioapic[2];
		struct acpi acpi;

		install(vcpus);
		acpi_find_rsdp(&info, &window);
		assert_int_equal(info.rsdp.size, 36);
		acpi_parse(&acpi, &info, &window);
		assert_true(acpi.can_sleep);
		assert_int_equal(acpi.sleep_type_a, 5);
		assert_int_equal(acpi.pm1a_control.space, ACPI_SPACE_IO);
		assert_int_equal(acpi.pm1a_control.address, 0x604);
		assert_int_equal(acpi.pm1b_control.address, 0);
		assert_int_equal(acpi.smi_command, 0);
		assert_int_equal(acpi.pm_timer.space, ACPI_SPACE_IO);
		assert_int_equal(acpi.pm_timer.address, 0x608);
		assert_int_equal(acpi.hpet, 0xFED00000);
		assert_int_equal(madt_ioapics(acpi.madt, acpi.madt_length, ioapic, 2), 1);
		assert_int_equal(ioapic[0], 0xFEC00000);
		assert_int_equal(madt_cpus(acpi.madt, acpi.madt_length, id, TABLES_CPUS_MAX),
				 vcpus);
		for (uint32_t i = 0; i < vcpus; i++)
			assert_int_equal(id[i], i);
	}
}

/* A file of the folder; its name is the table's. */
static void write_file(const char *folder, const uint8_t *table)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%.4s.dat", folder, (const char *)table);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(table, get32(table + 4), 1, file), 1);
	assert_int_equal(fclose(file), 0);
}

/* What iasl says of the tables in the folder's files. */
static const char *disassemble(const char *folder)
{
	static char said[0x10000];
	char command[256];
	FILE *pipe;

	snprintf(command, sizeof(command), "cd %s && iasl -d *.dat 2>&1", folder);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	said[fread(said, 1, sizeof(said) - 1, pipe)] = '\0';
	pclose(pipe);
	return said;
}

static void a_disassembler_has_nothing_to_say_against_them(void **state)
{
	static const char *const complaints[] = {"arning", "rror", "ncorrect", "nvalid", "nknown"};
	static const char folder[] = "build/unit/acpi_tables.files";
	const uint8_t *fadt, *rsdp;
	const char *said;

	(void)state;
	install(2);
	fadt = find("FACP");
	rsdp = find_rsdp();
	assert_int_equal(system("rm -rf build/unit/acpi_tables.files"), 0);
	assert_int_equal(mkdir(folder, 0777), 0);
	write_file(folder, fadt);
	write_file(folder, find("APIC"));
	write_file(folder, find("HPET"));
	write_file(folder, memory + get32(fadt + 36));
	write_file(folder, memory + get32(fadt + 40));
	write_file(folder, memory + get32(rsdp + 16));
	write_file(folder, memory + get64(rsdp + 24));
	said = disassemble(folder);
	assert_non_null(strstr(said, "DSDT.dsl"));
	assert_non_null(strstr(said, "[FACP] decoded"));
	for (size_t i = 0; i < ARRAY_SIZE(complaints); i++)
		if (strstr(said, complaints[i]))
			fail_msg("%s", said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_rsdp_is_of_both_kinds, setup),
		cmocka_unit_test_setup(they_lie_between_the_mp_table_and_the_code, setup),
		cmocka_unit_test_setup(none_overlaps_another, setup),
		cmocka_unit_test_setup(the_fadt_tells_of_the_fixed_hardware, setup),
		cmocka_unit_test_setup(the_madt_tells_of_the_interrupt_controllers, setup),
		cmocka_unit_test_setup(the_hpet_has_its_table, setup),
		cmocka_unit_test_setup(the_dsdt_names_the_devices, setup),
		cmocka_unit_test_setup(the_hypervisors_own_parsers_find_what_they_look_for, setup),
		cmocka_unit_test_setup(a_disassembler_has_nothing_to_say_against_them, setup),
	};

	return cmocka_run_group_tests_name("acpi_tables", tests, NULL, NULL);
}
