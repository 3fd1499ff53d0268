/*
 * Runs code in several 2-MiB regions of its memory, one instruction across the boundary of two, and
 * keeps data in others. code=N regions (default 3, at most 4).
 */
#include "support/guest.h"

const char guest_name[] = "regions";

#define MIB   (1ul << 20)
#define FIRST (8 * MIB) /* of the regions with code, every other one */
#define CROSS (24 * MIB)
#define DATA  (26 * MIB)

/* mov $value, %eax; ret */
static void place(uintptr_t at, uint32_t value)
{
	volatile uint8_t *code = (volatile uint8_t *)at;

	code[0] = 0xb8;
	for (unsigned i = 0; i < 4; i++)
		code[1 + i] = (uint8_t)(value >> 8 * i);
	code[5] = 0xc3;
}

static uint32_t call(uintptr_t at)
{
	return ((uint32_t(*)(void))at)();
}

static void expect_value(const char *what, uintptr_t at, uint32_t value)
{
	uint32_t found;

	place(at, value);
	found = call(at);
	if (found == value)
		return;
	report_fail(what, "code at 0x%lx gave 0x%x, not 0x%x", (unsigned long)at, found, value);
}

int guest_main(void)
{
	unsigned regions = (unsigned)option_number("code", 3);
	volatile uint32_t *data = (volatile uint32_t *)DATA;

	for (unsigned i = 0; i < regions; i++) {
		uintptr_t start = FIRST + i * 4 * MIB;

		/* the pages of a region are all executable once one is, and writable as before */
		expect_value("region", start + 0x1234, 0x1000 + i);
		expect_value("region", start + 2 * MIB - 16, 0x2000 + i);
		expect_value("region", start + 0x1234, 0x3000 + i);
	}
	expect_value("crossing", CROSS - 2, 0x12345678);
	data[0] = 0x5a5a5a5a;
	data[1] = ~data[0];
	if (data[0] != 0x5a5a5a5a || data[1] != 0xa5a5a5a5)
		report_fail("data", "0x%x 0x%x", data[0], data[1]);
	if (!report_failures())
		report_pass("regions");
	return report_end();
}
