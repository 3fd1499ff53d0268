#include "boot/power.h"

#include <stdbool.h>
#include <stddef.h>

#include "boot/machine.h"
#include "boot/paging.h"
#include "boot/stop.h"
#include "lib/console.h"
#include "lib/x86.h"

#define PORT_QEMU_EXIT	    0xf4 /* isa-debug-exit, as tools/run places it */
#define PORT_BOCHS_SHUTDOWN 0x8900
#define PORT_BOCHS_CONTROL  0x8a00
#define PORT_KEYBOARD	    0x64
#define PORT_RESET	    0xcf9

#define SCI_EN BIT(0)
#define SLP_EN BIT(13)

/* Written at boot. */
static struct acpi tables;
static enum power_panic panic_action = POWER_PANIC_AUTO;
static void (*at_good_end)(void);

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

void power_set_panic(enum power_panic action)
{
	panic_action = action;
}

/* Enters S5. Returns if there is no ACPI, or it had no effect. */
static void sleep_s5(void)
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

static _Noreturn void halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* The first way leaves Bochs with exit status 0, if its debugger runs; the second always, with 1.
 */
static void bochs_exit(uint8_t status)
{
	static const char text[] = "Shutdown";

	if (!status) {
		outw(PORT_BOCHS_CONTROL, 0x8a00);
		outw(PORT_BOCHS_CONTROL, 0x8ae0);
	}
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		outb(PORT_BOCHS_SHUTDOWN, text[i]);
}

static _Noreturn void leave(uint8_t status)
{
	console_flush();
	if (machine_kind() == MACHINE_BOCHS)
		bochs_exit(status);
	if (machine_kind() == MACHINE_TCG || machine_kind() == MACHINE_KVM)
		outb(PORT_QEMU_EXIT, status);
	sleep_s5();
	print("The machine cannot be switched off from here (no ACPI S5): it is halted, and may be "
	      "switched off.\n");
	console_flush();
	halt();
}

static _Noreturn void reboot(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) no_idt = {0, 0};

	console_flush();
	vmxoff_if_on();
	outb(PORT_RESET, 0x02);
	outb(PORT_RESET, 0x06);
	outb(PORT_KEYBOARD, 0xfe);
	__asm__ volatile("lidt %0; int3" : : "m"(no_idt));
	halt();
}

void power_at_good_end(void (*hook)(void))
{
	at_good_end = hook;
}

static void say_end(uint8_t status)
{
	stop_other_cpus();
	record("end status=%u", status);
	if (!status && at_good_end)
		at_good_end();
}

/* Switched off, a PC would take the message on its screen along. */
static enum power_panic chosen_action(void)
{
	if (panic_action != POWER_PANIC_AUTO)
		return panic_action;
	return machine_kind() == MACHINE_PC ? POWER_PANIC_HALT : POWER_PANIC_EXIT;
}

void power_end_shown(uint8_t status)
{
	say_end(status);
	switch (chosen_action()) {
	case POWER_PANIC_REBOOT:
		print("panic=reboot: the machine starts again.\n");
		reboot();
	case POWER_PANIC_HALT:
		print("panic=halt: the machine is halted.\n");
		console_flush();
		halt();
	default:
		leave(status);
	}
}

void power_end(uint8_t status)
{
	/* without COM1 all that was said is on the screen */
	if (machine_kind() == MACHINE_PC && panic_action == POWER_PANIC_AUTO && !console_can_read())
		power_end_shown(status);
	say_end(status);
	leave(status);
}

void power_panic(void)
{
	power_end_shown(1);
}
