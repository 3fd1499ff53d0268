#include <stddef.h>

#include "boot/apic.h"
#include "boot/clock.h"
#include "boot/cpu.h"
#include "boot/measure.h"
#include "boot/pic.h"
#include "boot/pit.h"
#include "boot/reference.h"
#include "lib/assert.h"
#include "lib/console.h"
#include "lib/x86.h"

#define MEASURE_MS     10
#define APIC_COUNT_MAX 0xffffffffu

/* A wake-up is tried this late, and waited for so long: an emulator may be slow. */
#define TRIAL_MS 1
#define GRACE_MS 500

#define ASSUMED_TSC_KHZ 1000000

/* Written at boot by the first CPU. */
static uint64_t tsc_khz, apic_khz; /* apic_khz: after the divisor; 0 = no APIC timer */
static enum clock_source source = CLOCK_SOURCE_NONE;
static enum clock_timer idle_timer = CLOCK_TIMER_NONE; /* what wakes an idle CPU */

static uint64_t khz_by_reference(const struct reference *reference)
{
	struct measure_span least = {0, 0}, span;
	uint64_t hz;
	bool measured;

	if (!reference->start(&hz))
		return 0;
	least.count = hz * MEASURE_MS / 1000;
	measured = measure(&reference->counter, rdtsc, &least, &span);
	reference->stop();
	return measured ? span.tsc * hz / span.count / 1000 : 0;
}

static uint64_t khz_by_cpuid(void)
{
	struct measure_cpuid c = {.max_leaf = cpuid_max_leaf(), .signature = cpuid(1).eax};

	if (c.max_leaf >= 0x15) {
		struct cpuid_regs r = cpuid(0x15);

		c.denominator = r.eax;
		c.numerator = r.ebx;
		c.crystal_hz = r.ecx;
	}
	if (c.max_leaf >= 0x16)
		c.base_mhz = cpuid(0x16).eax;
	return measure_cpuid_khz(&c);
}

/* In the order of trust: CPUID describes the part, which an emulator need not run as. */
static const struct reference *const references[] = {
	[CLOCK_SOURCE_PIT] = &reference_pit,
	[CLOCK_SOURCE_HPET] = &reference_hpet,
	[CLOCK_SOURCE_PM] = &reference_pm,
	[CLOCK_SOURCE_CPUID] = NULL,
};

static bool try_source(enum clock_source candidate)
{
	const struct reference *reference = references[candidate];

	tsc_khz = reference ? khz_by_reference(reference) : khz_by_cpuid();
	source = candidate;
	return tsc_khz != 0;
}

static void find_tsc_frequency(enum clock_source wanted)
{
	if (wanted != CLOCK_SOURCE_AUTO) {
		if (try_source(wanted))
			return;
		log_warning("clock=%s: there is none that counts, another is taken",
			    clock_source_name(wanted));
	}
	for (unsigned int s = CLOCK_SOURCE_PIT; s <= CLOCK_SOURCE_CPUID; s++) {
		if (s == wanted || !try_source(s))
			continue;
		if (s == CLOCK_SOURCE_CPUID)
			log_warning("no clock to measure the TSC with: CPUID says %lu kHz",
				    tsc_khz);
		return;
	}
	tsc_khz = ASSUMED_TSC_KHZ;
	source = CLOCK_SOURCE_NONE;
	log_warning("the TSC's frequency cannot be found out: 1 GHz is assumed, and time slices "
		    "and timers are off by what that is wrong");
}

static void find_apic_frequency(void)
{
	static const struct measure_counter counter = {apic_timer_count, APIC_COUNT_MAX, true};
	const struct measure_span least = {tsc_khz * MEASURE_MS, 1};
	struct measure_span span;

	if (!apic_present())
		return;
	apic_timer_start(APIC_COUNT_MAX);
	if (measure(&counter, rdtsc, &least, &span))
		apic_khz = span.count * tsc_khz / span.tsc;
	apic_timer_start(0);
}

void clock_init(enum clock_source wanted, const struct acpi *acpi)
{
	reference_init(acpi);
	find_tsc_frequency(wanted);
	find_apic_frequency();
}

