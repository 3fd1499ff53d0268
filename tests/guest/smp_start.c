/* What a CPU finds at its start, what the tables say of it, and that it can be started again. */
#include "smp.h"

/* INIT leaves 0 in EDX instead of the processor's signature (tools/defects.py). */
#define DEFECT_INIT_EDX "init-edx"

#define MP_TABLES 0xf0000u
#define PROCESSOR 0

static void all_have_come(void)
{
	for (unsigned cpu = 1; cpu < smp_cpus; cpu++)
		expect(smp_cpu[cpu].starts == 1, "CPU %u has started %u times", cpu,
		       smp_cpu[cpu].starts);
}

static void registers(void)
{
	uint32_t signature = option(DEFECT_INIT_EDX) ? 0 : cpuid(1, 0).eax;

	for (unsigned cpu = 1; cpu < smp_cpus; cpu++) {
		expect(smp_cpu[cpu].edx == signature, "CPU %u has EDX=0x%x", cpu, smp_cpu[cpu].edx);
		expect(smp_cpu[cpu].cr0 == 0x60000010, "CPU %u has CR0=0x%x", cpu,
		       smp_cpu[cpu].cr0);
	}
}

static uint32_t seen_id[SMP_CPUS_MAX], seen_x2apic_id[SMP_CPUS_MAX], seen_apic[SMP_CPUS_MAX];
static bool bootstrap[SMP_CPUS_MAX];

static void look_at_ids(unsigned self)
{
	seen_id[self] = cpuid(1, 0).ebx >> 24;
	seen_x2apic_id[self] = cpuid(0xb, 0).edx;
	seen_apic[self] = apic_read(APIC_ID) >> 24;
	bootstrap[self] = rdmsr(MSR_APIC_BASE) & 0x100;
}

static void ids(void)
{
	smp_run(look_at_ids);
	for (unsigned cpu = 0; cpu < smp_cpus; cpu++) {
		expect(seen_id[cpu] == cpu && seen_apic[cpu] == cpu,
		       "CPU %u has ID %u by CPUID, %u by its APIC", cpu, seen_id[cpu],
		       seen_apic[cpu]);
		expect(!have_hypercalls() || seen_x2apic_id[cpu] == cpu, "CPU %u has x2APIC ID %u",
		       cpu, seen_x2apic_id[cpu]);
		expect(bootstrap[cpu] == (cpu == 0), "CPU %u is the bootstrap processor: %d", cpu,
		       bootstrap[cpu]);
	}
}

/* Processors come first in the configuration table. */
static void tables(void)
{
	uintptr_t pointer = MP_TABLES;
	const uint8_t *table;
	unsigned found = 0;

	asm volatile("" : "+r"(pointer));
	table = (const uint8_t *)(uintptr_t) * (const uint32_t *)(pointer + 4) + 44;
	for (; table[20 * found] == PROCESSOR; found++)
		expect(table[20 * found + 1] == found, "processor %u has ID %u", found,
		       table[20 * found + 1]);
	expect(found == smp_cpus, "%u processors instead of %u", found, smp_cpus);
}

static void start_again(void)
{
	for (unsigned cpu = 1; cpu < smp_cpus; cpu++) {
		unsigned starts = smp_cpu[cpu].starts;

		apic_send(cpu, ICR_INIT);
		apic_send(cpu, ICR_STARTUP | SMP_PAGE);
		expect(smp_await(&smp_cpu[cpu].starts, starts + 1), "CPU %u has not", cpu);
	}
}

/* A start-up message is for a CPU that waits for it. */
static void start_without_init(void)
{
	unsigned starts = smp_cpu[1].starts;

	if (smp_cpus == 1)
		return;
	apic_send(1, ICR_STARTUP | SMP_PAGE);
	smp_begin(1, look_at_ids);
	smp_finish(1);
	expect(smp_cpu[1].starts == starts, "it has started");
}

const struct check smp_start_checks[] = {
	{"all-have-come", all_have_come, 0},
	{"registers-after-init", registers, 0},
	{"ids", ids, 0},
	{"mp-table", tables, NEEDS_HYPERCALL},
	{"start-again", start_again, 0},
	{"start-without-init", start_without_init, 0},
};
const size_t smp_start_check_count = ARRAY_SIZE(smp_start_checks);
