#include "tests/unit/unit.h"

#include "boot/bootinfo.h"
#include "boot/mp_table.h"
#include "vmm/guest_ram.h"
#include "vmm/load/mp_tables.h"
#include "vmm/load/tables.h"

#define MIB    0x100000u
#define HEADER 44

static uint8_t memory[MIB];
static const struct guest_ram ram = {1, MIB, {{0, MIB, memory}}};

static void install(uint32_t vcpus)
{
	const struct guest_machine machine = {vcpus, 0x000306C3, 0x0FABFBFF};

	memset(memory, 0xEE, sizeof(memory));
	mp_tables_install(&ram, &machine);
}

/* As a kernel looks for it (4): in the ROM, on 16 bytes. */
static const uint8_t *find_pointer(void)
{
	for (uint32_t at = 0xF0000; at < MIB; at += 16)
		if (!memcmp(memory + at, "_MP_", 4))
			return memory + at;
	fail_msg("there is no floating pointer");
	return NULL;
}

static const uint8_t *find_table(void)
{
	const uint8_t *pointer = find_pointer();
	uint32_t address = get32(pointer + 4);

	assert_int_equal(byte_sum(pointer, 16), 0);
	assert_int_equal(pointer[8], 1); /* 16 bytes */
	assert_int_equal(pointer[9], 4); /* 1.4 */
	assert_int_equal(get32(pointer + 11), 0);
	assert_in_range(address, 0xF0000, MIB - HEADER);
	return memory + address;
}

static uint32_t size_of(const uint8_t *entry)
{
	return entry[0] == 0 ? 20 : 8;
}

/* The n-th entry of a type; NULL if there are fewer. */
static const uint8_t *find_entry(uint8_t type, unsigned int n)
{
	const uint8_t *table = find_table();
	const uint8_t *end = table + get16(table + 4);

	for (const uint8_t *at = table + HEADER; at < end; at += size_of(at))
		if (at[0] == type && n-- == 0)
			return at;
	return NULL;
}

static void the_table_is_whole(void **state)
{
	(void)state;
	for (uint32_t vcpus = 1; vcpus <= TABLES_CPUS_MAX; vcpus++) {
		const uint8_t *table, *at, *end;
		unsigned int count = 0, type = 0;

		install(vcpus);
		table = find_table();
		end = table + get16(table + 4);
		assert_memory_equal(table, "PCMP", 4);
		assert_int_equal(table[6], 4);
		assert_int_equal(byte_sum(table, get16(table + 4)), 0);
		assert_int_equal(get32(table + 36), 0xFEE00000);
		assert_int_equal(get32(table + 28), 0); /* no table of the manufacturer's */
		assert_int_equal(get32(table + 40), 0); /* nothing extended */
		for (at = table + HEADER; at < end; at += size_of(at), count++) {
			assert_in_range(at[0], type, 4); /* in the order of types */
			type = at[0];
		}
		assert_ptr_equal(at, end);
		assert_int_equal(get16(table + 34), count);
		assert_int_equal(*end, 0xEE);
	}
}

static void it_lies_where_nothing_else_does(void **state)
{
	(void)state;
	install(TABLES_CPUS_MAX);
	for (uint32_t at = 0; at < MIB; at++)
		if (at < TABLES_MP || at >= TABLES_MP + TABLES_MP_SIZE)
			assert_int_equal(memory[at], 0xEE);
}

static void the_cpus_are_named_and_one_starts(void **state)
{
	(void)state;
	install(3);
	for (unsigned int id = 0; id < 3; id++) {
		const uint8_t *cpu = find_entry(0, id);

		assert_non_null(cpu);
		assert_int_equal(cpu[1], id);
		assert_int_equal(cpu[2], 0x14);
		assert_int_equal(cpu[3], id ? 1 : 3);
		assert_int_equal(get32(cpu + 4), 0x000306C3);
		assert_int_equal(get32(cpu + 8), 0x0FABFBFF);
		assert_int_equal(get64(cpu + 12), 0);
	}
	assert_null(find_entry(0, 3));
}

static void there_are_no_more_cpus_than_have_room(void **state)
{
	(void)state;
	install(TABLES_CPUS_MAX + 5);
	assert_non_null(find_entry(0, TABLES_CPUS_MAX - 1));
	assert_null(find_entry(0, TABLES_CPUS_MAX));
}

static void the_isa_bus_and_its_interrupts_lead_to_the_io_apic(void **state)
{
	const uint8_t *bus, *ioapic;
	unsigned int n = 0;

	(void)state;
	install(2);
	bus = find_entry(1, 0);
	ioapic = find_entry(2, 0);
	assert_memory_equal(bus + 2, "ISA   ", 6);
	assert_null(find_entry(1, 1));
	assert_int_equal(ioapic[1], 2); /* not that of a CPU */
	assert_int_equal(ioapic[2], 0x20);
	assert_int_equal(ioapic[3], 1);
	assert_int_equal(get32(ioapic + 4), 0xFEC00000);
	assert_null(find_entry(2, 1));
	for (unsigned int irq = 0; irq < 16; irq++) {
		const uint8_t *entry;

		if (irq == 2)
			continue;
		entry = find_entry(3, n++);
		assert_non_null(entry);
		assert_int_equal(entry[1], 0); /* a vector of the I/O APIC's */
		assert_int_equal(get16(entry + 2), irq == 9 ? 0xD : 0);
		assert_int_equal(entry[4], bus[1]);
		assert_int_equal(entry[5], irq);
		assert_int_equal(entry[6], ioapic[1]);
		assert_int_equal(entry[7], irq ? irq : 2);
	}
	assert_null(find_entry(3, n));
}

static void the_8259a_and_the_nmi_lead_to_local_apics(void **state)
{
	const uint8_t *external, *nmi;

	(void)state;
	install(2);
	external = find_entry(4, 0);
	nmi = find_entry(4, 1);
	assert_int_equal(external[1], 3);
	assert_int_equal(external[6], 0);
	assert_int_equal(external[7], 0);
	assert_int_equal(nmi[1], 1);
	assert_int_equal(nmi[6], 0xFF);
	assert_int_equal(nmi[7], 1);
	assert_null(find_entry(4, 2));
}

/* Resident reads such tables too. */
static void the_hypervisors_own_parser_finds_the_cpus(void **state)
{
	const struct boot_memory window = {memory, 0, MIB, NULL};
	uint32_t id[TABLES_CPUS_MAX];

	(void)state;
	for (uint32_t vcpus = 1; vcpus <= TABLES_CPUS_MAX; vcpus++) {
		install(vcpus);
		memset(memory, 0, 0x500); /* no extended BIOS data area */
		assert_int_equal(mp_table_cpus(&window, id, TABLES_CPUS_MAX), vcpus);
		for (uint32_t i = 0; i < vcpus; i++)
			assert_int_equal(id[i], i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_whole),
		cmocka_unit_test(it_lies_where_nothing_else_does),
		cmocka_unit_test(the_cpus_are_named_and_one_starts),
		cmocka_unit_test(there_are_no_more_cpus_than_have_room),
		cmocka_unit_test(the_isa_bus_and_its_interrupts_lead_to_the_io_apic),
		cmocka_unit_test(the_8259a_and_the_nmi_lead_to_local_apics),
		cmocka_unit_test(the_hypervisors_own_parser_finds_the_cpus),
	};

	return cmocka_run_group_tests_name("mp_tables", tests, NULL, NULL);
}
