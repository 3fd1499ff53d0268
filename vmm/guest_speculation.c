#include "vmm/guest_speculation.h"

#include "lib/errno.h"
#include "lib/signature.h"
#include "lib/x86.h"
#include "vmm/vcpu.h"
#include "vmx/bitmaps.h"
#include "vmx/mitigate.h"
#include "vmx/vmcs.h"

static bool offers(uint32_t bit)
{
	return mitigations_cpu()->leaf7_edx & mitigations_guest_leaf7_edx() & bit;
}

/*
 * With enhanced IBRS it runs with the hypervisor's value, which costs no WRMSR and is as safe; IBRS
 * of old would make it slow.
 */
void speculation_reset(struct vcpu *vcpu)
{
	const struct mitigations *m = mitigations();

	vcpu->guest.spec_ctrl = m->steps & STEP_IBRS_KEPT ? m->spec_ctrl : 0;
	vcpu->guest.spec_ctrl_passed = false;
}

int speculation_read_msr(const struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
	if (msr == MSR_IA32_ARCH_CAPABILITIES) {
		*value = mitigations_guest_arch_capabilities();
		return offers(LEAF7_EDX_ARCH_CAPABILITIES) ? 0 : -EINVAL;
	}
	*value = vcpu->guest.spec_ctrl_passed ? vcpu->guest.spec_ctrl : 0;
	return offers(LEAF7_EDX_IBRS_IBPB) ? 0 : -EINVAL;
}

/* From now on the register is the guest's while it runs, and every exit reads it. */
static int write_spec_ctrl(struct vcpu *vcpu, uint64_t value)
{
	uint64_t allowed = mitigations()->guest_spec_ctrl;

	if (!allowed || (value & ~allowed))
		return -EINVAL;
	vcpu->guest.spec_ctrl = value;
	vcpu->guest.spec_ctrl_passed = true;
	vmcs_write(VMCS_MSR_BITMAP, msr_bitmap_address(vcpu->apicv.bitmap, true));
	return 0;
}

/* A command does nothing to anybody else but that it takes time. */
static int command(uint32_t msr, uint64_t value, uint64_t defined, bool offered)
{
	if (!offered || (value & ~defined))
		return -EINVAL;
	if (value)
		wrmsr(msr, value);
	return 0;
}

int speculation_write_msr(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
	switch (msr) {
	case MSR_IA32_PRED_CMD:
		return command(msr, value, PRED_CMD_IBPB, offers(LEAF7_EDX_IBRS_IBPB));
	case MSR_IA32_FLUSH_CMD:
		return command(msr, value, FLUSH_CMD_L1D, offers(LEAF7_EDX_L1D_FLUSH));
	default:
		return write_spec_ctrl(vcpu, value);
	}
}
