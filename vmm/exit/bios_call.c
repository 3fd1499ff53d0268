#include "vmm/exit/bios_call.h"

#include "lib/console.h"
#include "vmm/exit/bios_names.h"
#include "vmm/vm.h"

#define OPCODE_INT 0xCD

/* An exception leaves the address of the instruction itself, INT that of the next one. */
static bool was_instruction(const struct vm *vm, const struct bios_event *event)
{
	uint8_t before[2];

	if (event->ip < sizeof(before) ||
	    guest_ram_read(&vm->ram, ((uint64_t)event->cs << 4) + event->ip - sizeof(before),
			   before, sizeof(before)))
		return false;
	return before[0] == OPCODE_INT && before[1] == event->vector;
}

void bios_call(struct vcpu *vcpu, uint8_t vector, uint16_t ax, uint32_t return_address)
{
	struct vm *vm = vcpu->vm;
	struct bios_event event = {
		.vector = vector,
		.ax = ax,
		.cs = return_address >> 16,
		.ip = return_address & 0xFFFF,
	};
	char text[256];
	bool locked;

	event.instruction = was_instruction(vm, &event);
	bios_describe(text, sizeof(text), &event);
	locked = vm_lock_pc(vm);
	guest_console_flush(&vm->console, vm->config.name);
	log_error("%s: ended: %s", vm->config.name, text);
	vm_examine(vm, vcpu->id);
	vm_end(vm, VM_STATUS_FAILED, "bios-call");
	vm_unlock_pc(vm, locked);
}
