/*
 * IN and OUT. SDM Vol. 3C table 27-5. What is at the ports: bus.h. INS and OUTS: exit_string_io.c.
 */
#include "vmm/exit_io.h"

#include "lib/x86.h"
#include "vmm/bus.h"
#include "vmm/exit_string_io.h"
#include "vmm/instruction.h"
#include "vmm/io.h"
#include "vmx/breakpoints.h"
#include "vmx/vmcs.h"

/* A byte or word leaves the rest of RAX, a doubleword clears its upper half (SDM Vol. 1 3.4.1.1).
 */
static void set_accumulator(struct guest_registers *regs, unsigned int size, uint32_t value)
{
	if (size == 1)
		regs->rax = (regs->rax & ~0xffull) | value;
	else if (size == 2)
		regs->rax = (regs->rax & ~0xffffull) | value;
	else
		regs->rax = value;
}

void exit_io(struct vcpu *vcpu)
{
	uint64_t qualification = vmcs_read(VMCS_EXIT_QUALIFICATION), traps;
	struct guest_registers *regs = &vcpu->guest.registers;
	uint16_t port = IO_PORT(qualification);
	unsigned int size = IO_SIZE(qualification);

	if (qualification & IO_STRING) {
		exit_string_io(vcpu, qualification);
		return;
	}
	if (qualification & IO_IN)
		set_accumulator(regs, size, bus_read(vcpu->vm, port, size));
	else
		bus_write(vcpu->vm, port, size, regs->rax & (BIT(8 * size) - 1));
	traps = vcpu->uses_de ? breakpoints_on_ports(port, size) : 0;
	if (traps)
		event_pend_debug_trap(&vcpu->events, traps);
	vcpu_skip_instruction_fast(vcpu);
}
