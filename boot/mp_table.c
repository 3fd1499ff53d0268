#include "boot/mp_table.h"

#include <stdbool.h>
#include <stddef.h>

#include "boot/bios_area.h"
#include "boot/bootinfo.h"
#include "lib/array.h"
#include "lib/string.h"

#define BASE_MEMORY_LAST_KIB 0x9fc00 /* of 640 KiB */
#define BIOS_ROM_START	     0xf0000
#define BIOS_ROM_SIZE	     0x10000
#define KIB		     1024

/* The floating pointer structure (table 4-1). */
#define POINTER_SIZE	 16
#define POINTER_ADDRESS	 4
#define POINTER_LENGTH	 8 /* in units of 16 bytes */
#define POINTER_FEATURE1 11

/* The configuration table's header (table 4-2). */
#define TABLE_HEADER 44
#define TABLE_LENGTH 4 /* the header's and that of the entries that all versions have */

/* Entries (tables 4-3 and 4-4); the longer kind is the processor's. */
#define ENTRY_PROCESSOR	     0
#define ENTRY_LAST_TYPE	     4
#define ENTRY_PROCESSOR_SIZE 20
#define ENTRY_OTHER_SIZE     8
#define PROCESSOR_APIC_ID    1
#define PROCESSOR_FLAGS	     3
#define FLAGS_ENABLED	     (1u << 0)

#define XAPIC_BROADCAST 0xff

#define DEFAULT_CPUS 2

/* The CPUs found so far; a table of them has no ID above 255. */
struct cpu_list {
	uint32_t *apic_id;
	unsigned int max;
	unsigned int found;
	bool listed[256];
};

static void add_cpu(struct cpu_list *list, uint8_t apic_id)
{
	if (apic_id == XAPIC_BROADCAST || list->listed[apic_id])
		return;
	list->listed[apic_id] = true;
	if (list->found < list->max)
		list->apic_id[list->found] = apic_id;
	list->found++;
}

static void add_table(struct cpu_list *list, const struct boot_memory *memory, uint32_t address)
{
	const uint8_t *table = boot_memory_at(memory, address, TABLE_HEADER);
	uint32_t length, size;

	if (!table || memcmp(table, "PCMP", 4))
		return;
	length = table[TABLE_LENGTH] | table[TABLE_LENGTH + 1] << 8;
	if (!boot_memory_at(memory, address, length) || !boot_sum_is_zero(table, length))
		return;
	for (uint32_t at = TABLE_HEADER; at < length && table[at] <= ENTRY_LAST_TYPE; at += size) {
		size = table[at] == ENTRY_PROCESSOR ? ENTRY_PROCESSOR_SIZE : ENTRY_OTHER_SIZE;
		if (size > length - at)
			break;
		if (table[at] == ENTRY_PROCESSOR && table[at + PROCESSOR_FLAGS] & FLAGS_ENABLED)
			add_cpu(list, table[at + PROCESSOR_APIC_ID]);
	}
}

/* What the floating pointer structure in [start, start + size) leads to. */
static void add_area(struct cpu_list *list, const struct boot_memory *memory, uint64_t start,
		     uint64_t size)
{
	const uint8_t *pointer = bios_find(memory, start, size, "_MP_", POINTER_SIZE);
	uint32_t address;

	if (!pointer || pointer[POINTER_LENGTH] != POINTER_SIZE / 16)
		return;
	address = boot_read32(pointer + POINTER_ADDRESS);
	if (address) {
		add_table(list, memory, address);
	} else if (pointer[POINTER_FEATURE1]) {
		for (uint8_t id = 0; id < DEFAULT_CPUS; id++)
			add_cpu(list, id);
	}
}

unsigned int mp_table_cpus(const struct boot_memory *memory, uint32_t *apic_id, unsigned int max)
{
	const struct {
		uint64_t start;
		uint64_t size;
	} areas[] = {
		{bios_ebda(memory), BIOS_EBDA_SEARCHED},
		{BASE_MEMORY_LAST_KIB, KIB},
		{BIOS_ROM_START, BIOS_ROM_SIZE},
	};
	struct cpu_list list = {apic_id, max, 0, {}};

	for (unsigned int i = 0; i < ARRAY_SIZE(areas) && !list.found; i++) {
		if (areas[i].start)
			add_area(&list, memory, areas[i].start, areas[i].size);
	}
	return list.found;
}
