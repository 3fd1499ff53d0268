#include "vmm/device/keyboard.h"

#include "vmm/interrupts.h"
#include "vmm/vm.h"

static void changed(struct vm *vm)
{
	pc_update_keyboard(&vm->pc);
	interrupts_changed_at_length(vcpu_here(vm));
}

uint32_t keyboard_read(struct vm *vm, uint16_t port)
{
	uint32_t value = i8042_read(&vm->pc.keyboard, port);

	if (port == I8042_DATA_PORT)
		changed(vm);
	return value;
}

void keyboard_write(struct vm *vm, uint16_t port, uint32_t value)
{
	if (i8042_write(&vm->pc.keyboard, port, value))
		vm_reset(vm);
	changed(vm);
}
