/*
 * IN and OUT, and what is at the ports. SDM Vol. 3C table 27-5. INS and OUTS: exit_string_io.c.
 */
#include "lib/x86.h"
#include "vmm/exit.h"
#include "vmm/io.h"
#include "vmm/instruction.h"
#include "vmm/vm.h"
#include "vmx/breakpoints.h"
#include "vmx/vmcs.h"

#define EXIT_PORT 0xf4

/* The two ways in which kernels reset a PC (82371AB PIIX4 reset control; 8042 pulse of line 0). */
#define RESET_CONTROL_PORT   0xcf9
#define RESET_CONTROL_RESET  BIT(2)
#define KEYBOARD_PORT	     0x64
#define KEYBOARD_PULSE_RESET 0xfe

static bool is_uart(uint16_t port)
{
	return port >= UART_BASE && port < UART_BASE + UART_PORTS;
}

/* One byte of an access, false if there is nothing at the port. */
static bool port_read(struct vm *vm, uint16_t port, uint8_t *value)
{
	*value = 0xff;
	if (!is_uart(port))
		return false;
	*value = uart_read(&vm->uart, port);
	return true;
}

static bool port_write(struct vm *vm, uint16_t port, uint8_t value)
{
	if (!is_uart(port))
		return false;
	if (uart_write(&vm->uart, port, value))
		guest_console_write(&vm->console, vm->config.name, value);
	return true;
}

/*
 * Ports that are decoded by the access and not byte by byte: a dword at CF8h is the address of
 * PCI's configuration mechanism and no reset. True if the access was one of these.
 */
static bool control_write(struct vm *vm, uint16_t port, unsigned int size, uint32_t value)
{
	if (port == EXIT_PORT) { /* of any width */
		vm_end(vm, value, "exit-port");
		return true;
	}
	if (size != 1 || (port != RESET_CONTROL_PORT && port != KEYBOARD_PORT))
		return false;
	if (port == RESET_CONTROL_PORT ? value & RESET_CONTROL_RESET
				       : value == KEYBOARD_PULSE_RESET)
		vm_reset(vm);
	else if (port == KEYBOARD_PORT)
		vm->unhandled_io++;
	return true;
}

/* A wide access touches the ports that follow, as on the ISA bus. */
uint32_t io_read_ports(struct vm *vm, uint16_t port, unsigned int size)
{
	uint32_t value = 0;
	bool handled = false;

	for (unsigned int i = 0; i < size; i++) {
		uint8_t byte;

		handled |= port_read(vm, port + i, &byte);
		value |= (uint32_t)byte << 8 * i;
	}
	vm->unhandled_io += !handled;
	return value;
}

void io_write_ports(struct vm *vm, uint16_t port, unsigned int size, uint32_t value)
{
	bool handled = false;

	if (control_write(vm, port, size, value))
		return;
	for (unsigned int i = 0; i < size; i++)
		handled |= port_write(vm, port + i, value >> 8 * i);
	vm->unhandled_io += !handled;
}

void exit_io(struct vcpu *vcpu)
{
	uint64_t qualification = vmcs_read(VMCS_EXIT_QUALIFICATION);
	struct guest_registers *regs = &vcpu->guest.registers;
	unsigned int size = IO_SIZE(qualification);
	uint64_t mask = BIT(8 * size) - 1, traps;

	if (qualification & IO_STRING) {
		exit_string_io(vcpu, qualification);
		return;
	}
	if (qualification & IO_IN) {
		uint64_t value = io_read_ports(vcpu->vm, IO_PORT(qualification), size);

		regs->rax = size == 4 ? value : (regs->rax & ~mask) | value;
	} else {
		io_write_ports(vcpu->vm, IO_PORT(qualification), size, regs->rax & mask);
	}
	traps = breakpoints_on_ports(IO_PORT(qualification), size);
	if (traps)
		event_pend_debug_trap(&vcpu->events, traps);
	vcpu_skip_instruction_fast(vcpu);
}
