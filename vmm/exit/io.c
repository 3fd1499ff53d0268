#include "vmm/exit/io.h"

#include "lib/x86.h"
#include "vmm/device/bus.h"
#include "vmm/exit/instruction.h"
#include "vmm/exit/io_qualification.h"
#include "vmm/exit/string_io.h"
#include "vmx/breakpoints.h"
#include "vmx/vmcs.h"

/* A byte or word leaves the rest of RAX, a doubleword clears its upper half (SDM Vol. 1 3.4.1.1).
 */
static void set_accumulator(struct guest_registers *regs, unsigned int size, uint32_t value)
{
	if (size == 4)
		regs->rax = value;
	else
		regs->rax = (regs->rax & ~(BIT(8 * size) - 1)) | value;
}

/* Of any width, and under breakpoints on ports. */
static __attribute__((noinline)) void access_ports(struct vcpu *vcpu, uint64_t qualification)
{
	struct guest_registers *regs = &vcpu->guest.registers;
	unsigned int size = IO_SIZE(qualification);
	uint16_t port = IO_PORT(qualification);
	uint64_t traps;

	if (qualification & IO_IN)
		set_accumulator(regs, size, bus_read(vcpu->vm, port, size));
	else
		bus_write(vcpu->vm, port, size, regs->rax & (BIT(8 * size) - 1));
	traps = vcpu->uses_de ? breakpoints_on_ports(port, size) : 0;
	if (traps)
		event_pend_debug_trap(&vcpu->events, traps);
	vcpu_skip_instruction_fast(vcpu);
}

void exit_io(struct vcpu *vcpu)
{
	uint64_t qualification = vmcs_read_known(VMCS_EXIT_QUALIFICATION);
	uint8_t *al = (uint8_t *)&vcpu->guest.registers.rax;

	if ((qualification & (IO_SIZE_LESS_1 | IO_STRING)) || vcpu->uses_de) {
		if (qualification & IO_STRING)
			exit_string_io(vcpu, qualification);
		else
			access_ports(vcpu, qualification);
	} else {
		if (qualification & IO_IN)
			*al = bus_read(vcpu->vm, IO_PORT(qualification), 1);
		else
			bus_write(vcpu->vm, IO_PORT(qualification), 1, *al);
		vcpu_skip_instruction_fast(vcpu);
	}
}
