#include "vmm/exit/cpuid.h"

#include <stddef.h>

#include "vmm/cpuid.h"
#include "vmm/exit/instruction.h"

static inline void answer(struct guest_registers *regs, const struct cpuid_regs *r)
{
	regs->rax = r->eax;
	regs->rbx = r->ebx;
	regs->rcx = r->ecx;
	regs->rdx = r->edx;
}

static void add_apic(struct vcpu *vcpu)
{
	struct guest_registers *regs = &vcpu->guest.registers;

	regs->rbx |= (uint32_t)(vcpu->lapic.id << 24);
	if (lapic_is_on(&vcpu->lapic))
		regs->rdx |= CPUID1_EDX_APIC;
}

static void answer_by_cr4(struct vcpu *vcpu, uint32_t leaf, uint64_t cr4_bit, uint32_t ecx_bit)
{
	struct guest_registers *regs = &vcpu->guest.registers;

	answer(regs, &guest_cpuid_basic[leaf]);
	if (vmcs_read_known(VMCS_GUEST_CR4) & cr4_bit)
		regs->rcx |= ecx_bit;
	if (leaf == 1)
		add_apic(vcpu);
	vcpu_skip_instruction_fast(vcpu);
}

/* Apart, so that exit_cpuid() has no registers to save. */
static __attribute__((noinline)) void answer_otherwise(struct vcpu *vcpu)
{
	struct guest_registers *regs = &vcpu->guest.registers;
	struct cpuid_regs r = guest_cpuid(regs->rax, regs->rcx, vcpu->fpu.context.xcr0);

	if ((uint32_t)regs->rax == 0xb)
		r.edx = vcpu->lapic.id;
	answer(regs, &r);
	vcpu_skip_instruction_fast(vcpu);
}

static __attribute__((noinline)) void answer_varying(struct vcpu *vcpu)
{
	const struct guest_registers *regs = &vcpu->guest.registers;
	uint32_t leaf = regs->rax, subleaf = regs->rcx;

	if (leaf == 1)
		answer_by_cr4(vcpu, 1, CR4_OSXSAVE, CPUID1_ECX_OSXSAVE);
	else if (leaf == 7 && subleaf == 0)
		answer_by_cr4(vcpu, 7, CR4_PKE, CPUID7_ECX_OSPKE);
	else
		answer_otherwise(vcpu);
}

void exit_cpuid(struct vcpu *vcpu)
{
	struct guest_registers *regs = &vcpu->guest.registers;
	uint32_t leaf = *(const uint32_t *)&regs->rax; /* one load, and no more */
	const struct cpuid_regs *r = leaf < GUEST_CPUID_LEAVES ? guest_cpuid_constant[leaf] : NULL;

	if (__builtin_expect(!r, 0)) {
		answer_varying(vcpu);
		return;
	}
	answer(regs, r);
	vcpu_skip_instruction_fast(vcpu);
}
