#include "boot/power.h"

#include <stdbool.h>

#include "boot/paging.h"
#include "lib/x86.h"

#define SCI_EN BIT(0)
#define SLP_EN BIT(13)

static struct acpi tables; /* written at boot */

static uint16_t read_control(const struct acpi_register *control)
{
	return control->space == ACPI_SPACE_IO ? inw(control->address)
					       : *(volatile uint16_t *)control->address;
}

static void write_control(const struct acpi_register *control, uint16_t value)
{
	if (control->space == ACPI_SPACE_IO)
		outw(control->address, value);
	else
		*(volatile uint16_t *)control->address = value;
}

static bool reachable(const struct acpi_register *control)
{
	return control->space == ACPI_SPACE_IO || !control->address ||
	       paging_map_device(control->address, sizeof(uint16_t));
}

void power_init(const struct acpi *acpi)
{
	tables = *acpi;
	if (!reachable(&tables.pm1a_control) || !reachable(&tables.pm1b_control))
		tables.can_sleep = false;
}

void power_off(void)
{
	const struct acpi_register *a = &tables.pm1a_control, *b = &tables.pm1b_control;

	if (!tables.can_sleep)
		return;
	if (!(read_control(a) & SCI_EN) && tables.smi_command && tables.acpi_enable) {
		outb(tables.smi_command, tables.acpi_enable);
		for (int i = 0; i < 1000000 && !(read_control(a) & SCI_EN); i++)
			cpu_relax();
	}
	write_control(a, tables.sleep_type_a << 10 | SLP_EN);
	if (b->address)
		write_control(b, tables.sleep_type_b << 10 | SLP_EN);
	for (int i = 0; i < 1000000; i++)
		cpu_relax();
}
