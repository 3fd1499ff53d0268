#include "vmm/hole_step.h"

#include "boot/memory.h"
#include "lib/string.h"
#include "vmm/debugged.h"
#include "vmm/mail.h"
#include "vmm/pcpu.h"
#include "vmm/request.h"
#include "vmm/vm.h"
#include "vmx/capabilities.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"

#define PAGE_SIZE_4K 0x1000u

static bool allocate(struct hole_step *step)
{
	for (unsigned int i = 0; i < EPT_LOAN_TABLES; i++)
		if (!step->loan.table[i])
			step->loan.table[i] = memory_alloc_page();
	if (!step->loan.table[EPT_LOAN_TABLES - 1])
		return false;
	step->ones = memory_alloc_page();
	if (step->ones)
		memset(step->ones, 0xff, PAGE_SIZE_4K);
	return step->ones;
}

void monitor_trap_set(struct vcpu *vcpu, bool on)
{
	uint32_t *controls = &vcpu->events.primary_controls;

	*controls =
		on ? *controls | PRIMARY_MONITOR_TRAP_FLAG : *controls & ~PRIMARY_MONITOR_TRAP_FLAG;
	vmcs_write(VMCS_PRIMARY_CONTROLS, *controls);
}

/* One that halts, or waits to be started after INIT, may never come to the end of its step. */
static void end_abandoned(struct vcpu *vcpu)
{
	const struct hole_step *step = &vcpu->vm->hole_step;

	if (step->on && step->whose->state != VCPU_RUNNABLE)
		hole_step_forget(vcpu->vm, vcpu->pcpu->cpu.id);
}

bool hole_step_begin(struct vcpu *vcpu, uint64_t gpa)
{
	struct hole_step *step = &vcpu->vm->hole_step;

	end_abandoned(vcpu);
	if (step->on && step->whose != vcpu) { /* it comes here again in its next turn */
		vcpu_request(vcpu, VCPU_YIELD);
		return true;
	}
	if (!vmx_capabilities()->monitor_trap || (!step->ones && !allocate(step)) ||
	    !ept_lend(&vcpu->vm->ept, &step->loan, gpa & ~(uint64_t)(PAGE_SIZE_4K - 1),
		      (uint64_t)step->ones))
		return false;
	step->on = true;
	step->whose = vcpu;
	monitor_trap_set(vcpu, true);
	return true;
}

bool hole_step_is_under_way(const struct vcpu *vcpu)
{
	const struct hole_step *step = &vcpu->vm->hole_step;

	return step->on && step->whose == vcpu;
}

void hole_step_forget(struct vm *vm, uint32_t cpu)
{
	struct hole_step *step = &vm->hole_step;

	if (!step->on)
		return;
	step->on = false;
	ept_take_back(&vm->ept, &step->loan, cpu);
	memset(step->ones, 0xff, PAGE_SIZE_4K);
}

static void refresh(struct pcpu *pcpu, void *vm)
{
	ept_refresh(&((struct vm *)vm)->ept, pcpu->cpu.id);
}

/* Other vCPUs may have used what was lent: its tables are lent elsewhere next. */
static void forget_everywhere(struct vcpu *vcpu)
{
	bool locked = vm_lock_pc(vcpu->vm);

	hole_step_forget(vcpu->vm, vcpu->pcpu->cpu.id);
	vm_unlock_pc(vcpu->vm, locked);
	mail_ask(pcpus_up(), refresh, vcpu->vm);
}

static void end_step(struct vcpu *vcpu)
{
	const struct hole_step *step = &vcpu->vm->hole_step;

	if (!vm_is_shared(vcpu->vm))
		hole_step_forget(vcpu->vm, vcpu->pcpu->cpu.id);
	else if (step->on && step->whose == vcpu)
		forget_everywhere(vcpu);
}

/* An event may have come first: then the instruction exits once more. */
void exit_monitor_trap(struct vcpu *vcpu)
{
	struct debugged_vcpu *own = debugged_vcpu(vcpu);

	end_step(vcpu);
	monitor_trap_set(vcpu, false);
	if (own)
		own->trapped = true;
	event_go_on();
}

void hole_step_destroy(struct vm *vm)
{
	struct hole_step *step = &vm->hole_step;

	ept_take_back(&vm->ept, &step->loan, 0); /* no CPU enters it any more, to forget it */
	for (unsigned int i = 0; i < EPT_LOAN_TABLES; i++)
		if (step->loan.table[i])
			memory_free_page(step->loan.table[i]);
	if (step->ones) {
		memset(step->ones, 0, PAGE_SIZE_4K); /* it may have been written to */
		memory_free_page(step->ones);
	}
	*step = (struct hole_step){};
}
