#include "vmm/com1.h"

#include "vmm/vm.h"

uint32_t com1_read(struct vm *vm, uint16_t port)
{
	return uart_read(&vm->uart, port - COM1_PORT);
}

void com1_write(struct vm *vm, uint16_t port, uint32_t value)
{
	if (uart_write(&vm->uart, port - COM1_PORT, value))
		guest_console_write(&vm->console, vm->config.name, value);
}
