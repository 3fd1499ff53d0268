/* The high precision event timers, their interrupts by the I/O APIC. IA-PC HPET 1.0a. */
#include "pc.h"

#define CAPABILITIES	       0x00
#define CONFIGURATION	       0x10
#define STATUS		       0x20
#define COUNTER		       0xf0
#define TIMER_CONFIGURATION(n) (0x100 + 0x20 * (n))
#define TIMER_COMPARATOR(n)    (0x108 + 0x20 * (n))

#define ENABLED		 0x1
#define TIMER_LEVEL	 0x2
#define TIMER_ENABLED	 0x4
#define TIMER_PERIODIC	 0x8
#define TIMER_SET	 0x40
#define TIMER_ROUTE(pin) ((uint32_t)(pin) << 9)

static uint32_t hpet_read(unsigned offset)
{
	return read32(HPET + offset);
}

static void hpet_write(unsigned offset, uint32_t value)
{
	write32(HPET + offset, value);
}

/* Ticks of a millisecond. The register is the period in femtoseconds. */
static uint32_t hpet_per_ms(void)
{
	return (uint32_t)(1000000000000ull / hpet_read(CAPABILITIES + 4));
}

/* Stopped, with the counter at 0, and what is compared far from it. */
static void begin_hpet(void)
{
	begin();
	hpet_write(CONFIGURATION, 0);
	for (unsigned n = 0; n <= (hpet_read(CAPABILITIES) >> 8 & 0x1f); n++) {
		hpet_write(TIMER_CONFIGURATION(n), 0);
		hpet_write(TIMER_COMPARATOR(n), 0xffffffff);
		hpet_write(TIMER_COMPARATOR(n) + 4, 0);
	}
	hpet_write(STATUS, 0xffffffff);
	hpet_write(COUNTER, 0);
	hpet_write(COUNTER + 4, 0);
}

/* The last pin that timer 0 can have. */
static unsigned pin(void)
{
	uint32_t pins = hpet_read(TIMER_CONFIGURATION(0) + 4);
	unsigned last = 23;

	while (last && !(pins >> last & 1))
		last--;
	return last;
}

static void capabilities(void)
{
	uint32_t period = hpet_read(CAPABILITIES + 4), low = hpet_read(CAPABILITIES);

	expect(period > 1000000 && period <= 100000000, "a period of %u fs", period);
	expect((low >> 8 & 0x1f) >= 2, "%u timers", (low >> 8 & 0x1f) + 1);
	expect(low & 0xff, "no revision: 0x%x", low);
	expect(low >> 16 == 0x8086, "vendor 0x%x", low >> 16);
}

static void counter(void)
{
	uint32_t first, second;

	begin_hpet();
	wait_ms(2);
	expect(hpet_read(COUNTER) == 0, "it runs before it is enabled");
	hpet_write(CONFIGURATION, ENABLED);
	first = hpet_read(COUNTER);
	wait_ms(10);
	second = hpet_read(COUNTER);
	hpet_write(CONFIGURATION, 0);
	expect(second - first > 8 * hpet_per_ms(), "%u ticks in 10 ms", second - first);
	if (!option("busy"))
		expect(second - first < 15 * hpet_per_ms(), "%u ticks in 10 ms", second - first);
	first = hpet_read(COUNTER);
	wait_ms(2);
	expect(hpet_read(COUNTER) == first, "it runs after it is stopped");
}

#ifdef __x86_64__
static void wide(void)
{
	volatile uint64_t *counter = (volatile uint64_t *)(uintptr_t)(HPET + COUNTER);

	begin_hpet();
	*counter = 0x1234567800000001;
	expect(*counter == 0x1234567800000001, "0x%lx", *counter);
	expect(hpet_read(COUNTER + 4) == 0x12345678, "the upper half: 0x%x",
	       hpet_read(COUNTER + 4));
}
#endif

