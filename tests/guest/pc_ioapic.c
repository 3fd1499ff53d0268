/* The I/O APIC, with the 8254's counter 0 at its pin 2. 82093AA data sheet. */
#include "pc.h"

#define TICKS	  1200 /* a millisecond */
#define PIN_TIMER 2

static void registers(void)
{
	uint32_t version;

	begin();
	version = ioapic_read(1);
	expect((version & 0xff) >= 0x11 && (version & 0xff) <= 0x20, "version 0x%x", version);
	expect((version >> 16 & 0xff) == 23, "%u pins", (version >> 16 & 0xff) + 1);
	ioapic_write(IOAPIC_PIN(5), REDIRECT_MASKED | REDIRECT_LEVEL | VECTOR_A);
	ioapic_write(IOAPIC_PIN(5) + 1, 0x0f000000);
	expect(ioapic_read(IOAPIC_PIN(5)) == (REDIRECT_MASKED | REDIRECT_LEVEL | VECTOR_A),
	       "low half 0x%x", ioapic_read(IOAPIC_PIN(5)));
	expect(ioapic_read(IOAPIC_PIN(5) + 1) == 0x0f000000, "high half 0x%x",
	       ioapic_read(IOAPIC_PIN(5) + 1));
}

static void timer(void)
{
	begin();
	pit_start(0, 2, TICKS);
	ioapic_route(PIN_TIMER, VECTOR_A);
	await_in_hlt(VECTOR_A, 10);
	ioapic_route(PIN_TIMER, REDIRECT_MASKED | VECTOR_A);
	sti();
	asm volatile("nop; nop");
	cli();
	expect_none(VECTOR_A, "masked");
	expect(!apic_bit(APIC_TMR, VECTOR_A), "it is in TMR");
	ioapic_route(PIN_TIMER, VECTOR_B);
	await_in_hlt(VECTOR_B, 3);
	ioapic_route(PIN_TIMER, REDIRECT_MASKED);
}

/* One whose pin is masked is lost. */
static void edge_while_masked(void)
{
	begin();
	pit_start(0, 0, TICKS);
	wait_ms(3);
	ioapic_route(PIN_TIMER, VECTOR_A);
	expect_none(VECTOR_A, "unmasked");
	ioapic_route(PIN_TIMER, REDIRECT_MASKED);
}

static void logical_destination(void)
{
	begin();
	pit_start(0, 2, TICKS);
	ioapic_route(PIN_TIMER, REDIRECT_LOGICAL | REDIRECT_LOWEST | VECTOR_A);
	await_in_hlt(VECTOR_A, 3);
	ioapic_route(PIN_TIMER, REDIRECT_MASKED);
	begin();
	ioapic_write(IOAPIC_PIN(PIN_TIMER) + 1, 0x02000000);
	ioapic_write(IOAPIC_PIN(PIN_TIMER), REDIRECT_LOGICAL | VECTOR_B);
	expect_none(VECTOR_B, "for another CPU");
	ioapic_route(PIN_TIMER, REDIRECT_MASKED);
}

const struct check pc_ioapic_checks[] = {
	{"ioapic-registers", registers, 0},
	{"ioapic-timer", timer, 0},
	{"ioapic-edge-while-masked", edge_while_masked, 0},
	{"ioapic-logical-destination", logical_destination, 0},
};
const size_t pc_ioapic_check_count = ARRAY_SIZE(pc_ioapic_checks);
