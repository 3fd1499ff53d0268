#include "vmm/device/pit.h"

#include "lib/x86.h"
#include "vmm/interrupts.h"
#include "vmm/vm.h"

void pit_catch_up(struct vm *vm)
{
	struct pc *pc = &vm->pc;
	uint64_t deadline = i8254_deadline(&pc->pit), now;

	if (deadline >= pc->deadline) /* somebody is woken for it, or it is not running */
		return;
	now = rdtsc();
	if (now >= deadline)
		pc_poll(pc, now);
}

uint32_t pit_read(struct vm *vm, uint16_t port)
{
	return i8254_read(&vm->pc.pit, &pc_rates.i8254, port, rdtsc());
}

void pit_write(struct vm *vm, uint16_t port, uint32_t value)
{
	i8254_write(&vm->pc.pit, &pc_rates.i8254, port, value, rdtsc());
	pc_update(&vm->pc);
	interrupts_changed_at_length(vcpu_here(vm));
}
