#include "vmm/exit/seen.h"

#include "lib/console.h"
#include "lib/x86.h"
#include "vmm/exit/io_qualification.h"
#include "vmm/vm.h"
#include "vmx/names.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"

#define EPT_WRITE BIT(1) /* qualification (SDM Vol. 3C table 27-7) */
#define PAGE(gpa) ((gpa) & ~0xfffull)

void seen_tell(const struct vcpu *vcpu, uint32_t reason)
{
	log_info("%s: exit %s: vCPU %u, RIP=0x%lx, qualification 0x%lx", vcpu->vm->config.name,
		 exit_reason_name(reason), vcpu->id, vmcs_read(VMCS_GUEST_RIP),
		 vmcs_read(VMCS_EXIT_QUALIFICATION));
}

/* Whether it comes of what the guest does, and not from the machine or the scheduler. */
static bool is_the_guests(uint32_t reason)
{
	switch (reason) {
	case EXIT_REASON_EXCEPTION_NMI:
		return (vmcs_read(VMCS_EXIT_INTERRUPTION_INFO) & INTERRUPTION_TYPE) != TYPE_NMI;
	case EXIT_REASON_EXTERNAL_INTERRUPT:
	case EXIT_REASON_PREEMPTION_TIMER:
	case EXIT_REASON_INTERRUPT_WINDOW:
	case EXIT_REASON_NMI_WINDOW:
		return false;
	default:
		return true;
	}
}

void seen_count(struct vcpu *vcpu, uint32_t reason)
{
	const struct guest_registers *regs = &vcpu->guest.registers;
	uint64_t qualification = vmcs_read(VMCS_EXIT_QUALIFICATION);
	struct exit_kind exit = {.reason = reason, .rip = vmcs_read(VMCS_GUEST_RIP)};

	if (!is_the_guests(reason))
		return;
	switch (reason) {
	case EXIT_REASON_IO_INSTRUCTION:
		exit.what = IO_PORT(qualification);
		exit.in = qualification & IO_IN;
		break;
	case EXIT_REASON_EPT_VIOLATION:
		exit.what = PAGE(vmcs_read(VMCS_GUEST_PHYSICAL_ADDRESS));
		exit.in = !(qualification & EPT_WRITE);
		break;
	case EXIT_REASON_RDMSR:
	case EXIT_REASON_WRMSR:
		exit.what = (uint32_t)regs->rcx;
		break;
	case EXIT_REASON_CPUID:
	case EXIT_REASON_VMCALL:
		exit.what = (uint32_t)regs->rax;
		break;
	}
	exit_watch_note(&vcpu->watch, &exit);
}
