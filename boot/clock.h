/*
 * Time: the TSC's frequency, and halting this CPU until an interrupt or a deadline.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct acpi;

/*
 * Measures the TSC against the first clock that counts, or the one that `clock`, an enum
 * option_clock of boot/options.h, names; where there is none, takes what CPUID says. Then measures
 * the APIC timer against the TSC. First CPU, interrupts off, after apic_init(), pic_init() and
 * paging_init().
 */
void clock_init(unsigned int clock, const struct acpi *acpi);

/*
 * Which timer wakes an idle CPU: an enum option_timer of boot/options.h. Each is tried first, and
 * one that does not interrupt is not taken. After clock_init(); interrupts are on for a moment.
 */
void clock_select(unsigned int timer);

/* "apic", "pit", or "none". */
const char *clock_timer_name(void);

/* False: no timer interrupts, and no CPU may halt until a deadline. */
bool clock_can_wake(void);

/* What the TSC was measured against: "pit", "hpet", "pm"; or else "cpuid" or "none". */
const char *clock_source_name(void);

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
 * Halts until the TSC has reached `deadline`, or a little less, or any interrupt or NMI came. False
 * if the deadline was past already.
 */
bool clock_halt_until(uint64_t deadline);
