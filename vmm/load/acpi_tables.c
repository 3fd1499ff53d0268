#include "vmm/load/acpi_tables.h"

#include "lib/string.h"
#include "vmm/guest_ram.h"
#include "vmm/chip/pc_map.h"
#include "vmm/load/tables.h"

#define ALIGN	   16
#define ALIGN_FACS 64

extern const uint8_t dsdt_aml[], dsdt_aml_end[];

/* 5.2.3.1 */
enum address_space {
	SPACE_MEMORY,
	SPACE_IO,
};

enum access_size {
	ACCESS_ANY,
	ACCESS_BYTE,
	ACCESS_WORD,
	ACCESS_DWORD,
};

struct generic_address {
	uint8_t space;
	uint8_t width; /* bits */
	uint8_t offset;
	uint8_t access;
	uint64_t address;
} __attribute__((packed));

/* 5.2.5.3 */
struct rsdp {
	char signature[8];
	uint8_t checksum; /* of what ACPI 1.0 has: the first 20 bytes */
	char oem[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t extended_checksum;
	uint8_t reserved[3];
} __attribute__((packed));

/* 5.2.6 */
struct header {
	char signature[4];
	uint32_t length;
	uint8_t revision;
	uint8_t checksum;
	char oem[6];
	char oem_table[8];
	uint32_t oem_revision;
	char creator[4];
	uint32_t creator_revision;
} __attribute__((packed));

/* 5.2.9: those of its flags that are set. */
#define FADT_WBINVD	  0x0001
#define FADT_C1_ON_ALL	  0x0004
#define FADT_NO_FIXED_KEY 0x0030 /* neither a power nor a sleep button */
#define FADT_NO_RTC_WAKE  0x0040
#define FADT_TIMER_32_BIT 0x0100
#define FADT_RESET	  0x0400

/* 5.2.9.3 */
#define BOOT_LEGACY_DEVICES 0x0001
#define BOOT_8042	    0x0002
#define BOOT_NO_MSI	    0x0008

/* 8.1: latencies by which there is no such state. */
#define NO_C2 101
#define NO_C3 1001

struct fadt {
	struct header header;
	uint32_t facs;
	uint32_t dsdt;
	uint8_t reserved_44;
	uint8_t preferred_profile;
	uint16_t sci;
	uint32_t smi_command; /* 0: there is no other mode than ACPI's */
	uint8_t acpi_enable, acpi_disable, s4bios_request, pstate_control;
	uint32_t pm1a_event, pm1b_event, pm1a_control, pm1b_control;
	uint32_t pm2_control, pm_timer, gpe0, gpe1;
	uint8_t pm1_event_length, pm1_control_length, pm2_control_length, pm_timer_length;
	uint8_t gpe0_length, gpe1_length, gpe1_base;
	uint8_t cst_control;
	uint16_t c2_latency, c3_latency;
	uint16_t flush_size, flush_stride;
	uint8_t duty_offset, duty_width;
	uint8_t day_alarm, month_alarm, century; /* registers of the RTC; 0: there is none */
	uint16_t boot_flags;
	uint8_t reserved_111;
	uint32_t flags;
	struct generic_address reset;
	uint8_t reset_value;
	uint8_t reserved_129[3];
	uint64_t x_facs, x_dsdt;
	struct generic_address x_pm1a_event, x_pm1b_event, x_pm1a_control, x_pm1b_control;
	struct generic_address x_pm2_control, x_pm_timer, x_gpe0, x_gpe1;
} __attribute__((packed));

/* 5.2.10 */
struct facs {
	char signature[4];
	uint32_t length;
	uint32_t hardware_signature;
	uint32_t waking_vector;
	uint32_t global_lock;
	uint32_t flags;
	uint64_t x_waking_vector;
	uint8_t version;
	uint8_t reserved[31];
} __attribute__((packed));

/* 5.2.12 */
enum madt_type {
	MADT_LOCAL_APIC = 0,
	MADT_IOAPIC = 1,
	MADT_OVERRIDE = 2,
	MADT_LOCAL_APIC_NMI = 4,
};

#define MADT_HAS_8259A 1
#define MADT_ISA       0
#define CPU_ENABLED    1
#define ALL_CPUS       0xFF

struct madt_local_apic {
	uint8_t type, length;
	uint8_t uid, apic_id;
	uint32_t flags;
} __attribute__((packed));

struct madt_ioapic {
	uint8_t type, length;
	uint8_t id, reserved;
	uint32_t address;
	uint32_t first_interrupt;
} __attribute__((packed));

struct madt_override {
	uint8_t type, length;
	uint8_t bus, irq;
	uint32_t interrupt;
	uint16_t flags;
} __attribute__((packed));

struct madt_local_apic_nmi {
	uint8_t type, length;
	uint8_t uid;
	uint16_t flags;
	uint8_t pin;
} __attribute__((packed));

struct madt {
	struct header header;
	uint32_t local_apic;
	uint32_t flags;
	struct madt_ioapic ioapic;
	struct madt_override timer, sci;
	struct madt_local_apic_nmi nmi;
	struct madt_local_apic cpu[TABLES_CPUS_MAX]; /* the table ends behind the last that is */
} __attribute__((packed));

/* IA-PC HPET 1.0a, 3.2.4 */
struct hpet {
	struct header header;
	uint32_t capabilities;
	struct generic_address base;
	uint8_t number;
	uint16_t ticks_min;
	uint8_t page_protection;
} __attribute__((packed));

#define ROOT_ENTRIES 3 /* the FADT, the MADT and the HPET's */

struct rsdt {
	struct header header;
	uint32_t entry[ROOT_ENTRIES];
} __attribute__((packed));

struct xsdt {
	struct header header;
	uint64_t entry[ROOT_ENTRIES];
} __attribute__((packed));

_Static_assert(sizeof(struct rsdp) == 36 && sizeof(struct header) == 36, "5.2.5.3, 5.2.6");
_Static_assert(sizeof(struct fadt) == 244 && sizeof(struct facs) == 64, "5.2.9, 5.2.10");
_Static_assert(sizeof(struct hpet) == 56, "IA-PC HPET 3.2.4");
_Static_assert(sizeof(struct rsdp) + sizeof(struct facs) + sizeof(struct fadt) +
			       sizeof(struct madt) + sizeof(struct hpet) + sizeof(struct rsdt) +
			       sizeof(struct xsdt) + 7 * ALIGN + ALIGN_FACS <=
		       TABLES_ACPI_HEADER,
	       "they have room before the DSDT");

/* Where the next one goes. */
struct writer {
	const struct guest_ram *ram;
	uint32_t at;
};

static uint32_t write(struct writer *w, const void *bytes, uint32_t size, uint32_t align)
{
	uint32_t at = (w->at + align - 1) & ~(align - 1);

	guest_ram_write(w->ram, at, bytes, size);
	w->at = at + size;
	return at;
}

static struct header header(const char *signature, uint8_t revision, uint32_t length)
{
	struct header result = {.length = length, .revision = revision, .oem_revision = 1};

