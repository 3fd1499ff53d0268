#include "vmm/device/reset.h"

#include "lib/x86.h"
#include "vmm/vm.h"

#define RESET_CONTROL_RESET BIT(2)

void exit_port_write(struct vm *vm, uint16_t port, uint32_t value)
{
	(void)port;
	vm_end(vm, value, "exit-port");
}

void reset_control_write(struct vm *vm, uint16_t port, uint32_t value)
{
	(void)port;
	if (value & RESET_CONTROL_RESET)
		vm_reset(vm);
}
