#include "vmm/loaded.h"

#include <stddef.h>

#include "lib/assert.h"
#include "vmm/mail.h"
#include "vmm/pcpu.h"
#include "vmm/switch.h"
#include "vmm/vcpu.h"
#include "vmm/vm.h"
#include "vmx/ept.h"
#include "vmx/vmcs.h"
#include "vmx/vmx.h"

/* Apart, so that those who use neither have no more registers to save. */
static __attribute__((noinline)) void leave_more(struct pcpu *pcpu, struct vcpu *vcpu)
{
	if (vcpu->uses_pkru)
		switch_save_pkru(&pcpu->loaded.registers, &vcpu->unswitched);
	if (!vcpu->tiles.used)
		return;
	fpu_tiles_leave(&vcpu->tiles, pcpu->fpu.xcr0);
	pcpu->tile_moves += vcpu->tiles.kept;
}

/* The registers that VMX does not switch, of the vCPU that is loaded. */
static inline void leave(struct pcpu *pcpu, struct vcpu *vcpu)
{
	if (vcpu->uses_more)
		leave_more(pcpu, vcpu);
	switch_save(&pcpu->loaded.registers, &vcpu->unswitched);
}

static __attribute__((noinline)) void enter_tiles(struct pcpu *pcpu, struct vcpu *vcpu)
{
	pcpu->tile_moves += vcpu->tiles.kept;
	fpu_tiles_enter(&vcpu->tiles, pcpu->fpu.xcr0);
}

void loaded_give_up(struct pcpu *pcpu, struct vcpu *vcpu)
{
	if (vcpu->pcpu != pcpu)
		return;
	if (pcpu->loaded.vcpu == vcpu) {
		leave(pcpu, vcpu);
		pcpu->cpu.ask_at_nmi = NULL;
		pcpu->loaded.vcpu = NULL;
	}
	if (pcpu->scheduled == vcpu) {
		fpu_leave(&pcpu->fpu, &vcpu->fpu.context);
		pcpu->scheduled = NULL;
	}
	if (pcpu->fpu.owner == &vcpu->fpu.context)
		fpu_flush(&pcpu->fpu);
	vmcs_clear(vcpu->vmcs);
	vcpu->launched = false;
	vcpu->pcpu = NULL;
}

static void give_up(struct pcpu *pcpu, void *vcpu)
{
	loaded_give_up(pcpu, vcpu);
}

void loaded_fetch(struct pcpu *pcpu, struct vcpu *vcpu)
{
	struct pcpu *has = vcpu->pcpu;

	if (!has || has == pcpu)
		return;
	mail_ask(pcpu_bit(has), give_up, vcpu);
	assert(!vcpu->pcpu && !fpu_must_flush(&pcpu->fpu, &vcpu->fpu.context));
	pcpu->moves_in++;
	vcpu->moves++;
}

/* Translations may be left from when it was here before; of its EPT, from before a change. */
static void move_in(struct pcpu *pcpu, struct vcpu *vcpu)
{
	vcpu->pcpu = pcpu;
	vcpu->guest.host_rsp = 0;
	vmcs_write(VMCS_HOST_GS_BASE, (uint64_t)pcpu);
	vmcs_write(VMCS_HOST_TR_BASE, (uint64_t)&pcpu->cpu.tss);
	vmcs_write(VMCS_HOST_GDTR_BASE, (uint64_t)pcpu->cpu.gdt);
	vmx_invalidate_vpid(vcpu->vpid);
	ept_refresh(&vcpu->vm->ept, pcpu->cpu.id);
}

void loaded_take(struct pcpu *pcpu, struct vcpu *vcpu)
{
	struct vcpu *before;

	if (pcpu->loaded.vcpu == vcpu)
		return;
	loaded_fetch(pcpu, vcpu);
	before = pcpu->loaded.vcpu; /* fetching may have given that up, for another CPU */
	if (before) {
		leave(pcpu, before);
		pcpu->switches++;
		vcpu->switches++;
	}
	vmcs_make_current(vcpu->vmcs);
	if (vcpu->pcpu != pcpu)
		move_in(pcpu, vcpu);
	switch_to(&pcpu->loaded.registers, &vcpu->unswitched);
	if (vcpu->tiles.used)
		enter_tiles(pcpu, vcpu);
	pcpu->cpu.ask_at_nmi = &vcpu->guest.entries_left;
	pcpu->loaded.vcpu = vcpu;
}

void loaded_release(struct pcpu *pcpu, struct vcpu *vcpu)
{
	struct fpu_context *context = &vcpu->fpu.context;

	if (pcpu->fpu.owner == context || context->home == &pcpu->fpu)
		fpu_release(&pcpu->fpu, context);
}

void loaded_forget(struct pcpu *pcpu, void *arg)
{
	struct vm *vm = arg;

	for (uint32_t i = 0; i < vm->vcpu_count; i++) {
		loaded_release(pcpu, vm->vcpu[i]);
		loaded_give_up(pcpu, vm->vcpu[i]);
	}
	ept_forget(&vm->ept);
}

bool loaded_write_msr(struct vcpu *vcpu, enum unswitched_msr index, uint64_t value)
{
	if (!switch_write_msr(&vcpu->pcpu->loaded.registers, index, value))
		return false;
	vcpu->unswitched.msr[index] = value;
	return true;
}
