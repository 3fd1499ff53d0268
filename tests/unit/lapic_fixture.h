/*
 * A local APIC for its unit tests, with a TSC of 2.5 GHz: 100 for a tick of the timer's input
 * clock. Registers by their offsets in the page.
 */
#pragma once

#include "tests/unit/unit.h"

#include "vmm/chip/lapic_registers.h"
#include "vmm/chip/lapic_send.h"

enum {
	ID = 0x20,
	VERSION = 0x30,
	TPR = 0x80,
	APR = 0x90,
	PPR = 0xa0,
	EOI = 0xb0,
	REMOTE_READ = 0xc0,
	LDR = 0xd0,
	DFR = 0xe0,
	SVR = 0xf0,
	ISR = 0x100,
	TMR = 0x180,
	IRR = 0x200,
	ESR = 0x280,
	CMCI = 0x2f0,
	ICR = 0x300,
	ICR_HIGH = 0x310,
	LVT_TIMER = 0x320,
	LVT_THERMAL = 0x330,
	LVT_PERFORMANCE = 0x340,
	LVT_LINT0 = 0x350,
	LVT_LINT1 = 0x360,
	LVT_ERROR = 0x370,
	INITIAL_COUNT = 0x380,
	CURRENT_COUNT = 0x390,
	DIVIDE = 0x3e0,
	SELF_IPI = 0x3f0,
};

#define LVTS                                                                                       \
	{                                                                                          \
		CMCI, LVT_TIMER, LVT_THERMAL, LVT_PERFORMANCE, LVT_LINT0, LVT_LINT1, LVT_ERROR     \
	}

#define MASKED	    0x10000
#define TSC_KHZ	    2500000
#define TICK	    100
#define MICROSECOND 2500

#define NMI_MODE    0x400
#define INIT_MODE   0x500
#define EXTINT_MODE 0x700

#define TO_SELF		0x40000
#define TO_ALL		0x80000
#define TO_ALL_BUT_SELF 0xc0000

static struct lapic lapic;
static struct rate rate;
static uint64_t now;

static inline uint32_t in(uint32_t offset)
{
	return lapic_read(&lapic, &rate, offset, now);
}

static inline void out(uint32_t offset, uint32_t value)
{
	lapic_write(&lapic, &rate, offset, value, now);
}

static inline int rdmsr(uint32_t offset, uint64_t *value)
{
	return lapic_read_msr(&lapic, &rate, LAPIC_FIRST_MSR + offset / 16, value, now);
}

static inline int wrmsr(uint32_t offset, uint64_t value)
{
	return lapic_write_msr(&lapic, &rate, LAPIC_FIRST_MSR + offset / 16, value, now);
}

static inline uint64_t msr(uint32_t offset)
{
	uint64_t value;

	assert_int_equal(rdmsr(offset, &value), 0);
	return value;
}

static inline int write_base(uint64_t value)
{
	return lapic_write_base(&lapic, value, 39, true);
}

static inline void enter_x2apic(void)
{
	assert_int_equal(write_base(lapic.base | LAPIC_BASE_X2APIC), 0);
}

static inline bool bit_of(uint32_t registers, uint8_t vector)
{
	return in(registers + vector / 32 * 16) >> vector % 32 & 1;
}

static inline void arrive(uint8_t vector, bool level_triggered)
{
	struct apic_message message = {
		.vector = vector, .delivery = APIC_FIXED, .level_triggered = level_triggered};

	lapic_accept(&lapic, &message);
}

static inline void self_ipi(uint8_t vector)
{
	out(ICR, TO_SELF | vector);
}

/* Software-enabled, with ID 3, after some time. */
static inline int start(void **state)
{
	(void)state;
	memset(&lapic, 0xff, sizeof(lapic));
	rate = rate_of(LAPIC_HZ, TSC_KHZ);
	now = 1000000 * TICK + 1; /* a tick has just begun */
	lapic_reset(&lapic, 3, false);
	out(SVR, 0x1ff);
	return 0;
}

#define TIMER_VECTOR 0x41
#define ONE_SHOT     0x00041
#define PERIODIC     0x20041
#define DEADLINE     0x40041

static inline void poll_at(uint64_t tsc)
{
	now = tsc;
	lapic_poll(&lapic, &rate, now);
}

static inline void pass(uint64_t tsc)
{
	poll_at(now + tsc);
}

/* How many interrupts come until then, each served at once. */
static inline unsigned int interrupts_until(uint64_t end)
{
	unsigned int interrupts = 0;

	while (lapic_deadline(&lapic) <= end) {
		assert_true(lapic_deadline(&lapic) > now);
		poll_at(lapic_deadline(&lapic) - 1);
		assert_int_equal(lapic_take(&lapic), -1);
		pass(1);
		assert_int_equal(lapic_take(&lapic), TIMER_VECTOR);
		out(EOI, 0);
		interrupts++;
	}
	poll_at(end);
	assert_int_equal(lapic_take(&lapic), -1);
	return interrupts;
}

/* IA32_TSC_DEADLINE */
static inline void write_deadline(uint64_t value)
{
	lapic_write_tsc_deadline(&lapic, &rate, value, now);
}

#define lapic_test(name) cmocka_unit_test_setup(name, start)
