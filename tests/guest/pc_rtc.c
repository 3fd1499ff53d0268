/* The real-time clock and its memory. MC146818A data sheet. */
#include "pc.h"

#define A_UIP 0x80
#define B_SET 0x80
#define B_PIE 0x40
#define B_AIE 0x20
#define B_UIE 0x10
#define B_24  0x02

#define IRQ_RTC 8

static uint8_t rtc_read(uint8_t index)
{
	outb(0x70, index);
	return inb(0x71);
}

static void rtc_write(uint8_t index, uint8_t value)
{
	outb(0x70, index);
	outb(0x71, value);
}

static unsigned decimal(uint8_t bcd)
{
	return (bcd >> 4) * 10u + (bcd & 0xf);
}

/* False: UIP is set for longer than an update takes. */
static bool wait_for_no_update(void)
{
	uint64_t start = rdtsc(), limit = 20 * tsc_per_ms();

	while (rtc_read(0xa) & A_UIP)
		if (rdtsc() - start > limit)
			return false;
	return true;
}

static void time_is_sane(void)
{
	unsigned second, minute, hour, day, month, year;

	begin();
	if (!expect(wait_for_no_update(), "UIP is stuck"))
		return;
	second = decimal(rtc_read(0));
	minute = decimal(rtc_read(2));
	hour = decimal(rtc_read(4));
	day = decimal(rtc_read(7));
	month = decimal(rtc_read(8));
	year = decimal(rtc_read(9)) + 100 * decimal(rtc_read(0x32));
	expect(rtc_read(0xb) & B_24, "register B 0x%x", rtc_read(0xb));
	expect(rtc_read(0xd) == 0x80, "register D 0x%x", rtc_read(0xd));
	expect(second < 60 && minute < 60 && hour < 24, "%u:%u:%u", hour, minute, second);
	expect(day >= 1 && day <= 31 && month >= 1 && month <= 12, "%u. %u.", day, month);
	expect(year >= 1990 && year < 2100, "the year %u", year);
}

static uint8_t c_inside;

static void read_c(unsigned vector)
{
	(void)vector;
	c_inside = rtc_read(0xc);
}

static void stop(void)
{
	rtc_write(0xb, rtc_read(0xb) & ~(B_PIE | B_AIE | B_UIE));
	rtc_read(0xc);
}

static void start_periodic(void)
{
	stop();
	rtc_write(0xa, 0x26); /* 1024 a second */
	rtc_write(0xb, rtc_read(0xb) | B_PIE);
}

static void periodic(void)
{
	uint64_t start;

	begin();
	wire_lint0();
	in_handler = read_c;
	start_periodic();
	pic_unmask(IRQ_RTC);
	start = rdtsc();
	await_in_hlt(VECTOR_8259 + IRQ_RTC, 10);
	expect(rdtsc() - start > 4 * tsc_per_ms(), "10 in less than 4 ms");
	expect((c_inside & 0xc0) == 0xc0, "register C 0x%x", c_inside);
	stop();
	expect_none(VECTOR_8259 + IRQ_RTC, "stopped");
}

static void periodic_by_ioapic(void)
{
	begin();
	in_handler = read_c;
	start_periodic();
	ioapic_route(IRQ_RTC, VECTOR_B);
	rtc_read(0xc);
	await_in_hlt(VECTOR_B, 5);
	stop();
	ioapic_route(IRQ_RTC, REDIRECT_MASKED);
}

/* The line stays up until register C is read: there is no further edge. */
static void held_until_read(void)
{
	begin();
	stop();
	ioapic_route(IRQ_RTC, VECTOR_B);
	start_periodic();
	await(VECTOR_B, 1);
	expect_none(VECTOR_B, "register C not read");
	rtc_read(0xc);
	await(VECTOR_B, 2);
	stop();
	ioapic_route(IRQ_RTC, REDIRECT_MASKED);
}

static void update_ended(void)
{
	uint8_t before, after;

	begin();
	wire_lint0();
	in_handler = read_c;
	wait_for_no_update();
	rtc_write(0xb, rtc_read(0xb) | B_UIE);
	rtc_read(0xc);
	pic_unmask(IRQ_RTC);
	await_in_hlt(VECTOR_8259 + IRQ_RTC, 1);
	expect((c_inside & 0x90) == 0x90, "register C 0x%x", c_inside);
	before = rtc_read(0);
	await_in_hlt(VECTOR_8259 + IRQ_RTC, 2);
	after = rtc_read(0);
	expect((decimal(before) + 1) % 60 == decimal(after), "seconds 0x%x, then 0x%x", before,
	       after);
	stop();
}

static void memory(void)
{
	uint8_t before = rtc_read(0x40);

	rtc_write(0x40, 0xa5);
	expect(rtc_read(0x40) == 0xa5, "0x%x", rtc_read(0x40));
	rtc_write(0x40, 0x5a);
	expect(rtc_read(0x40) == 0x5a, "0x%x", rtc_read(0x40));
	rtc_write(0x40, before);
}

const struct check pc_rtc_checks[] = {
	{"rtc-time-is-sane", time_is_sane, 0},
	{"rtc-periodic", periodic, 0},
	{"rtc-periodic-by-ioapic", periodic_by_ioapic, 0},
	{"rtc-held-until-read", held_until_read, 0},
	{"rtc-update-ended", update_ended, 0},
	{"rtc-memory", memory, 0},
};
const size_t pc_rtc_check_count = ARRAY_SIZE(pc_rtc_checks);
