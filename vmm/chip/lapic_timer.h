/*
 * The timer of a local APIC: one-shot, periodic and TSC-deadline. SDM Vol. 3A 10.5.4. It only
 * counts; what comes of an expiry is for the owner of its local vector table (lapic.c).
 *
 * The input clock, before the divider, makes lapic_hz() ticks a second: about those of present
 * parts' crystal, but never more than half of the TSC's. `rate` is rate_of(lapic_hz(), ...), `now`
 * the host's TSC.
 *
 * Every function but lapic_timer_poll() wants what has expired polled first.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/min.h"
#include "lib/rate.h"

#define LAPIC_HZ 25000000

/*
 * An emulator's TSC can be slower than any crystal. Software that measures both divides the TSC's
 * frequency by this one, and expects at least 1 of it, whatever interrupts cost.
 */
static inline uint64_t lapic_hz(uint64_t tsc_khz)
{
	return min_u64(LAPIC_HZ, tsc_khz * 1000 / 2);
}

/* In bits 18:17 of the LVT timer register. Both set is reserved, and like TSC-deadline here. */
enum lapic_timer_mode {
	LAPIC_ONE_SHOT = 0,
	LAPIC_PERIODIC = 1,
	LAPIC_TSC_DEADLINE = 2,
};

struct lapic_timer {
	uint64_t deadline;     /* TSC of the host; RATE_NEVER: it is not armed */
	uint64_t expiry;       /* the input clock when the count reaches 0 */
	uint64_t tsc_deadline; /* of the guest; 0: not armed */
	uint64_t tsc_offset;   /* from the host's TSC to the guest's, modulo 2^64 */
	uint32_t initial;      /* the register */
	uint8_t divide;	       /* the register */
	uint8_t shift;	       /* by which it divides */
	uint8_t mode;	       /* bits 18:17 of the LVT timer register */
};

/* Stops it. The TSC offset stays. */
void lapic_timer_reset(struct lapic_timer *timer);

/* True: it has expired since the last call, once or more. */
bool lapic_timer_poll(struct lapic_timer *timer, const struct rate *rate, uint64_t now);

void lapic_timer_set_mode(struct lapic_timer *timer, const struct rate *rate, uint8_t mode,
			  uint64_t now);
void lapic_timer_set_initial(struct lapic_timer *timer, const struct rate *rate, uint32_t value,
			     uint64_t now);
void lapic_timer_set_divide(struct lapic_timer *timer, const struct rate *rate, uint8_t value,
			    uint64_t now);
/* The current-count register. */
uint32_t lapic_timer_count(const struct lapic_timer *timer, const struct rate *rate, uint64_t now);

/* IA32_TSC_DEADLINE. A deadline in the past expires now. */
void lapic_timer_set_tsc_deadline(struct lapic_timer *timer, uint64_t value, uint64_t now);
void lapic_timer_set_tsc_offset(struct lapic_timer *timer, uint64_t offset, uint64_t now);
