#include "vmm/exit/instruction.h"
#include "vmm/vm.h"

/* What an undisturbed guest has not. */
static void end_blocking_and_step(struct vcpu *vcpu, uint32_t blocking)
{
	vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, blocking & ~(BLOCKING_BY_STI | BLOCKING_BY_MOV_SS));
	if (blocking & BLOCKING_BY_MOV_SS)
		event_release_debug_traps(&vcpu->events);
	if ((vmcs_read(VMCS_GUEST_RFLAGS) & RFLAGS_TF) &&
	    !(vmcs_read(VMCS_GUEST_IA32_DEBUGCTL) & DEBUGCTL_BTF))
		event_pend_debug_trap(&vcpu->events, PENDING_DEBUG_BS);
}

void vcpu_retire(struct vcpu *vcpu, bool finished)
{
	uint32_t blocking = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY);
	uint64_t rflags = vmcs_read(VMCS_GUEST_RFLAGS);
	uint64_t new_rflags = finished ? rflags & ~RFLAGS_RF : rflags | RFLAGS_RF;

	if (new_rflags != rflags)
		vmcs_write(VMCS_GUEST_RFLAGS, new_rflags);
	if ((blocking & (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS)) || (rflags & RFLAGS_TF))
		end_blocking_and_step(vcpu, blocking);
}

void vcpu_skip_instruction(struct vcpu *vcpu)
{
	uint64_t rip = vmcs_read(VMCS_GUEST_RIP) + vmcs_read(VMCS_EXIT_INSTRUCTION_LENGTH);

	if (!vcpu_in_64bit_mode(vcpu))
		rip &= 0xffffffff;
	vmcs_write(VMCS_GUEST_RIP, rip);
	vcpu_retire(vcpu, true);
}

void vcpu_raise(struct vcpu *vcpu, uint8_t vector, int error_code)
{
	/* what is raised here are faults: they push RF=1, so that no breakpoint strikes twice */
	vmcs_write(VMCS_GUEST_RFLAGS, vmcs_read(VMCS_GUEST_RFLAGS) | RFLAGS_RF);
	if (!event_raise(&vcpu->events, vector, error_code))
		vm_fail(vcpu, "triple-fault",
			"triple fault: exception %u while a double fault was "
			"delivered [SDM Vol. 3A 6.15]",
			vector);
}
