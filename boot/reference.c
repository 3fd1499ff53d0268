#include "boot/reference.h"

#include <stddef.h>

#include "boot/acpi.h"
#include "boot/paging.h"
#include "boot/pit.h"
#include "lib/x86.h"

#define HPET_SIZE	   0x400
#define HPET_PERIOD	   0x004 /* femtoseconds: the upper half of the capabilities */
#define HPET_CONFIGURATION 0x010
#define HPET_ENABLE	   0x1
#define HPET_COUNTER	   0x0f0
#define HPET_PERIOD_MAX	   100000000
#define FEMTOSECONDS	   1000000000000000ull

#define PM_TIMER_HZ 3579545

static struct acpi_register pm_timer; /* written at boot, as is what follows */
static volatile uint8_t *hpet;
static uint32_t configuration_before;

void reference_init(const struct acpi *acpi)
{
	pm_timer = acpi->pm_timer;
	if (pm_timer.space == ACPI_SPACE_MEMORY && pm_timer.address &&
	    !paging_map_device(pm_timer.address, sizeof(uint32_t)))
		pm_timer.address = 0;
	hpet = acpi->hpet ? paging_map_device(acpi->hpet, HPET_SIZE) : NULL;
}

static bool pit_start(uint64_t *hz)
{
	pit_count_start();
	*hz = PIT_HZ;
	return true;
}

static volatile uint32_t *hpet_register(uint32_t offset)
{
	return (volatile uint32_t *)(hpet + offset);
}

static bool hpet_start(uint64_t *hz)
{
	uint32_t period;

	if (!hpet)
		return false;
	period = *hpet_register(HPET_PERIOD);
	if (!period || period > HPET_PERIOD_MAX)
		return false;
	configuration_before = *hpet_register(HPET_CONFIGURATION);
	*hpet_register(HPET_CONFIGURATION) = configuration_before | HPET_ENABLE;
	*hz = FEMTOSECONDS / period;
	return true;
}

static void hpet_stop(void)
{
	*hpet_register(HPET_CONFIGURATION) = configuration_before;
}

static uint32_t hpet_read(void)
{
	return *hpet_register(HPET_COUNTER);
}

static bool pm_start(uint64_t *hz)
{
	*hz = PM_TIMER_HZ;
	return pm_timer.address != 0;
}

static void pm_stop(void)
{
}

static uint32_t pm_read(void)
{
	return pm_timer.space == ACPI_SPACE_IO ? inl(pm_timer.address)
					       : *(volatile uint32_t *)pm_timer.address;
}

const struct reference reference_pit = {pit_start, pit_count_stop, {pit_count, 0xffff, true}};
const struct reference reference_hpet = {hpet_start, hpet_stop, {hpet_read, 0xffffffff, false}};
const struct reference reference_pm = {pm_start, pm_stop, {pm_read, 0xffffff, false}};
