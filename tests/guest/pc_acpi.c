/* ACPI's fixed hardware, where the FADT says that it is. ACPI 4.0, 4.8.3. */
#include "pc.h"
#include "pc_tables.h"

#define PM_HZ	   3579545
#define SLP_TYP_S5 (5u << 10)
#define SLP_EN	   (1u << 13)

/* The port that the FADT has at this offset. */
static uint16_t fadt_port(unsigned offset)
{
	const uint8_t *table = find_table("FACP");

	return table ? (uint16_t)(table[offset] | table[offset + 1] << 8) : 0;
}

#define PM1A_CONTROL 64
#define PM_TIMER     76

/* By the 8254, widely: others run between the two clocks' readings. */
static void timer(void)
{
	uint16_t port = fadt_port(PM_TIMER);
	uint32_t before, ticks;

	if (!expect(port, "there is no timer"))
		return;
	tsc_per_ms();
	before = inl(port);
	wait_ms(20);
	ticks = (inl(port) - before) & 0xffffff;
	expect(ticks > PM_HZ / 50 / 10 * 8, "%u ticks in 20 ms", ticks);
	if (!option("busy"))
		expect(ticks < PM_HZ / 50 / 10 * 15, "%u ticks in 20 ms", ticks);
}

static void timer_is_monotonic(void)
{
	uint16_t port = fadt_port(PM_TIMER);
	uint32_t last = inl(port);

	for (unsigned i = 0; i < 1000; i++) {
		uint32_t now = inl(port);

		if (!expect(((now - last) & 0xffffff) < 0x800000, "0x%x after 0x%x", now, last))
			return;
		last = now;
	}
}

static void is_in_acpi_mode(void)
{
	expect(inw(fadt_port(PM1A_CONTROL)) & 1, "PM1a control 0x%x", inw(fadt_port(PM1A_CONTROL)));
}

void switch_off(void)
{
	outw(fadt_port(PM1A_CONTROL), SLP_TYP_S5 | SLP_EN);
	print("FAIL power-off: it is still on\n");
	guest_exit(1);
}

const struct check pc_acpi_checks[] = {
	{"acpi-timer", timer, 0},
	{"acpi-timer-is-monotonic", timer_is_monotonic, 0},
	{"acpi-is-in-acpi-mode", is_in_acpi_mode, NEEDS_HYPERCALL},
};
const size_t pc_acpi_check_count = ARRAY_SIZE(pc_acpi_checks);