	memcpy(result.signature, signature, sizeof(result.signature));
	memcpy(result.oem, "RSDENT", sizeof(result.oem));
	memcpy(result.oem_table, "RESIDENT", sizeof(result.oem_table));
	memcpy(result.creator, "RSDT", sizeof(result.creator));
	result.creator_revision = 1;
	return result;
}

/* A table that is complete but for its checksum. */
static uint32_t write_table(struct writer *w, void *table)
{
	struct header *h = table;

	h->checksum = tables_checksum(table, h->length);
	return write(w, table, h->length, ALIGN);
}

static uint32_t write_facs(struct writer *w)
{
	struct facs facs = {
		.length = sizeof(facs),
		.version = 2,
	};

	memcpy(facs.signature, "FACS", sizeof(facs.signature));
	return write(w, &facs, sizeof(facs), ALIGN_FACS);
}

static uint32_t write_fadt(struct writer *w, uint32_t facs)
{
	struct fadt fadt = {
		.header = header("FACP", 4, sizeof(fadt)),
		.facs = facs,
		.dsdt = TABLES_DSDT,
		.sci = PC_IRQ_SCI,
		.pm1a_event = PC_PM1_EVENT,
		.pm1_event_length = 4,
		.pm1a_control = PC_PM1_CONTROL,
		.pm1_control_length = 2,
		.pm_timer = PC_PM_TIMER,
		.pm_timer_length = 4,
		.c2_latency = NO_C2,
		.c3_latency = NO_C3,
		.century = 0x32, /* where mc146818.h has it */
		.boot_flags = BOOT_LEGACY_DEVICES | BOOT_8042 | BOOT_NO_MSI,
		.flags = FADT_WBINVD | FADT_C1_ON_ALL | FADT_NO_FIXED_KEY | FADT_NO_RTC_WAKE |
			 FADT_TIMER_32_BIT | FADT_RESET,
		.reset = {SPACE_IO, 8, 0, ACCESS_BYTE, PC_RESET_CONTROL},
		.reset_value = PC_RESET_CONTROL_RESET,
		.x_dsdt = TABLES_DSDT,
		.x_pm1a_event = {SPACE_IO, 32, 0, ACCESS_WORD, PC_PM1_EVENT},
		.x_pm1a_control = {SPACE_IO, 16, 0, ACCESS_WORD, PC_PM1_CONTROL},
		.x_pm_timer = {SPACE_IO, 32, 0, ACCESS_DWORD, PC_PM_TIMER},
	};

	return write_table(w, &fadt);
}

static uint32_t write_madt(struct writer *w, const struct guest_machine *machine)
{
	struct madt madt = {
		.header = header("APIC", 3, sizeof(madt) - sizeof(madt.cpu)),
		.local_apic = PC_LOCAL_APIC,
		.flags = MADT_HAS_8259A,
		.ioapic = {MADT_IOAPIC, sizeof(madt.ioapic), guest_ioapic_id(machine), 0, PC_IOAPIC,
			   0},
		.timer = {MADT_OVERRIDE, sizeof(madt.timer), MADT_ISA, PC_IRQ_TIMER,
			  PC_IRQ_TIMER_PIN, TABLES_AS_ITS_BUS},
		.sci = {MADT_OVERRIDE, sizeof(madt.sci), MADT_ISA, PC_IRQ_SCI, PC_IRQ_SCI,
			TABLES_LEVEL_ACTIVE_HIGH},
		.nmi = {MADT_LOCAL_APIC_NMI, sizeof(madt.nmi), ALL_CPUS, TABLES_AS_ITS_BUS,
			PC_LINT_NMI},
	};

	for (uint32_t id = 0; id < machine->vcpus && id < TABLES_CPUS_MAX; id++) {
		madt.cpu[id] = (struct madt_local_apic){MADT_LOCAL_APIC, sizeof(madt.cpu[id]),
							(uint8_t)id, (uint8_t)id, CPU_ENABLED};
		madt.header.length += sizeof(madt.cpu[id]);
	}
	return write_table(w, &madt);
}

static uint32_t write_hpet(struct writer *w)
{
	struct hpet hpet = {
		.header = header("HPET", 1, sizeof(hpet)),
		.capabilities = PC_HPET_CAPABILITIES,
		.base = {SPACE_MEMORY, 64, 0, ACCESS_ANY, PC_HPET},
		.ticks_min = PC_HPET_TICKS_MIN,
	};

	return write_table(w, &hpet);
}

void acpi_tables_install(const struct guest_ram *ram, const struct guest_machine *machine)
{
	struct writer w = {ram, TABLES_ACPI + sizeof(struct rsdp)};
	uint32_t fadt = write_fadt(&w, write_facs(&w));
	uint32_t madt = write_madt(&w, machine);
	uint32_t hpet = write_hpet(&w);
	struct rsdt rsdt = {header("RSDT", 1, sizeof(rsdt)), {fadt, madt, hpet}};
	struct xsdt xsdt = {header("XSDT", 1, sizeof(xsdt)), {fadt, madt, hpet}};
	struct rsdp rsdp = {
		.revision = 2,
		.rsdt = write_table(&w, &rsdt),
		.length = sizeof(rsdp),
		.xsdt = write_table(&w, &xsdt),
	};

	memcpy(rsdp.signature, "RSD PTR ", sizeof(rsdp.signature));
	memcpy(rsdp.oem, "RSDENT", sizeof(rsdp.oem));
	rsdp.checksum = tables_checksum(&rsdp, 20);
	rsdp.extended_checksum = tables_checksum(&rsdp, sizeof(rsdp));
	guest_ram_write(ram, TABLES_ACPI, &rsdp, sizeof(rsdp));
	guest_ram_write(ram, TABLES_DSDT, dsdt_aml, (uint64_t)(dsdt_aml_end - dsdt_aml));
}
