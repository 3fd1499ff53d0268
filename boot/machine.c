#include <stddef.h>

#include "boot/machine.h"
#include "boot/options.h"
#include "boot/power.h"
#include "lib/console.h"
#include "lib/string.h"
#include "lib/x86.h"

#define PORT_E9		    0xe9
#define PORT_QEMU_EXIT	    0xf4 /* isa-debug-exit, as tools/run places it */
#define PORT_BOCHS_SHUTDOWN 0x8900
#define PORT_BOCHS_CONTROL  0x8a00
#define PORT_KEYBOARD	    0x64
#define PORT_RESET	    0xcf9

static enum machine_kind kind;
static enum option_panic panic_action = OPTION_PANIC_AUTO;

/* The signature of hypervisor leaf 40000000h, or "" on bare hardware. */
static void hypervisor_signature(char signature[13])
{
	struct cpuid_regs r = cpuid(0x40000000);

	memset(signature, 0, 13);
	if (!(cpuid(1).ecx & BIT(31)))
		return;
	memcpy(signature, &r.ebx, 4);
	memcpy(signature + 4, &r.ecx, 4);
	memcpy(signature + 8, &r.edx, 4);
}

void machine_init(void)
{
	char signature[13];

	hypervisor_signature(signature);
	if (!strcmp(signature, "TCGTCGTCGTCG"))
		kind = MACHINE_TCG;
	else if (!strcmp(signature, "KVMKVMKVM"))
		kind = MACHINE_KVM;
	else if (inb(PORT_E9) == PORT_E9) /* Bochs with port_e9_hack reads back the port number */
		kind = MACHINE_BOCHS;
}

void machine_set_panic(unsigned int action)
{
	panic_action = action;
}

const char *machine_name(void)
{
	static const char *const name[] = {"pc", "bochs", "tcg", "kvm"};

	return name[kind];
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

static _Noreturn void machine_exit(uint8_t status)
{
	console_flush();
	if (kind == MACHINE_BOCHS)
		bochs_exit(status);
	if (kind == MACHINE_TCG || kind == MACHINE_KVM)
		outb(PORT_QEMU_EXIT, status);
	power_off();
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
	outb(PORT_RESET, 0x02);
	outb(PORT_RESET, 0x06);
	outb(PORT_KEYBOARD, 0xfe);
	__asm__ volatile("lidt %0; int3" : : "m"(no_idt));
	halt();
}

void machine_end(uint8_t status)
{
	record("end status=%u", status);
	machine_exit(status);
}

/* Switched off, a PC would take the message on its screen along. */
static enum option_panic chosen_action(void)
{
	if (panic_action != OPTION_PANIC_AUTO)
		return panic_action;
	return kind == MACHINE_PC ? OPTION_PANIC_HALT : OPTION_PANIC_EXIT;
}

void machine_panic(void)
{
	record("end status=1");
	switch (chosen_action()) {
	case OPTION_PANIC_REBOOT:
		print("panic=reboot: the machine starts again.\n");
		reboot();
	case OPTION_PANIC_HALT:
		print("panic=halt: the machine is halted.\n");
		console_flush();
		halt();
	default:
		machine_exit(1);
	}
}
