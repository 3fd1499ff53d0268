#include "vmm/device/com1.h"

#include "vmm/vm.h"

/* Apart, so that com1_read() needs no frame. */
static __attribute__((noinline)) uint32_t receive_and_read(struct vm *vm, uint16_t port)
{
	while (guest_input_any(&vm->input) && uart_has_room(&vm->uart))
		uart_receive(&vm->uart, guest_input_read(&vm->input));
	return uart_read(&vm->uart, port - COM1_PORT);
}

uint32_t com1_read(struct vm *vm, uint16_t port)
{
	if (__builtin_expect(guest_input_any(&vm->input), 0))
		return receive_and_read(vm, port);
	return uart_read(&vm->uart, port - COM1_PORT);
}

/* Apart, so that com1_write() has no registers to save. */
static __attribute__((noinline)) void write_data(struct vm *vm, uint32_t value)
{
	if (uart_write(&vm->uart, UART_DATA, value))
		guest_console_write(&vm->console, vm->config.name, value);
}

void com1_write(struct vm *vm, uint16_t port, uint32_t value)
{
	unsigned int offset = port - COM1_PORT;

	if (offset == UART_DATA)
		write_data(vm, value);
	else
		uart_write(&vm->uart, offset, value);
}
