#include "vmm/device/pic.h"

#include "vmm/device/pit.h"
#include "vmm/interrupts.h"
#include "vmm/vm.h"

uint32_t pic_read(struct vm *vm, uint16_t port)
{
	uint32_t value;

	pit_catch_up(vm);
	value = i8259_read(&vm->pc.pic, port);
	interrupts_changed_at_length(vcpu_here(vm)); /* a poll command acknowledges by a read */
	return value;
}

void pic_write(struct vm *vm, uint16_t port, uint32_t value)
{
	pit_catch_up(vm);
	i8259_write(&vm->pc.pic, port, value);
	pc_update_deadline(&vm->pc);
	interrupts_changed_at_length(vcpu_here(vm));
}
