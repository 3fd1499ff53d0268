#include "boot/apic.h"
#include "boot/clock.h"
#include "boot/cpu.h"
#include "boot/options.h"
#include "boot/pic.h"
#include "lib/console.h"
#include "lib/x86.h"

#define MEASURE_TICKS  (PIT_HZ / 100) /* 10 ms */
#define APIC_COUNT_MAX 0xffffffffu

/* Written at boot by the first CPU. */
static uint64_t tsc_khz, apic_khz; /* apic_khz: after the divisor; 0 = no APIC timer */
static bool pit_present;
static bool idle_apic; /* the APIC timer wakes an idle CPU */

/* What pit_measure() brackets. */
static uint64_t tsc_start, tsc_end;
static uint32_t apic_end;

static void measure_started(void)
{
	if (apic_present())
		apic_timer_start(APIC_COUNT_MAX);
	tsc_start = rdtsc();
}

static void measure_ended(void)
{
	tsc_end = rdtsc();
	if (apic_present()) {
		apic_end = apic_timer_count();
		apic_timer_start(0);
	}
}

/* SDM Vol. 2A, CPUID leaves 15h (TSC / crystal ratio) and 16h (base frequency in MHz). */
static uint64_t tsc_khz_from_cpuid(uint64_t *crystal_khz)
{
	if (cpuid_max_leaf() >= 0x15) {
		struct cpuid_regs r = cpuid(0x15);

		if (r.eax && r.ebx && r.ecx) {
			*crystal_khz = r.ecx / 1000;
			return (uint64_t)r.ecx * r.ebx / r.eax / 1000;
		}
	}
	if (cpuid_max_leaf() >= 0x16)
		return (uint64_t)(cpuid(0x16).eax & 0xffff) * 1000;
	return 0;
}

void clock_init(void)
{
	uint64_t crystal_khz = 0;

	pit_present = pit_measure(MEASURE_TICKS, measure_started, measure_ended);
	if (pit_present) {
		tsc_khz = (tsc_end - tsc_start) * PIT_HZ / MEASURE_TICKS / 1000;
		if (apic_present())
			apic_khz = (uint64_t)(APIC_COUNT_MAX - apic_end) * PIT_HZ / MEASURE_TICKS /
				   1000;
		if (tsc_khz)
			return;
	}
	tsc_khz = tsc_khz_from_cpuid(&crystal_khz);
	if (apic_present())
		apic_khz = crystal_khz / 16;
	if (tsc_khz) {
		log_warning("no 8254 timer to measure the TSC with: CPUID says %llu kHz",
			    (unsigned long long)tsc_khz);
		return;
	}
	tsc_khz = 1000000;
	log_warning("the TSC's frequency cannot be found out: 1 GHz is assumed, and time slices "
		    "and timers are off by what that is wrong");
}

void clock_select(unsigned int timer)
{
	idle_apic = apic_khz && timer != OPTION_TIMER_PIT;
	if (timer == OPTION_TIMER_APIC)
		pit_present = false;
	if (!idle_apic && !pit_present)
		log_warning("no timer can wake an idle CPU: it spins instead");
}

const char *clock_timer_name(void)
{
	return idle_apic ? "apic" : pit_present ? "pit" : "none";
}

uint64_t clock_tsc_khz(void)
{
	return tsc_khz;
}

uint64_t clock_us_to_tsc(uint64_t microseconds)
{
	return microseconds / 1000 * tsc_khz + microseconds % 1000 * tsc_khz / 1000;
}

/* The APIC timer's count for so many TSC ticks: rounded up, as what ends early begins again. */
static uint32_t apic_count(uint64_t tsc)
{
	uint64_t count = tsc / tsc_khz * apic_khz + tsc % tsc_khz * apic_khz / tsc_khz;

	return count < APIC_COUNT_MAX ? count + 1 : APIC_COUNT_MAX;
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
	apic_timer_start(apic_count(deadline > now ? deadline - now : 0));
	cpu->timer_deadline = deadline;
}

/* STI takes effect after HLT has begun: an interrupt cannot come between them. */
static void halt_once(void)
{
	__asm__ volatile("sti; hlt; cli" : : : "memory");
}

bool clock_halt_until(uint64_t deadline)
{
	uint64_t now = rdtsc(), khz = tsc_khz, ticks;

	if (deadline <= now)
		return false;
	if (idle_apic) {
		apic_timer_start(apic_count(deadline - now));
		halt_once();
		apic_timer_start(0);
		this_cpu()->timer_deadline = 0;
	} else if (pit_present) {
		/* the counter has 16 bits, 55 ms: a longer wait takes several */
		ticks = (deadline - now < khz * 60 ? deadline - now : khz * 60) * PIT_HZ /
			(khz * 1000);
		pic_enable_timer(true);
		pit_start_oneshot(ticks < 0xffff ? ticks + 1 : 0xffff);
		halt_once();
		pic_enable_timer(false);
	} else {
		/* no timer can wake this CPU */
		while (rdtsc() < deadline)
			cpu_relax();
	}
	return true;
}
