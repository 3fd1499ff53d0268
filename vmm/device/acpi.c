#include "vmm/device/acpi.h"

#include "lib/x86.h"
#include "vmm/interrupts.h"
#include "vmm/vm.h"

static void changed(struct vm *vm)
{
	pc_update(&vm->pc);
	interrupts_changed_at_length(vcpu_here(vm));
}

/* Apart, so that a read of the timer has no registers to save. */
static __attribute__((noinline)) uint32_t read_and_look(struct vm *vm, uint16_t port,
							unsigned int size)
{
	struct acpi_pm *acpi = &vm->pc.acpi_pm;
	bool interrupts = acpi_pm_interrupts(acpi);
	uint32_t value = acpi_pm_read(acpi, &pc_rates.acpi_pm, port, size, rdtsc());

	if (acpi_pm_interrupts(acpi) != interrupts)
		changed(vm);
	return value;
}

uint32_t acpi_read_wide(struct vm *vm, uint16_t port, unsigned int size)
{
	/* the timer alone, as a whole, changes nothing */
	if (port == ACPI_PM_TIMER_PORT && size == 4)
		return acpi_pm_read(&vm->pc.acpi_pm, &pc_rates.acpi_pm, port, size, rdtsc());
	return read_and_look(vm, port, size);
}

uint32_t acpi_read(struct vm *vm, uint16_t port)
{
	return acpi_read_wide(vm, port, 1);
}

void acpi_write(struct vm *vm, uint16_t port, uint32_t value)
{
	if (acpi_pm_write(&vm->pc.acpi_pm, &pc_rates.acpi_pm, port, 1, value, rdtsc()))
		vm_end(vm, 0, "power-off");
	changed(vm);
}
