/*
 * IN, OUT, INS, OUTS. SDM Vol. 3C table 27-5. A REP is done one element an exit, so that interrupts
 * and the end of the time slice come between elements as they do on a CPU.
 */
#include "lib/x86.h"
#include "vmm/exit.h"
#include "vmm/guest_paging.h"
#include "vmm/pcpu.h"
#include "vmm/vm.h"
#include "vmx/vmcs.h"

#define IO_SIZE(q)   (((q)&7) + 1)
#define IO_IN	     BIT(3)
#define IO_STRING    BIT(4)
#define IO_REP	     BIT(5)
#define IO_PORT(q)   ((q) >> 16 & 0xffff)
#define RFLAGS_DF    BIT(10)
#define EXIT_PORT    0xf4
#define REGISTER_RCX 1
#define REGISTER_RSI 6
#define REGISTER_RDI 7

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
	if (is_uart(port)) {
		if (uart_write(&vm->uart, port, value))
			guest_console_write(&vm->console, vm->config.name, value);
		return true;
	}
	if (port == EXIT_PORT)
		vm_end(vm, value, "exit-port");
	return port == EXIT_PORT;
}

/* A wide access touches the ports that follow, as on the ISA bus. */
static uint32_t read_ports(struct vm *vm, uint16_t port, unsigned int size)
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

static void write_ports(struct vm *vm, uint16_t port, unsigned int size, uint32_t value)
{
	bool handled = false;

	/* the exit port takes an access of any width as one */
	if (port == EXIT_PORT)
		size = 1;
	for (unsigned int i = 0; i < size; i++)
		handled |= port_write(vm, port + i, value >> 8 * i);
	vm->unhandled_io += !handled;
}

/* A counter or index register changes in the width of the instruction's addresses. */
static void advance(struct vcpu *vcpu, unsigned int number, uint64_t mask, int64_t by)
{
	uint64_t old = vcpu_get_register(vcpu, number);
	uint64_t value = (old + by) & mask;

	/* 32-bit results clear the upper half, 16-bit ones leave the rest alone */
	vcpu_set_register(vcpu, number, mask == 0xffff ? (old & ~mask) | value : value);
}

static void string_io(struct vcpu *vcpu, uint64_t qualification)
{
	static const uint64_t address_mask[] = {0xffff, 0xffffffff, ~0ull};
	uint64_t mask = address_mask[(vmcs_read(VMCS_EXIT_INSTRUCTION_INFO) >> 7 & 7) % 3];
	unsigned int size = IO_SIZE(qualification);
	uint16_t port = IO_PORT(qualification);
	bool in = qualification & IO_IN, rep = qualification & IO_REP;
	int64_t step = vmcs_read(VMCS_GUEST_RFLAGS) & RFLAGS_DF ? -(int64_t)size : (int64_t)size;
	uint64_t linear = vmcs_read(VMCS_GUEST_LINEAR_ADDRESS);
	uint32_t value = 0;

	if (rep && !(vcpu->registers.rcx & mask)) {
		vcpu_skip_instruction(vcpu);
		return;
	}
	if (guest_check_access(vcpu, linear, size, in))
		return;
	if (in)
		value = read_ports(vcpu->vm, port, size);
	if (guest_access(vcpu, linear, &value, size, in))
		return;
	if (!in)
		write_ports(vcpu->vm, port, size, value);
	advance(vcpu, in ? REGISTER_RDI : REGISTER_RSI, mask, step);
	if (rep)
		advance(vcpu, REGISTER_RCX, mask, -1);
	if (!rep || !(vcpu->registers.rcx & mask))
		vcpu_skip_instruction(vcpu);
}

void exit_io(struct pcpu *pcpu, struct vcpu *vcpu)
{
	uint64_t qualification = vmcs_read(VMCS_EXIT_QUALIFICATION);
	struct guest_registers *regs = &vcpu->registers;
	unsigned int size = IO_SIZE(qualification);
	uint64_t mask = BIT(8 * size) - 1;

	(void)pcpu;
	if (qualification & IO_STRING) {
		string_io(vcpu, qualification);
		return;
	}
	if (qualification & IO_IN) {
		uint64_t value = read_ports(vcpu->vm, IO_PORT(qualification), size);

		regs->rax = size == 4 ? value : (regs->rax & ~mask) | value;
	} else {
		write_ports(vcpu->vm, IO_PORT(qualification), size, regs->rax & mask);
	}
	vcpu_skip_instruction(vcpu);
}
