#include "vmm/exit_cpuid.h"

#include <stddef.h>

#include "vmm/cpuid.h"
#include "vmm/instruction.h"

static inline void answer(struct guest_registers *regs, const struct cpuid_regs *r)
{
	regs->rax = r->eax;
	regs->rbx = r->ebx;
	regs->rcx = r->ecx;
	regs->rdx = r->edx;
}

/* Apart, so that exit_cpuid() has no registers to save. */
static __attribute__((noinline)) void answer_varying(struct vcpu *vcpu)
{
	struct guest_registers *regs = &vcpu->guest.registers;
	struct cpuid_regs r = guest_cpuid(regs->rax, regs->rcx, vcpu->fpu.context.xcr0);

	answer(regs, &r);
	vcpu_skip_instruction(vcpu);
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
