#include "vmm/exit/apic.h"

#include "lib/x86.h"
#include "vmm/chip/lapic_registers.h"
#include "vmm/exit/mmio.h"
#include "vmm/interrupts.h"
#include "vmm/vm.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"

/* Exit qualification of an APIC access (SDM Vol. 3C table 27-6) */
#define ACCESS_OFFSET(q)  ((q)&0xfff)
#define ACCESS_TYPE(q)	  ((q) >> 12 & 0xf)
#define TYPE_LINEAR_READ  0
#define TYPE_LINEAR_WRITE 1

/* An operand that begins behind it may go on in the next page. */
#define LAST_IN_PAGE (0x1000 - 8)

void exit_tpr_below_threshold(struct vcpu *vcpu)
{
	vcpu_lapic(vcpu);
	event_go_on();
}

/* By a linear address, as an operand, and not to be split. */
static bool is_plain(uint64_t qualification)
{
	return ACCESS_TYPE(qualification) <= TYPE_LINEAR_WRITE &&
	       ACCESS_OFFSET(qualification) <= LAST_IN_PAGE;
}

/*
 * What is out of the ordinary is done again as an EPT violation, which tells more: the linear
 * address, and which access to a paging-structure entry it was.
 */
void exit_apic_access(struct vcpu *vcpu)
{
	uint64_t qualification = vmcs_read(VMCS_EXIT_QUALIFICATION);
	uint64_t gpa = LAPIC_PAGE | ACCESS_OFFSET(qualification);

	if (vmcs_read(VMCS_IDT_VECTORING_INFO) & INTERRUPTION_VALID) {
		mmio_fail_delivery(vcpu, gpa);
	} else if (is_plain(qualification)) {
		mmio_access(vcpu, gpa);
	} else {
		apicv_step_aside(vcpu);
		event_execute_again();
	}
}

/* It takes as long as many other exits, or has to do with an event: another look at the time. */
static __attribute__((noinline)) void go_the_long_way(struct vcpu *vcpu)
{
	event_after_exit(&vcpu->events);
	exit_apic_access(vcpu);
	vmx_ask_to_return(&vcpu->guest.entries_left);
}

void exit_apic_access_at_once(struct vcpu *vcpu)
{
	uint64_t qualification = vmcs_read_known(VMCS_EXIT_QUALIFICATION);

	if (!is_plain(qualification) ||
	    (vmcs_read_known(VMCS_IDT_VECTORING_INFO) & INTERRUPTION_VALID) ||
	    !mmio_move(vcpu, LAPIC_PAGE | ACCESS_OFFSET(qualification)))
		go_the_long_way(vcpu);
}

void exit_apic_write(struct vcpu *vcpu)
{
	uint32_t offset = vmcs_read(VMCS_EXIT_QUALIFICATION) & 0xff0;
	uint32_t value = vcpu->apicv.page[offset / 4];

	lapic_write(vcpu_lapic(vcpu), &pc_rates.lapic, offset, value, rdtsc());
	interrupts_changed(vcpu);
	event_go_on();
}
