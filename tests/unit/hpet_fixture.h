/*
 * Accesses to the high precision event timers and the passing of time, for the tests of them. The
 * names are those of the registers in the IA-PC HPET Specification.
 */
#pragma once

#include "tests/unit/unit.h"

#include "vmm/chip/hpet.h"

#define CAPABILITIES  0x000
#define CONFIGURATION 0x010
#define STATUS	      0x020
#define COUNTER	      0x0f0
#define TIMER(n)      (0x100 + 0x20 * (n))
#define COMPARATOR(n) (0x108 + 0x20 * (n))
#define FSB(n)	      (0x110 + 0x20 * (n))

#define ENABLE 0x01
#define LEGACY 0x02

#define LEVEL	 0x0002
#define INT	 0x0004
#define PERIODIC 0x0008
#define VAL_SET	 0x0040
#define MODE32	 0x0100
#define ROUTE(n) ((n) << 9)

#define START 5000000000ull

static struct hpet hpet;
static struct rate rate;
static uint64_t now;

/* A TSC of 10 MHz: a tick of it is one of the main counter. */
static inline int start(void **state)
{
	(void)state;
	memset(&hpet, 0xff, sizeof(hpet));
	rate = rate_of(HPET_HZ, 10000);
	now = START;
	hpet_block_reset(&hpet, now);
	return 0;
}

static inline uint64_t in(unsigned int offset)
{
	return hpet_block_read(&hpet, &rate, offset, 8, now);
}

static inline void out(unsigned int offset, uint64_t value)
{
	hpet_block_write(&hpet, &rate, offset, 8, value, now);
}

static inline void out32(unsigned int offset, uint32_t value)
{
	hpet_block_write(&hpet, &rate, offset, 4, value, now);
}

static inline void pass(uint64_t ticks)
{
	now += ticks;
	hpet_block_poll(&hpet, &rate, now);
}

/* All edges that are waiting, a bit a pin. */
static inline uint32_t take_edges(void)
{
	uint32_t edges = 0;
	unsigned int pin;

	while (hpet_block_next_edge(&hpet, &pin)) {
		assert_false(edges & 1u << pin);
		edges |= 1u << pin;
	}
	return edges;
}

#define hpet_test(name) cmocka_unit_test_setup(name, start)
