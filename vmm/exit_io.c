#include "vmm/exit_io.h"

#include "lib/x86.h"
#include "vmm/bus.h"
#include "vmm/exit_string_io.h"
#include "vmm/instruction.h"
#include "vmm/io.h"
#include "vmx/breakpoints.h"
#include "vmx/vmcs.h"

/* A word leaves the rest of RAX, a doubleword clears its upper half (SDM Vol. 1 3.4.1.1). */
static __attribute__((noinline)) void read_wide(struct vcpu *vcpu, uint64_t qualification)
{
	struct guest_registers *regs = &vcpu->guest.registers;
	unsigned int size = IO_SIZE(qualification);
	uint64_t value = bus_read(vcpu->vm, IO_PORT(qualification), size);

	regs->rax = size == 4 ? value : (regs->rax & ~0xffffull) | value;
}

static __attribute__((noinline)) void meet_breakpoints(struct vcpu *vcpu, uint64_t qualification)
{
	uint64_t traps = breakpoints_on_ports(IO_PORT(qualification), IO_SIZE(qualification));

	if (traps)
		event_pend_debug_trap(&vcpu->events, traps);
}

void exit_io(struct vcpu *vcpu)
{
	uint64_t qualification = vmcs_read(VMCS_EXIT_QUALIFICATION);
	struct guest_registers *regs = &vcpu->guest.registers;
	unsigned int size = IO_SIZE(qualification);
	uint16_t port = IO_PORT(qualification);

	if (qualification & IO_STRING) {
		exit_string_io(vcpu, qualification);
		return;
	}
	if (!(qualification & IO_IN)) {
		bus_write(vcpu->vm, port, size, regs->rax & (BIT(8 * size) - 1));
	} else if (size == 1) {
		uint64_t value = bus_read(vcpu->vm, port, 1);

		regs->rax = (regs->rax & ~0xffull) | value;
	} else {
		read_wide(vcpu, qualification);
	}
	if (vcpu->uses_de)
		meet_breakpoints(vcpu, qualification);
	vcpu_skip_instruction_fast(vcpu);
}
