#include "vmm/device/com1.h"

#include "vmm/interrupts.h"
#include "vmm/vm.h"

/* Its interrupt may be another now. `sent`: a byte has left, and the transmitter is empty again. */
static void changed(struct vm *vm, bool sent)
{
	pc_update_com1(&vm->pc, sent);
	interrupts_changed_at_length(vcpu_here(vm));
}

static void receive(struct vm *vm)
{
	while (guest_input_any(&vm->input) && uart_has_room(&vm->pc.com1))
		uart_receive(&vm->pc.com1, guest_input_read(&vm->input));
}

/* Apart, so that com1_read() needs no frame. */
static __attribute__((noinline)) uint32_t receive_and_read(struct vm *vm, uint16_t port)
{
	uint32_t value;

	receive(vm);
	value = uart_read(&vm->pc.com1, port - COM1_PORT);
	changed(vm, false);
	return value;
}

uint32_t com1_read(struct vm *vm, uint16_t port)
{
	if (__builtin_expect(guest_input_any(&vm->input) || vm->pc.com1.ier, 0))
		return receive_and_read(vm, port);
	return uart_read(&vm->pc.com1, port - COM1_PORT);
}

/* Apart, so that com1_write() has no registers to save. */
static __attribute__((noinline)) void write_data(struct vm *vm, uint32_t value)
{
	if (uart_write(&vm->pc.com1, UART_DATA, value))
		guest_console_write(&vm->console, vm->config.name, value);
	if (vm->pc.com1.ier)
		changed(vm, true);
}

static __attribute__((noinline)) void write_control(struct vm *vm, unsigned int offset,
						    uint32_t value)
{
	uart_write(&vm->pc.com1, offset, value);
	if (vm->pc.com1.ier || offset == UART_INTERRUPT_ENABLE)
		changed(vm, false);
}

void com1_write(struct vm *vm, uint16_t port, uint32_t value)
{
	unsigned int offset = port - COM1_PORT;

	if (offset == UART_DATA)
		write_data(vm, value);
	else if (offset == UART_SCRATCH)
		uart_write(&vm->pc.com1, offset, value);
	else
		write_control(vm, offset, value);
}
