/* Devices, and what is not there, from several CPUs at once. */
#include "smp.h"

#define ROUNDS	  50
#define IOAPIC	  0xfec00000u
#define IOWIN	  0x10
#define MASKED	  0x10000u
#define HPET_TIME 0xfed000f0u
#define HOLE	  0xd0000000u
#define SCRATCH	  0x3ff
#define PIT_PIN	  2
#define CODE	  0x600000u
#define CODE_STEP 0x200000u
#define CODE_ENDS 0xe00000u
#define RET	  0xc3

static struct smp_lock lock;
static volatile unsigned wrong[SMP_CPUS_MAX];

static volatile uint32_t *at(uintptr_t address)
{
	asm volatile("" : "+r"(address));
	return (volatile uint32_t *)address;
}

static void expect_right(const char *what)
{
	for (unsigned cpu = 0; cpu < smp_cpus; cpu++) {
		expect(!wrong[cpu], "%s: CPU %u was answered wrongly %u times", what, cpu,
		       wrong[cpu]);
		wrong[cpu] = 0;
	}
}

static void use_apic(unsigned self)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		*at(APIC + APIC_TPR) = self;
		wrong[self] += *at(APIC + APIC_TPR) != self;
		wrong[self] += *at(APIC + APIC_ID) >> 24 != self;
	}
	*at(APIC + APIC_TPR) = 0;
}

static void own_apic(void)
{
	smp_run(use_apic);
	expect_right("local APIC");
}

#ifdef __x86_64__
static void use_cr8(unsigned self)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t priority = (self + i) % 16, seen;

		asm volatile("mov %0, %%cr8" : : "r"(priority) : "memory");
		wrong[self] += *at(APIC + APIC_TPR) != priority << 4;
		*at(APIC + APIC_TPR) = (uint32_t)((priority ^ 5) << 4);
		asm volatile("mov %%cr8, %0" : "=r"(seen) : : "memory");
		wrong[self] += seen != (priority ^ 5);
	}
	asm volatile("mov %0, %%cr8" : : "r"(0ul) : "memory");
}

static void own_cr8(void)
{
	smp_run(use_cr8);
	expect_right("CR8 and TPR");
}
#endif

static void use_ioapic(unsigned self)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint32_t value = MASKED | (0x30 + self), seen;

		smp_take(&lock);
		*at(IOAPIC) = 0x10 + 2 * self;
		*at(IOAPIC + IOWIN) = value;
		seen = *at(IOAPIC + IOWIN);
		smp_give(&lock);
		wrong[self] += seen != value;
	}
}

static void ioapic(void)
{
	smp_run(use_ioapic);
	expect_right("I/O APIC");
}

static void use_ports(unsigned self)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint8_t seen;

		smp_take(&lock);
		outb(SCRATCH, (uint8_t)(self + i));
		seen = inb(SCRATCH);
		smp_give(&lock);
		wrong[self] += seen != (uint8_t)(self + i);
	}
}

static void ports(void)
{
	smp_run(use_ports);
	expect_right("a port");
}

static void read_time(unsigned self)
{
	uint32_t last = *at(HPET_TIME);

	for (unsigned i = 0; i < ROUNDS; i++) {
		uint32_t now = *at(HPET_TIME);

		wrong[self] += (int32_t)(now - last) < 0;
		last = now;
	}
}

static void hpet(void)
{
	*at(HPET_TIME - 0xe0) = 1;
	smp_run(read_time);
	*at(HPET_TIME - 0xe0) = 0;
	expect_right("HPET");
}

/* By an instruction that is emulated, and by one that is not. */
static void read_holes(unsigned self)
{
	for (unsigned i = 0; i < ROUNDS / 5; i++) {
		uintptr_t hole = HOLE + 0x1000 * (self + SMP_CPUS_MAX * i);
		uint32_t low = 0, high = 0;

		wrong[self] += *at(hole) != UINT32_MAX;
		asm volatile("lock cmpxchg8b (%2)"
			     : "+a"(low), "+d"(high)
			     : "r"(hole), "b"(0), "c"(0)
			     : "memory", "cc");
		wrong[self] += (low & high) != UINT32_MAX;
	}
}

static void holes(void)
{
	smp_run(read_holes);
	expect_right("a hole");
}

/* The first fetch from a large page may split it. */
static void call_code(unsigned self)
{
	(void)self;
	for (uintptr_t code = CODE; code < CODE_ENDS; code += CODE_STEP)
		((void (*)(void))code)();
}

static void code(void)
{
	for (uintptr_t code = CODE; code < CODE_ENDS; code += CODE_STEP)
		*(volatile uint8_t *)code = RET;
	smp_run(call_code);
}

/* An interrupt of a chip to each CPU in turn: counter 0 of the 8254, once. */
static void chip_to_each(void)
{
	for (unsigned cpu = 0; cpu < smp_cpus; cpu++) {
		unsigned before = smp_cpu[cpu].arrived[VECTOR_TEST];

		*at(IOAPIC) = 0x11 + 2 * PIT_PIN;
		*at(IOAPIC + IOWIN) = cpu << 24;
		*at(IOAPIC) = 0x10 + 2 * PIT_PIN;
		*at(IOAPIC + IOWIN) = VECTOR_TEST;
		outb(0x43, 0x30);
		outb(0x40, 0x00);
		outb(0x40, 0x02);
		expect(smp_await(&smp_cpu[cpu].arrived[VECTOR_TEST], before + 1),
		       "%u have come to CPU %u", smp_cpu[cpu].arrived[VECTOR_TEST] - before, cpu);
		*at(IOAPIC + IOWIN) = MASKED;
	}
}

static volatile unsigned timer_before[SMP_CPUS_MAX];

static void start_timer(unsigned self)
{
	timer_before[self] = smp_cpu[self].arrived[VECTOR_TEST];
	apic_write(APIC_DIVIDE, 0xb);
	apic_write(APIC_LVT_TIMER, VECTOR_TEST);
	apic_write(APIC_INITIAL, 2000);
}

static void own_timer(void)
{
	smp_run(start_timer);
	for (unsigned cpu = 0; cpu < smp_cpus; cpu++)
		expect(smp_await(&smp_cpu[cpu].arrived[VECTOR_TEST], timer_before[cpu] + 1),
		       "CPU %u has no interrupt of its timer", cpu);
}

const struct check smp_device_checks[] = {
	{"own-apic", own_apic, 0},
#ifdef __x86_64__
	{"own-cr8", own_cr8, 0},
#endif
	{"ioapic", ioapic, 0},
	{"ports", ports, 0},
	{"hpet", hpet, NEEDS_HYPERCALL},
	{"holes", holes, NEEDS_HYPERCALL},
	{"code", code, 0},
	{"chip-to-each", chip_to_each, 0},
	{"own-timer", own_timer, 0},
};
const size_t smp_device_check_count = ARRAY_SIZE(smp_device_checks);
