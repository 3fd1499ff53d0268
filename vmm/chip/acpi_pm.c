#include "vmm/chip/acpi_pm.h"

/* PM1 status and enable */
#define TIMER	     (1 << 0)
#define GLOBAL	     (1 << 5)
#define POWER_BUTTON (1 << 8)
#define SLEEP_BUTTON (1 << 9)
#define RTC_ALARM    (1 << 10)
#define EVENTS	     (TIMER | GLOBAL | POWER_BUTTON | SLEEP_BUTTON | RTC_ALARM)

/* PM1 control */
#define SCI_EN	      (1 << 0)
#define BM_RLD	      (1 << 1)
#define SLP_TYP_SHIFT 10
#define SLP_TYP	      (7 << SLP_TYP_SHIFT)
#define SLP_EN	      (1 << 13) /* reads 0, as GBL_RLS does */

#define CARRY 31 /* the bit of the timer whose changes are events */

void acpi_pm_reset(struct acpi_pm *acpi_pm, uint64_t now)
{
	*acpi_pm = (struct acpi_pm){.origin = now, .deadline = UINT64_MAX, .control = SCI_EN};
}

static uint64_t timer(const struct acpi_pm *acpi_pm, const struct rate *rate, uint64_t now)
{
	uint64_t timer = now > acpi_pm->origin ? rate_ticks(rate, now - acpi_pm->origin) : 0;

	return timer > acpi_pm->seen ? timer : acpi_pm->seen;
}

static void settle(struct acpi_pm *acpi_pm, uint64_t now)
{
	if (acpi_pm->seen >> CARRY != now >> CARRY)
		acpi_pm->status |= TIMER;
	acpi_pm->seen = now;
}

bool acpi_pm_interrupts(const struct acpi_pm *acpi_pm)
{
	return acpi_pm->status & acpi_pm->enable;
}

static void set_deadline(struct acpi_pm *acpi_pm, const struct rate *rate)
{
	uint64_t carry = ((acpi_pm->seen >> CARRY) + 1) << CARRY;
	uint64_t tsc = RATE_NEVER;

	if ((acpi_pm->enable & TIMER) && !acpi_pm_interrupts(acpi_pm))
		tsc = rate_tsc(rate, carry);
	acpi_pm->deadline = tsc < UINT64_MAX - acpi_pm->origin ? acpi_pm->origin + tsc : UINT64_MAX;
}

bool acpi_pm_poll(struct acpi_pm *acpi_pm, const struct rate *rate, uint64_t now)
{
	settle(acpi_pm, timer(acpi_pm, rate, now));
	set_deadline(acpi_pm, rate);
	return acpi_pm_interrupts(acpi_pm);
}

void acpi_pm_press_power_button(struct acpi_pm *acpi_pm)
{
	acpi_pm->status |= POWER_BUTTON;
}

static uint8_t read_byte(const struct acpi_pm *acpi_pm, unsigned int offset)
{
	unsigned int shift = offset % 2 * 8;

	switch (offset / 2) {
	case 0:
		return acpi_pm->status >> shift;
	case 1:
		return acpi_pm->enable >> shift;
	case 2:
		return acpi_pm->control >> shift;
	case 3:
		return 0;
	case 4:
	case 5:
		return acpi_pm->seen >> (offset - 8) * 8;
	default:
		return 0xff;
	}
}

/* Apart, so that a read of the timer has no registers to save. */
static __attribute__((noinline)) uint32_t read_bytes(struct acpi_pm *acpi_pm,
						     const struct rate *rate, uint16_t port,
						     unsigned int size, uint64_t now)
{
	uint32_t value = 0;

	settle(acpi_pm, timer(acpi_pm, rate, now));
	for (unsigned int i = 0; i < size; i++)
		value |= (uint32_t)read_byte(acpi_pm, port - ACPI_PM_PORT + i) << 8 * i;
	return value;
}

uint32_t acpi_pm_read(struct acpi_pm *acpi_pm, const struct rate *rate, uint16_t port,
		      unsigned int size, uint64_t now)
{
	if (port == ACPI_PM_TIMER_PORT && size == 4)
		return timer(acpi_pm, rate, now);
	return read_bytes(acpi_pm, rate, port, size, now);
}

/* A byte of a register that keeps these bits. */
static void put_byte(uint16_t *to, unsigned int offset, uint8_t value, uint16_t kept)
{
	unsigned int shift = offset % 2 * 8;

	*to = (*to & ~(0xff << shift)) | (value << shift & kept);
}

static void write_byte(struct acpi_pm *acpi_pm, unsigned int offset, uint8_t value)
{
	switch (offset / 2) {
	case 0:
		acpi_pm->status &= ~(value << offset % 2 * 8);
		break;
	case 1:
		put_byte(&acpi_pm->enable, offset, value, EVENTS);
		break;
	case 2:
		put_byte(&acpi_pm->control, offset, value, BM_RLD | SLP_TYP | SLP_EN);
		acpi_pm->control |= SCI_EN;
		break;
	}
}

bool acpi_pm_write(struct acpi_pm *acpi_pm, const struct rate *rate, uint16_t port,
		   unsigned int size, uint32_t value, uint64_t now)
{
	bool sleep;

	settle(acpi_pm, timer(acpi_pm, rate, now));
	for (unsigned int i = 0; i < size; i++)
		write_byte(acpi_pm, port - ACPI_PM_PORT + i, value >> 8 * i);
	sleep = acpi_pm->control & SLP_EN;
	acpi_pm->control &= ~SLP_EN;
	set_deadline(acpi_pm, rate);
	return sleep && (acpi_pm->control & SLP_TYP) >> SLP_TYP_SHIFT == ACPI_PM_SLP_TYP_S5;
}
