#include "vmm/exit/instruction.h"
#include "vmm/vm.h"

/* With RFLAGS and interruptibility as the VMCS has them. */
static void retire(struct vcpu *vcpu, bool finished, uint64_t rflags, uint32_t blocking)
{
	uint32_t new_blocking = blocking & ~(BLOCKING_BY_STI | BLOCKING_BY_MOV_SS);
	uint64_t new_rflags = finished ? rflags & ~RFLAGS_RF : rflags | RFLAGS_RF;

	if (new_rflags != rflags)
		vmcs_write(VMCS_GUEST_RFLAGS, new_rflags);
	if (new_blocking != blocking)
		vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, new_blocking);
	if (blocking & BLOCKING_BY_MOV_SS)
		event_release_debug_traps(&vcpu->events);
	if ((rflags & RFLAGS_TF) && !(vmcs_read(VMCS_GUEST_IA32_DEBUGCTL) & DEBUGCTL_BTF))
		event_pend_debug_trap(&vcpu->events, PENDING_DEBUG_BS);
}

void vcpu_retire(struct vcpu *vcpu, bool finished)
{
	retire(vcpu, finished, vmcs_read(VMCS_GUEST_RFLAGS),
	       vmcs_read(VMCS_GUEST_INTERRUPTIBILITY));
}

static void skip(struct vcpu *vcpu, unsigned int bytes, uint64_t rflags, uint32_t blocking)
{
	uint64_t rip = vmcs_read(VMCS_GUEST_RIP) + bytes;

	if (!vcpu_in_64bit_mode(vcpu))
		rip &= 0xffffffff;
	vmcs_write(VMCS_GUEST_RIP, rip);
	retire(vcpu, true, rflags, blocking);
}

void vcpu_skip_with(struct vcpu *vcpu, uint64_t rflags, uint32_t blocking)
{
	skip(vcpu, vmcs_read(VMCS_EXIT_INSTRUCTION_LENGTH), rflags, blocking);
}

void vcpu_skip_bytes(struct vcpu *vcpu, unsigned int bytes)
{
	skip(vcpu, bytes, vmcs_read(VMCS_GUEST_RFLAGS), vmcs_read(VMCS_GUEST_INTERRUPTIBILITY));
}

void vcpu_skip_instruction(struct vcpu *vcpu)
{
	vcpu_skip_with(vcpu, vmcs_read(VMCS_GUEST_RFLAGS), vmcs_read(VMCS_GUEST_INTERRUPTIBILITY));
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

void vcpu_advance_register(struct vcpu *vcpu, unsigned int number, uint64_t mask, int64_t step)
{
	uint64_t old = vcpu_get_register(vcpu, number), value = (old + step) & mask;

	vcpu_set_register(vcpu, number, mask == 0xffff ? (old & ~mask) | value : value);
}
