/* The 8254 and port 61h; and the time by which all checks wait. */
#include "pc.h"

#define PORT_B	0x61
#define GATE_2	0x01
#define SPEAKER 0x02
#define REFRESH 0x10
#define OUT_2	0x20

void pit_start(unsigned counter, unsigned mode, unsigned count)
{
	outb(0x43, (uint8_t)(counter << 6 | 0x30 | mode << 1));
	outb((uint16_t)(0x40 + counter), (uint8_t)count);
	outb((uint16_t)(0x40 + counter), (uint8_t)(count >> 8));
}

/* From before the count's start until OUT 2 has risen. */
static uint64_t time_by_counter2(unsigned count)
{
	uint64_t start;

	outb(PORT_B, (inb(PORT_B) & ~SPEAKER) | GATE_2);
	start = rdtsc();
	pit_start(2, 0, count);
	while (!(inb(PORT_B) & OUT_2))
		asm volatile("pause");
	return rdtsc() - start;
}

/* The shortest of some: others have run meanwhile in the rest. */
uint64_t tsc_per_ms(void)
{
	static uint64_t shortest;

	if (shortest)
		return shortest;
	shortest = UINT64_MAX;
	for (unsigned i = 0; i < 5; i++) {
		uint64_t ticks = time_by_counter2(PIT_HZ / 20) / 50;

		if (ticks < shortest)
			shortest = ticks;
	}
	return shortest;
}

void wait_ms(unsigned ms)
{
	uint64_t start = rdtsc(), ticks = ms * tsc_per_ms();

	while (rdtsc() - start < ticks)
		asm volatile("pause");
}

static unsigned latched(unsigned counter)
{
	unsigned low;

	outb(0x43, (uint8_t)(counter << 6));
	low = inb((uint16_t)(0x40 + counter));
	return low | (unsigned)inb((uint16_t)(0x40 + counter)) << 8;
}

static void counter2(void)
{
	begin();
	outb(PORT_B, inb(PORT_B) & ~(SPEAKER | GATE_2));
	pit_start(2, 0, 1200);
	wait_ms(3);
	expect(!(inb(PORT_B) & OUT_2), "it counts without its gate");
	outb(PORT_B, inb(PORT_B) | GATE_2);
	expect(inb(PORT_B) & GATE_2, "port 61h 0x%x", inb(PORT_B));
	wait_ms(5);
	expect(inb(PORT_B) & OUT_2, "OUT 2 is low at the end");
	pit_start(2, 0, 60000);
	expect(!(inb(PORT_B) & OUT_2), "OUT 2 is high at the start");
}

static void counts_down(void)
{
	unsigned first, second;

	begin();
	outb(PORT_B, (inb(PORT_B) & ~SPEAKER) | GATE_2);
	pit_start(2, 0, 60000);
	first = latched(2);
	wait_ms(2);
	second = latched(2);
	expect(first <= 60000 && second < first && first - second > 1000, "from %u to %u", first,
	       second);
}

static void read_back(void)
{
	uint8_t status;

	begin();
	outb(PORT_B, (inb(PORT_B) & ~SPEAKER) | GATE_2);
	pit_start(2, 0, 60000);
	latched(2);
	outb(0x43, 0xe8); /* the status of counter 2 */
	status = inb(0x42);
	expect((status & 0x3f) == 0x30, "status 0x%x", status);
	expect(!(status & 0x80), "OUT is high: 0x%x", status);
}

static void refresh(void)
{
	uint64_t start = rdtsc(), limit = 50 * tsc_per_ms();
	unsigned toggles = 0;
	uint8_t last = inb(PORT_B);

	while (toggles < 10 && rdtsc() - start < limit) {
		uint8_t now = inb(PORT_B);

		toggles += !!((now ^ last) & REFRESH);
		last = now;
	}
	expect(toggles == 10, "bit 4 of port 61h toggled %u times", toggles);
}

const struct check pc_8254_checks[] = {
	{"8254-counter-2", counter2, 0},
	{"8254-counts-down", counts_down, 0},
	{"8254-read-back", read_back, 0},
	{"8254-refresh", refresh, 0},
};
const size_t pc_8254_check_count = ARRAY_SIZE(pc_8254_checks);
