/*
 * Time: the TSC's frequency, and halting this CPU until an interrupt or a deadline.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct acpi;

/* What the TSC's frequency is measured against. */
enum clock_source {
	CLOCK_SOURCE_AUTO, /* the first of those below that counts */
	CLOCK_SOURCE_PIT,
	CLOCK_SOURCE_HPET,
	CLOCK_SOURCE_PM,
	CLOCK_SOURCE_CPUID, /* not measured: what CPUID says */
	CLOCK_SOURCE_NONE,  /* nothing is known: assumed */
};

/* What wakes a CPU that idles. */
enum clock_timer {
	CLOCK_TIMER_AUTO, /* the local APIC's timer, or the 8254 where there is none */
	CLOCK_TIMER_APIC,
	CLOCK_TIMER_PIT,
	CLOCK_TIMER_NONE, /* neither interrupts */
};

/* `clock=` and `timer=`, on the command line and in the @boot record. */
static inline const char *clock_source_name(enum clock_source source)
{
	static const char *const name[] = {"auto", "pit", "hpet", "pm", "cpuid", "none"};

	return name[source];
}

static inline const char *clock_timer_name(enum clock_timer timer)
{
	static const char *const name[] = {"auto", "apic", "pit", "none"};

	return name[timer];
}

/*
 * Measures the TSC against the clock that is wanted, or else the first that counts; where there is
 * none, takes what CPUID says. Then measures the APIC timer against the TSC. First CPU, interrupts
 * off, after apic_init(), pic_init() and paging_init().
 */
void clock_init(enum clock_source wanted, const struct acpi *acpi);

/*
 * Chooses what wakes an idle CPU. Each timer is tried first, and one that does not interrupt is
 * not taken. After clock_init(); interrupts are on for a moment.
 */
void clock_select(enum clock_timer wanted);

/* What was chosen: never AUTO. */
enum clock_timer clock_timer(void);
enum clock_source clock_source(void);

/* False: no timer interrupts, and no CPU may halt until a deadline. */
bool clock_can_wake(void);

/* Whether clock_interrupt_at() can be used. After clock_init(), whatever clock_select() chose. */
bool clock_has_apic_timer(void);

/*
 * Has the local APIC's timer interrupt this CPU (VECTOR_APIC_TIMER) when the TSC reaches `deadline`
 * or a little later, or long before if that is far off. Nothing is written if it is set for that
 * already. Lasts until the interrupt, clock_halt_until() or another deadline.
 */
void clock_interrupt_at(uint64_t deadline);

uint64_t clock_tsc_khz(void);
uint64_t clock_us_to_tsc(uint64_t microseconds);

/*
 * Halts until the TSC has reached `deadline`, or a little less, or any interrupt or NMI came; not
 * at all if that is past already, or one of two words is not 0: whoever writes one sends an NMI
 * after that, and none is slept through.
 */
void clock_halt_until(uint64_t deadline, const volatile uint64_t *unless);
