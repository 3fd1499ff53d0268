#include "vmm/load/mp_tables.h"

#include "lib/string.h"
#include "vmm/guest_ram.h"
#include "vmm/chip/pc_map.h"
#include "vmm/load/tables.h"

#define SPECIFICATION_1_4 4
#define ISA_BUS		  0
#define BOOT_CPU	  0
#define ALL_CPUS	  0xFF

/* 4.1 */
struct floating_pointer {
	char signature[4];
	uint32_t table;
	uint8_t length; /* in units of 16 bytes */
	uint8_t specification;
	uint8_t checksum;
	uint8_t default_configuration; /* 0: there is a table */
	uint8_t features;	       /* bit 7: there is an IMCR */
	uint8_t reserved[3];
} __attribute__((packed));

/* 4.2 */
struct configuration_header {
	char signature[4];
	uint16_t length;
	uint8_t specification;
	uint8_t checksum;
	char oem[8];
	char product[12];
	uint32_t oem_table;
	uint16_t oem_table_size;
	uint16_t entries;
	uint32_t local_apic;
	uint16_t extended_length;
	uint8_t extended_checksum;
	uint8_t reserved;
} __attribute__((packed));

/* 4.3: these lie in the table in the order of their types. */
enum entry_type {
	ENTRY_PROCESSOR,
	ENTRY_BUS,
	ENTRY_IOAPIC,
	ENTRY_IO_INTERRUPT,
	ENTRY_LOCAL_INTERRUPT,
};

#define ENABLED	       0x01
#define BOOT_PROCESSOR 0x02

struct processor {
	uint8_t type;
	uint8_t apic_id;
	uint8_t apic_version;
	uint8_t flags;
	uint32_t signature;
	uint32_t features;
	uint32_t reserved[2];
} __attribute__((packed));

struct bus {
	uint8_t type;
	uint8_t id;
	char name[6];
} __attribute__((packed));

struct ioapic {
	uint8_t type;
	uint8_t id;
	uint8_t version;
	uint8_t flags;
	uint32_t address;
} __attribute__((packed));

enum interrupt_type {
	INTERRUPT_VECTORED,
	INTERRUPT_NMI,
	INTERRUPT_SMI,
	INTERRUPT_EXTERNAL, /* the 8259A gives the vector */
};

struct interrupt {
	uint8_t type;
	uint8_t interrupt_type;
	uint16_t flags;
	uint8_t bus;
	uint8_t irq;
	uint8_t apic_id;
	uint8_t pin;
} __attribute__((packed));

struct mp_table {
	struct configuration_header header;
	uint8_t entries[TABLES_CPUS_MAX * sizeof(struct processor) + sizeof(struct bus) +
			sizeof(struct ioapic) + (PC_IRQS + 2) * sizeof(struct interrupt)];
} __attribute__((packed));

_Static_assert(sizeof(struct floating_pointer) == 16, "table 4-1");
_Static_assert(sizeof(struct configuration_header) == 44, "table 4-2");
_Static_assert(sizeof(struct processor) == 20, "table 4-4");
_Static_assert(sizeof(struct bus) == 8 && sizeof(struct ioapic) == 8, "tables 4-7 and 4-8");
_Static_assert(sizeof(struct interrupt) == 8, "table 4-10");
_Static_assert(sizeof(struct floating_pointer) + sizeof(struct mp_table) <= TABLES_MP_SIZE,
	       "they have room");

static void add(struct mp_table *table, const void *entry, uint16_t size)
{
	memcpy((uint8_t *)table + table->header.length, entry, size);
	table->header.length += size;
	table->header.entries++;
}

static void add_processors(struct mp_table *table, const struct guest_machine *machine)
{
	for (uint32_t id = 0; id < machine->vcpus && id < TABLES_CPUS_MAX; id++) {
		const struct processor processor = {
			.type = ENTRY_PROCESSOR,
			.apic_id = (uint8_t)id,
			.apic_version = PC_LOCAL_APIC_VERSION,
			.flags = id == BOOT_CPU ? ENABLED | BOOT_PROCESSOR : ENABLED,
			.signature = machine->cpu_signature,
			.features = machine->cpu_features,
		};

		add(table, &processor, sizeof(processor));
	}
}

static void add_io_interrupts(struct mp_table *table, uint8_t apic_id)
{
	for (uint8_t irq = 0; irq < PC_IRQS; irq++) {
		const struct interrupt interrupt = {
			.type = ENTRY_IO_INTERRUPT,
			.interrupt_type = INTERRUPT_VECTORED,
			.flags = irq == PC_IRQ_SCI ? TABLES_LEVEL_ACTIVE_HIGH : TABLES_AS_ITS_BUS,
			.bus = ISA_BUS,
			.irq = irq,
			.apic_id = apic_id,
			.pin = irq == PC_IRQ_TIMER ? PC_IRQ_TIMER_PIN : irq,
		};

		if (irq != PC_IRQ_CASCADE)
			add(table, &interrupt, sizeof(interrupt));
	}
}

static void add_local_interrupts(struct mp_table *table)
{
	static const struct interrupt local[] = {
		{ENTRY_LOCAL_INTERRUPT, INTERRUPT_EXTERNAL, TABLES_AS_ITS_BUS, ISA_BUS, 0, BOOT_CPU,
		 PC_LINT_8259A},
		{ENTRY_LOCAL_INTERRUPT, INTERRUPT_NMI, TABLES_AS_ITS_BUS, ISA_BUS, 0, ALL_CPUS,
		 PC_LINT_NMI},
	};

	add(table, &local[0], sizeof(local[0]));
	add(table, &local[1], sizeof(local[1]));
}

void mp_tables_install(const struct guest_ram *ram, const struct guest_machine *machine)
{
	struct bus isa = {.type = ENTRY_BUS, .id = ISA_BUS};
	const struct ioapic ioapic = {ENTRY_IOAPIC, guest_ioapic_id(machine), PC_IOAPIC_VERSION,
				      ENABLED, PC_IOAPIC};
	struct floating_pointer pointer = {
		.table = TABLES_MP + sizeof(pointer),
		.length = sizeof(pointer) / 16,
		.specification = SPECIFICATION_1_4,
	};
	struct mp_table table = {
		.header =
			{
				.length = sizeof(table.header),
				.specification = SPECIFICATION_1_4,
				.local_apic = PC_LOCAL_APIC,
			},
	};

	memcpy(isa.name, "ISA   ", sizeof(isa.name));
	memcpy(pointer.signature, "_MP_", sizeof(pointer.signature));
	memcpy(table.header.signature, "PCMP", sizeof(table.header.signature));
	memcpy(table.header.oem, "RESIDENT", sizeof(table.header.oem));
	memcpy(table.header.product, "PC          ", sizeof(table.header.product));
	add_processors(&table, machine);
	add(&table, &isa, sizeof(isa));
	add(&table, &ioapic, sizeof(ioapic));
	add_io_interrupts(&table, ioapic.id);
	add_local_interrupts(&table);
	table.header.checksum = tables_checksum(&table, table.header.length);
	pointer.checksum = tables_checksum(&pointer, sizeof(pointer));
	guest_ram_write(ram, TABLES_MP, &pointer, sizeof(pointer));
	guest_ram_write(ram, pointer.table, &table, table.header.length);
}
