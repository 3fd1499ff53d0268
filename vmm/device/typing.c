#include "vmm/device/typing.h"

#include "vmm/interrupts.h"
#include "vmm/vm.h"

static bool is_for_keyboard(const struct vm *vm)
{
	return !uart_listens(&vm->pc.com1) && pc_irq_is_heard(&vm->pc, PC_IRQ_KEYBOARD, true);
}

void typing_receive(struct vm *vm)
{
	struct pc *pc = &vm->pc;
	bool locked = vm_lock_pc(vm);

	if (is_for_keyboard(vm)) {
		while (guest_input_any(&vm->input) && i8042_has_room(&pc->keyboard))
			i8042_type(&pc->keyboard, guest_input_read(&vm->input));
		pc_update_keyboard(pc);
	} else {
		while (guest_input_any(&vm->input) && uart_has_room(&pc->com1))
			uart_receive(&pc->com1, guest_input_read(&vm->input));
		pc_update_com1(pc, false);
	}
	interrupts_changed(vcpu_here(vm));
	vm_unlock_pc(vm, locked);
}