static void edge(void)
{
	begin_hpet();
	ioapic_route(pin(), VECTOR_B);
	hpet_write(TIMER_CONFIGURATION(0), TIMER_ENABLED | TIMER_ROUTE(pin()));
	hpet_write(TIMER_COMPARATOR(0), 2 * hpet_per_ms());
	hpet_write(CONFIGURATION, ENABLED);
	await_in_hlt(VECTOR_B, 1);
	expect(hpet_read(COUNTER) >= 2 * hpet_per_ms(), "it came at %u", hpet_read(COUNTER));
	expect_none(VECTOR_B, "a second one");
	begin_hpet();
}

static void periodic(void)
{
	begin_hpet();
	if (!(hpet_read(TIMER_CONFIGURATION(0)) & 0x10)) {
		fail("timer 0 cannot be periodic");
		return;
	}
	ioapic_route(pin(), VECTOR_B);
	hpet_write(TIMER_CONFIGURATION(0),
		   TIMER_ENABLED | TIMER_PERIODIC | TIMER_SET | TIMER_ROUTE(pin()));
	hpet_write(TIMER_COMPARATOR(0), hpet_per_ms());
	hpet_write(TIMER_COMPARATOR(0), hpet_per_ms());
	hpet_write(CONFIGURATION, ENABLED);
	await_in_hlt(VECTOR_B, 10);
	expect(hpet_read(COUNTER) > 5 * hpet_per_ms(), "10 in %u ticks", hpet_read(COUNTER));
	begin_hpet();
}

static struct {
	uint32_t entry;
	bool tmr;
} inside;

static void look_inside(unsigned vector)
{
	inside.entry = ioapic_read(IOAPIC_PIN(pin()));
	inside.tmr = apic_bit(APIC_TMR, vector);
	if (arrived[vector] == 2)
		hpet_write(STATUS, 1);
}

/* Remote IRR from the delivery to the EOI; asserted still, the line asks again then. */
static void level(void)
{
	begin_hpet();
	if (has_defect(DEFECT_REMOTE_IRR))
		return;
	in_handler = look_inside;
	ioapic_route(pin(), REDIRECT_LEVEL | VECTOR_B);
	hpet_write(TIMER_CONFIGURATION(0), TIMER_ENABLED | TIMER_LEVEL | TIMER_ROUTE(pin()));
	hpet_write(TIMER_COMPARATOR(0), hpet_per_ms());
	hpet_write(CONFIGURATION, ENABLED);
	await(VECTOR_B, 2);
	expect(inside.entry & REDIRECT_REMOTE, "no remote IRR in the handler: 0x%x", inside.entry);
	expect(inside.tmr, "not in TMR");
	expect(!(ioapic_read(IOAPIC_PIN(pin())) & REDIRECT_REMOTE), "remote IRR after EOI");
	expect(!(hpet_read(STATUS) & 1), "status 0x%x", hpet_read(STATUS));
	expect_none(VECTOR_B, "cleared");
	expect(arrived[VECTOR_B] == 2, "%u interrupts", arrived[VECTOR_B]);
	begin_hpet();
}

/* In legacy replacement timer 0 is at pin 2, and the 8254 at none. */
static void legacy(void)
{
	begin_hpet();
	pit_start(0, 2, 1200);
	hpet_write(CONFIGURATION, ENABLED | 2);
	ioapic_route(2, VECTOR_A);
	expect_none(VECTOR_A, "of the 8254");
	hpet_write(TIMER_CONFIGURATION(0), TIMER_ENABLED);
	hpet_write(TIMER_COMPARATOR(0), hpet_read(COUNTER) + 2 * hpet_per_ms());
	await(VECTOR_A, 1);
	hpet_write(CONFIGURATION, 0);
	await(VECTOR_A, 3); /* the 8254 again */
	begin_hpet();
}

const struct check pc_hpet_checks[] = {
	{"hpet-capabilities", capabilities, 0},
	{"hpet-counter", counter, 0},
#ifdef __x86_64__
	{"hpet-wide", wide, 0},
#endif
	{"hpet-edge", edge, 0},
	{"hpet-periodic", periodic, 0},
	{"hpet-level", level, 0},
	{"hpet-legacy", legacy, 0},
};
const size_t pc_hpet_check_count = ARRAY_SIZE(pc_hpet_checks);
