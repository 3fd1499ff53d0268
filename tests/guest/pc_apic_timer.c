/* The local APIC's timer: one-shot, periodic, TSC-deadline. SDM Vol. 3A 10.5.4. */
#include "pc.h"

#define TIMER_PERIODIC 0x20000
#define TIMER_DEADLINE 0x40000
#define DIVIDE_BY_1    0xb
#define DIVIDE_BY_16   0x3

/* Counts of a millisecond, undivided. */
static uint32_t counts_per_ms(void)
{
	uint32_t before;

	begin();
	apic_write(APIC_DIVIDE, DIVIDE_BY_1);
	apic_write(APIC_INITIAL, 0xffffffff);
	before = apic_read(APIC_CURRENT);
	wait_ms(4);
	before -= apic_read(APIC_CURRENT);
	apic_write(APIC_INITIAL, 0);
	return before / 4 + 1;
}

static void counts(void)
{
	uint32_t first, second, by16;

	counts_per_ms();
	apic_write(APIC_DIVIDE, DIVIDE_BY_1);
	apic_write(APIC_INITIAL, 0xf0000000);
	expect(apic_read(APIC_INITIAL) == 0xf0000000, "initial count 0x%x",
	       apic_read(APIC_INITIAL));
	first = apic_read(APIC_CURRENT);
	wait_ms(2);
	second = apic_read(APIC_CURRENT);
	expect(first <= 0xf0000000 && second < first, "from 0x%x to 0x%x", first, second);
	apic_write(APIC_DIVIDE, DIVIDE_BY_16);
	apic_write(APIC_INITIAL, 0xf0000000);
	by16 = apic_read(APIC_CURRENT);
	wait_ms(2);
	by16 -= apic_read(APIC_CURRENT);
	expect(by16 && by16 < (first - second) / 2, "divided by 16: %u, by 1: %u", by16,
	       first - second);
	apic_write(APIC_INITIAL, 0);
	expect(apic_read(APIC_CURRENT) == 0, "stopped: 0x%x", apic_read(APIC_CURRENT));
}

static void right_frequency(void)
{
	uint32_t khz = counts_per_ms(), wanted = cpuid(0x15, 0).ecx / 1000;

	expect(khz > wanted / 10 * 9 && khz < wanted * 2, "%u kHz instead of %u", khz, wanted);
}

static void one_shot(void)
{
	uint32_t ms = counts_per_ms();
	uint64_t start;

	apic_write(APIC_DIVIDE, DIVIDE_BY_1);
	apic_write(APIC_LVT_TIMER, VECTOR_A);
	start = rdtsc();
	apic_write(APIC_INITIAL, 2 * ms);
	await_in_hlt(VECTOR_A, 1);
	expect(rdtsc() - start > tsc_per_ms(), "it came too early");
	expect(apic_read(APIC_CURRENT) == 0, "count 0x%x afterwards", apic_read(APIC_CURRENT));
	expect_none(VECTOR_A, "a second one");
	apic_write(APIC_INITIAL, ms);
	await(VECTOR_A, 2);
}

static void periodic(void)
{
	uint32_t ms = counts_per_ms();
	uint64_t start;

	apic_write(APIC_DIVIDE, DIVIDE_BY_1);
	apic_write(APIC_LVT_TIMER, TIMER_PERIODIC | VECTOR_A);
	start = rdtsc();
	apic_write(APIC_INITIAL, ms);
	await_in_hlt(VECTOR_A, 10);
	expect(rdtsc() - start > 5 * tsc_per_ms(), "10 of them in less than 5 ms");
	expect(apic_read(APIC_CURRENT) <= ms, "count %u of %u", apic_read(APIC_CURRENT), ms);
	apic_write(APIC_LVT_TIMER, LVT_MASKED | TIMER_PERIODIC | VECTOR_A);
	sti();
	asm volatile("nop; nop");
	cli();
	expect_none(VECTOR_A, "masked");
	apic_write(APIC_LVT_TIMER, TIMER_PERIODIC | VECTOR_A);
	await_in_hlt(VECTOR_A, arrived[VECTOR_A] + 2);
	apic_write(APIC_INITIAL, 0);
}

static void deadline(void)
{
	uint64_t when;

	begin();
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + 1000);
	expect(rdmsr(MSR_TSC_DEADLINE) == 0, "in another mode it reads 0x%lx",
	       (unsigned long)rdmsr(MSR_TSC_DEADLINE));
	apic_write(APIC_LVT_TIMER, TIMER_DEADLINE | VECTOR_A);
	for (unsigned i = 1; i <= 5; i++) {
		when = rdtsc() + 2 * tsc_per_ms();
		wrmsr(MSR_TSC_DEADLINE, when);
		expect(rdmsr(MSR_TSC_DEADLINE) == when || rdtsc() > when,
		       "it reads something else");
		await_in_hlt(VECTOR_A, i);
		expect(rdtsc() >= when, "it came too early");
		if (!has_defect(DEFECT_TSC_DEADLINE))
			expect(rdmsr(MSR_TSC_DEADLINE) == 0, "it is not disarmed");
	}
	wrmsr(MSR_TSC_DEADLINE, 1);
	await(VECTOR_A, 6);
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + 2 * tsc_per_ms());
	wrmsr(MSR_TSC_DEADLINE, 0);
	expect_none(VECTOR_A, "disarmed");
}

/* What the TSC is moved by, a deadline is moved by, too: it is one of the TSC. */
static void deadline_follows_tsc(void)
{
	uint64_t before = rdmsr(MSR_TSC_ADJUST);

	if (has_defect(DEFECT_DEADLINE_MOVES))
		return;
	begin();
	apic_write(APIC_LVT_TIMER, TIMER_DEADLINE | VECTOR_A);
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + (1ull << 40));
	expect_none(VECTOR_A, "far ahead");
	wrmsr(MSR_TSC_ADJUST, before + (1ull << 40));
	await(VECTOR_A, 1);
	wrmsr(MSR_TSC_ADJUST, before);
}

const struct check pc_apic_timer_checks[] = {
	{"apic-timer-counts", counts, 0},
	{"apic-timer-right-frequency", right_frequency, NEEDS_HYPERCALL},
	{"apic-timer-one-shot", one_shot, 0},
	{"apic-timer-periodic", periodic, 0},
	{"apic-timer-tsc-deadline", deadline, 0},
	{"apic-timer-deadline-follows-tsc", deadline_follows_tsc, 0},
};
const size_t pc_apic_timer_check_count = ARRAY_SIZE(pc_apic_timer_checks);