static void start_apic_timer(uint64_t tsc_ticks)
{
	/* rounded up: never woken before the deadline only to halt again */
	uint64_t ticks = tsc_ticks / tsc_khz * apic_khz + tsc_ticks % tsc_khz * apic_khz / tsc_khz;

	apic_timer_start(ticks < APIC_COUNT_MAX ? ticks + 1 : APIC_COUNT_MAX);
}

static void start_pit(uint64_t tsc_ticks)
{
	/* the counter has 16 bits, 55 ms: a longer wait takes several */
	uint64_t most = tsc_khz * 60;
	uint64_t ticks = (tsc_ticks < most ? tsc_ticks : most) * PIT_HZ / (tsc_khz * 1000);

	/* in this order: the output is high until then, and would be an interrupt at once */
	pit_start_oneshot(ticks < 0xffff ? ticks + 1 : 0xffff);
	pic_enable_timer(true);
}

/* Whether the timer that was started interrupts: others may, which firmware left on. */
static bool interrupts(bool (*came)(void))
{
	uint64_t end = rdtsc() + tsc_khz * GRACE_MS;

	interrupts_on();
	while (!came() && rdtsc() < end)
		cpu_relax();
	interrupts_off();
	return came();
}

static bool apic_interrupt_came(void)
{
	return !this_cpu()->timer_deadline;
}

static bool apic_wakes(void)
{
	bool wakes;

	if (!apic_khz)
		return false;
	this_cpu()->timer_deadline = 1;
	start_apic_timer(tsc_khz * TRIAL_MS);
	wakes = interrupts(apic_interrupt_came);
	apic_timer_start(0);
	this_cpu()->timer_deadline = 0;
	return wakes;
}

static bool pit_interrupt_came(void)
{
	return this_cpu()->pit_interrupt_count;
}

static bool pit_wakes(void)
{
	bool wakes;

	start_pit(tsc_khz * TRIAL_MS);
	wakes = interrupts(pit_interrupt_came);
	pic_enable_timer(false);
	return wakes;
}

void clock_select(enum clock_timer wanted)
{
	if (!apic_wakes())
		apic_khz = 0;
	if (apic_khz && wanted != CLOCK_TIMER_PIT)
		idle_timer = CLOCK_TIMER_APIC;
	else if (pit_wakes())
		idle_timer = CLOCK_TIMER_PIT;
	else
		idle_timer = apic_khz ? CLOCK_TIMER_APIC : CLOCK_TIMER_NONE;
	if (wanted != CLOCK_TIMER_AUTO && idle_timer != wanted)
		log_warning("timer=%s: it does not interrupt, %s is taken",
			    clock_timer_name(wanted), clock_timer_name(idle_timer));
}

enum clock_timer clock_timer(void)
{
	return idle_timer;
}

bool clock_can_wake(void)
{
	return idle_timer != CLOCK_TIMER_NONE;
}

enum clock_source clock_source(void)
{
	return source;
}

uint64_t clock_tsc_khz(void)
{
	return tsc_khz;
}

uint64_t clock_us_to_tsc(uint64_t microseconds)
{
	return microseconds / 1000 * tsc_khz + microseconds % 1000 * tsc_khz / 1000;
}

bool clock_has_apic_timer(void)
{
	return apic_khz;
}

void clock_interrupt_at(uint64_t deadline)
{
	struct cpu *cpu = this_cpu();
	uint64_t now;

	if (cpu->timer_deadline == deadline)
		return;
	now = rdtsc();
	start_apic_timer(deadline > now ? deadline - now : 0);
	cpu->timer_deadline = deadline;
}

void halt_unless(const volatile uint64_t *words); /* boot/halt.S */

void clock_halt_until(uint64_t deadline, const volatile uint64_t *unless)
{
	uint64_t now = rdtsc();

	if (deadline <= now)
		return;
	assert(clock_can_wake());
	if (idle_timer == CLOCK_TIMER_APIC)
		start_apic_timer(deadline - now);
	else
		start_pit(deadline - now);
	halt_unless(unless);
	if (idle_timer == CLOCK_TIMER_APIC) {
		apic_timer_start(0);
		this_cpu()->timer_deadline = 0;
	} else {
		pic_enable_timer(false);
	}
}
