/*
 * The high precision event timers: one block with a main counter of 64 bits and three timers, each
 * of which can be periodic (IA-PC HPET Specification 1.0a, 2.3). Registers by their offsets in the
 * page; an access is 4 or 8 bytes, aligned. What is no register reads as 0.
 *
 * An interrupt leaves by a pin of the I/O APIC: by any of 16 to 23 that the guest chooses (2.3.8),
 * and in legacy replacement timer 0 by pin 2, which is IRQ 0, and timer 1 by pin 8, which is IRQ 8:
 * both also of the 8259s, and then neither the 8254 nor the RTC has them (2.3.5). No message
 * signaled interrupts: the FSB bits are 0.
 *
 * A timer compares for equality: one that is set to a count that has passed waits until the counter
 * has gone round, and one that is set to the very count of now matches now. What is written to the
 * comparator of a periodic timer is its period, and with Tn_VAL_SET_CNF also when it matches next.
 *
 * `now` is the TSC; `rate` that of HPET_HZ. The caller has the lock. After each write and poll it
 * looks at the lines, and takes the edges.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/rate.h"

#define HPET_BASE_ADDRESS 0xfed00000
#define HPET_HZ		  10000000
#define HPET_BLOCK_ID	  0x8086a201 /* the low half of the first register; also in ACPI's table */
#define HPET_TIMERS	  3
#define HPET_ENABLE_CNF	  0x1 /* in the general configuration register */
#define HPET_LEG_RT_CNF	  0x2
#define HPET_COUNTER	  0xf0 /* the main counter's offset */

struct hpet_timer {
	uint64_t comparator;
	uint64_t period; /* what was last written to the comparator */
	uint64_t match;	 /* how far the main counter goes from `counter` until it is equal */
	uint32_t configuration;
};

struct hpet {
	uint64_t counter; /* at `since` if it runs */
	uint64_t since;
	uint64_t deadline;
	uint64_t next_short; /* no deadline of a short period is before this */
	struct hpet_timer timer[HPET_TIMERS];
	uint32_t edges; /* not taken yet: a bit a pin */
	uint8_t configuration;
	uint8_t status;
};

void hpet_block_reset(struct hpet *hpet, uint64_t now);
uint64_t hpet_block_read(struct hpet *hpet, const struct rate *rate, unsigned int offset,
			 unsigned int size, uint64_t now);
void hpet_block_write(struct hpet *hpet, const struct rate *rate, unsigned int offset,
		      unsigned int size, uint64_t value, uint64_t now);

static inline bool hpet_block_runs(const struct hpet *hpet)
{
	return hpet->configuration & HPET_ENABLE_CNF;
}

/* How far the main counter has gone. CPUs' TSCs may differ a little: never below 0. */
static inline uint64_t hpet_block_ticks(const struct hpet *hpet, const struct rate *rate,
					uint64_t now)
{
	return hpet_block_runs(hpet) && now > hpet->since ? rate_ticks(rate, now - hpet->since) : 0;
}

/* The low half of the main counter, in short: the same as a read of it. */
static inline uint32_t hpet_block_read_counter(const struct hpet *hpet, const struct rate *rate,
					       uint64_t now)
{
	return hpet->counter + hpet_block_ticks(hpet, rate, now);
}

/*
 * When hpet_block_poll() is to be called next; UINT64_MAX: need not be. Of periods below 20
 * microseconds there is one each 20.
 */
static inline uint64_t hpet_block_deadline(const struct hpet *hpet)
{
	return hpet->deadline;
}

/* Interrupts whose time has come. Matches of a timer that were missed become one. */
void hpet_block_poll(struct hpet *hpet, const struct rate *rate, uint64_t now);

/* The pins that level-triggered timers hold asserted, a bit a pin. */
uint32_t hpet_block_lines(const struct hpet *hpet);

/* Takes one edge of an edge-triggered timer; false: there is none. */
bool hpet_block_next_edge(struct hpet *hpet, unsigned int *pin);

/* Legacy replacement: the 8254 and the RTC are cut off from their interrupts. */
static inline bool hpet_block_replaces_legacy(const struct hpet *hpet)
{
	return hpet->configuration & HPET_LEG_RT_CNF;
}
