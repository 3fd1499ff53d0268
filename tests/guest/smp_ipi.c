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
		       "%s: %u have come to CPU %u instead of %u", how,
		       count(cpu, vector) - before[cpu], cpu, wanted - before[cpu]);
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

/* Of the flat model, of four to a cluster, or of x2APIC mode, where the CPU does not choose. */
#define FLAT	 0xffffffffu
#define CLUSTERS 0x0fffffffu

static uint32_t model;

static uint32_t logical_id(unsigned cpu)
{
	if (rdmsr(MSR_APIC_BASE) & APIC_BASE_X2APIC)
		return cpu / 16 << 16 | 1u << cpu % 16;
	return model == FLAT ? 1u << cpu % 8 : cpu / 4 << 4 | 1u << cpu % 4;
}

static void set_logical_id(unsigned self)
{
	if (rdmsr(MSR_APIC_BASE) & APIC_BASE_X2APIC)
		return;
	apic_write(APIC_DFR, model);
	apic_write(APIC_LDR, logical_id(self) << 24);
}

static void send_logical(void)
{
	for (unsigned cpu = 0; cpu < smp_cpus; cpu++) {
		uint32_t ids = 0;

		for (unsigned other = 0; other < smp_cpus; other++)
			if (logical_id(other) == logical_id(cpu))
				ids |= 1u << other;
		remember(VECTOR_TEST);
		apic_send(logical_id(cpu), ICR_LOGICAL | VECTOR_TEST);
		expect_at(ids, VECTOR_TEST, 1, "to a logical ID");
	}
	remember(VECTOR_TEST);
	apic_send(logical_id(0) | logical_id(smp_cpus > 1), ICR_LOGICAL | VECTOR_TEST);
	if (smp_cpus <= 8)
		expect_at(smp_cpus > 1 ? 3 : 1, VECTOR_TEST, 1, "to two logical IDs");
}

static void flat(void)
{
	model = FLAT;
	smp_run(set_logical_id);
	send_logical();
}

static void clusters(void)
{
	model = CLUSTERS;
	smp_run(set_logical_id);
	send_logical();
}

/* One of them gets it. */
static void lowest_priority(void)
{
	unsigned came = 0;

	model = FLAT;
	smp_run(set_logical_id);
	remember(VECTOR_TEST);
	for (unsigned i = 0; i < 20; i++) {
		apic_send(0xff, ICR_LOGICAL | ICR_LOWEST | VECTOR_TEST);
		came = 0;
		for (unsigned looks = 0; looks < 1000 && came != i + 1; looks++) {
			smp_relax();
			came = 0;
			for (unsigned cpu = 0; cpu < smp_cpus; cpu++)
				came += count(cpu, VECTOR_TEST) - before[cpu];
		}
		if (!expect(came == i + 1, "%u have come instead of %u", came, i + 1))
			return;
	}
}

/* From here on all are in x2APIC mode, which one leaves only by switching the APIC off. */
static void x2apic(void)
{
	smp_run(apic_switch_to_x2apic);
	physical();
	shorthands();
	all_at_once();
	nmi();
	send_logical();
}

static volatile unsigned awake[SMP_CPUS_MAX];

static void halt_once(unsigned self)
{
	asm volatile("sti; hlt" : : : "memory");
	awake[self] = 1;
}

static void halt_without_interrupts(unsigned self)
{
	cli();
	asm volatile("hlt" : : : "memory");
	awake[self] = 1;
	sti();
}

/* It is sent until it has woken them: one that comes before the halt does not. */
static void wake(void (*halt)(unsigned self), uint32_t command, const char *what)
{
	for (unsigned cpu = 1; cpu < smp_cpus; cpu++) {
		awake[cpu] = 0;
		smp_begin(cpu, halt);
		for (unsigned i = 0; i < 1000 && !awake[cpu]; i++) {
			apic_send(cpu, command);
			smp_relax();
		}
		expect(awake[cpu], "%s does not wake CPU %u", what, cpu);
		smp_finish(cpu);
	}
}

static void halts(void)
{
	wake(halt_once, VECTOR_TEST, "an interrupt");
	wake(halt_without_interrupts, ICR_NMI, "an NMI");
}

/* Halted for good, it ends nothing as long as another runs, and can be started again. */
static void halted_for_good(void)
{
	for (unsigned cpu = 1; cpu < smp_cpus; cpu++) {
		unsigned starts = smp_cpu[cpu].starts;

		smp_begin(cpu, halt_without_interrupts);
		for (unsigned i = 0; i < 20; i++)
			smp_relax();
		apic_send(cpu, VECTOR_TEST); /* which it does not take */
		apic_send(cpu, ICR_INIT);
		apic_send(cpu, ICR_STARTUP | SMP_PAGE);
		expect(smp_await(&smp_cpu[cpu].starts, starts + 1), "CPU %u does not start", cpu);
	}
}

const struct check smp_ipi_checks[] = {
	{"ipi-physical", physical, 0},
	{"ipi-shorthands", shorthands, 0},
	{"ipi-all-at-once", all_at_once, 0},
	{"ipi-nmi", nmi, 0},
	{"ipi-flat", flat, 0},
	{"ipi-clusters", clusters, 0},
	{"ipi-lowest-priority", lowest_priority, 0},
	{"halts", halts, 0},
	{"halted-for-good", halted_for_good, 0},
};
const size_t smp_ipi_check_count = ARRAY_SIZE(smp_ipi_checks);

const struct check smp_x2apic_checks[] = {
	{"x2apic", x2apic, 0},
};
const size_t smp_x2apic_check_count = ARRAY_SIZE(smp_x2apic_checks);
