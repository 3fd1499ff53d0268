#include "vmm/loaded.h"

#include <stddef.h>

#include "lib/assert.h"
#include "vmm/pcpu.h"
#include "vmm/switch.h"
#include "vmm/vcpu.h"
#include "vmx/vmx.h"

void loaded_take(struct pcpu *pcpu, struct vcpu *vcpu)
{
	struct vcpu *before = pcpu->loaded.vcpu;

	if (before == vcpu)
		return;
	assert(!vcpu->pcpu || vcpu->pcpu == pcpu);
	if (before) {
		switch_save(&pcpu->loaded.registers, &before->unswitched, before->uses_pkru);
		pcpu->switches++;
		vcpu->switches++;
	}
	vmcs_make_current(vcpu->vmcs);
	switch_to(&pcpu->loaded.registers, &vcpu->unswitched);
	vcpu->pcpu = pcpu;
	pcpu->cpu.ask_at_nmi = &vcpu->guest.entries_left;
	pcpu->loaded.vcpu = vcpu;
}

void loaded_give_up(struct pcpu *pcpu, struct vcpu *vcpu)
{
	if (vcpu->pcpu != pcpu)
		return;
	if (pcpu->loaded.vcpu == vcpu) {
		switch_save(&pcpu->loaded.registers, &vcpu->unswitched, vcpu->uses_pkru);
		pcpu->cpu.ask_at_nmi = NULL;
		pcpu->loaded.vcpu = NULL;
	}
	if (pcpu->scheduled == vcpu)
		pcpu->scheduled = NULL;
	fpu_leave(&pcpu->fpu, &vcpu->fpu.context);
	fpu_write(&pcpu->fpu, &vcpu->fpu.context);
	vmcs_clear(vcpu->vmcs);
	vcpu->launched = false;
	vmx_invalidate_vpid(vcpu->vpid);
	vcpu->pcpu = NULL;
}

bool loaded_write_msr(struct vcpu *vcpu, enum unswitched_msr index, uint64_t value)
{
	if (!switch_write_msr(&vcpu->pcpu->loaded.registers, index, value))
		return false;
	vcpu->unswitched.msr[index] = value;
	return true;
}
