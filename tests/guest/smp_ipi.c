/* Interrupts that CPUs send each other: SDM Vol. 3A 10.6. */
#include "smp.h"

static unsigned before[SMP_CPUS_MAX];

static unsigned count(unsigned cpu, unsigned vector)
{
	return smp_cpu[cpu].arrived[vector];
}

static void remember(unsigned vector)
{
	for (unsigned cpu = 0; cpu < smp_cpus; cpu++)
		before[cpu] = count(cpu, vector);
}

/* That each CPU of a set, a bit each, has got `times` since remember(), and no other any. */
static void expect_at(uint32_t cpus, unsigned vector, unsigned times, const char *how)
{
	for (unsigned cpu = 0; cpu < smp_cpus; cpu++) {
		unsigned wanted = before[cpu] + (cpus >> cpu & 1 ? times : 0);

		expect(smp_await(&smp_cpu[cpu].arrived[vector], wanted),
		       "%s: %u have come to CPU %u instead of %u", how, count(cpu, vector) - before[cpu],
		       cpu, wanted - before[cpu]);
	}
}

static uint32_t everybody(void)
{
	return (1u << smp_cpus) - 1;
}

static void physical(void)
{
	for (unsigned cpu = 0; cpu < smp_cpus; cpu++) {
		remember(VECTOR_TEST);
		apic_send(cpu, VECTOR_TEST);
		expect_at(1u << cpu, VECTOR_TEST, 1, "to a physical ID");
	}
}

static void shorthands(void)
{
	remember(VECTOR_TEST);
	apic_send(0, ICR_SELF | VECTOR_TEST);
	expect_at(1, VECTOR_TEST, 1, "to itself");
	remember(VECTOR_TEST);
	apic_send(0, ICR_ALL | VECTOR_TEST);
	expect_at(everybody(), VECTOR_TEST, 1, "to all");
	remember(VECTOR_TEST);
	apic_send(0, ICR_ALL_BUT_SELF | VECTOR_TEST);
	expect_at(everybody() & ~1u, VECTOR_TEST, 1, "to all others");
}

static void send_to_next(unsigned self)
{
	apic_send((self + 1) % smp_cpus, VECTOR_TEST);
}

static void all_at_once(void)
{
	remember(VECTOR_TEST);
	smp_run(send_to_next);
	expect_at(everybody(), VECTOR_TEST, 1, "each to the next one");
}

static void nmi(void)
{
	for (unsigned cpu = 1; cpu < smp_cpus; cpu++) {
		remember(VECTOR_NMI);
		apic_send(cpu, ICR_NMI);
		expect_at(1u << cpu, VECTOR_NMI, 1, "NMI");
	}
}

const struct check smp_ipi_checks[] = {
	{"ipi-physical", physical, 0},
	{"ipi-shorthands", shorthands, 0},
	{"ipi-all-at-once", all_at_once, 0},
	{"ipi-nmi", nmi, 0},
};
const size_t smp_ipi_check_count = ARRAY_SIZE(smp_ipi_checks);
