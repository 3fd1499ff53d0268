/*
 * RDMSR and WRMSR of what the MSR bitmap does not pass through. SDM Vol. 4, chapter 2.
 */
#include "vmm/exit/msr.h"

#include "boot/clock.h"
#include "lib/console.h"
#include "lib/errno.h"
#include "lib/signature.h"
#include "lib/x86.h"
#include "vmm/chip/lapic_registers.h"
#include "vmm/cpuid.h"
#include "vmm/exit/instruction.h"
#include "vmm/guest_speculation.h"
#include "vmm/interrupts.h"
#include "vmm/loaded.h"
#include "vmm/vcpu_vmcs.h"
#include "vmm/vm.h"
#include "vmx/mitigations.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"

#define MSR_IA32_DEBUGCTL     0x1d9
#define QUALIFICATION_WRMSRNS BIT(0) /* of a VM exit for WRMSR, where the CPU has WRMSRNS */
#define EFER_DEFINED	      (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)

static int read_lapic(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
	int error = lapic_read_msr(vcpu_lapic_for(vcpu, msr - LAPIC_FIRST_MSR), &pc_rates.lapic,
				   msr, value, rdtsc());

	interrupts_changed_at_length(vcpu); /* its timer was looked at */
	return error;
}

static int write_lapic(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
	int error = lapic_write_msr(vcpu_lapic_for(vcpu, msr - LAPIC_FIRST_MSR), &pc_rates.lapic,
				    msr, value, rdtsc());

	if (msr == LAPIC_MSR_EOI || msr == LAPIC_MSR_TPR || msr == LAPIC_MSR_SELF_IPI)
		interrupts_priority_changed(vcpu);
	else
		interrupts_changed_at_length(vcpu);
	return error;
}

static int write_apic_base(struct vcpu *vcpu, uint64_t value)
{
	int error = lapic_write_base(vcpu_lapic(vcpu), value, guest_physical_bits(), true);

	interrupts_changed(vcpu);
	return error;
}

/* What the TSC is moved by, IA32_TSC_ADJUST is too (SDM Vol. 3B 17.17.3). */
static void set_tsc_offset(struct vcpu *vcpu, uint64_t offset)
{
	vcpu->tsc_adjust += offset - vcpu->tsc_offset;
	vcpu_set_tsc_offset(vcpu, offset);
	interrupts_changed(vcpu);
}

/* Of the TSC. A part's is never 0, but an emulator's TSC can be slow. */
static uint64_t ratio_to_100_mhz(void)
{
	uint64_t ratio = clock_tsc_khz() / 100000;

	return ratio ? ratio : 1;
}

/* Returns 0, or -EINVAL: #GP. */
static int read_of_pc(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
	if (msr - LAPIC_FIRST_MSR <= LAPIC_LAST_MSR - LAPIC_FIRST_MSR)
		return read_lapic(vcpu, msr, value);
	switch (msr) {
	case MSR_IA32_APIC_BASE:
		*value = vcpu->lapic.base;
		return 0;
	case MSR_IA32_TSC_DEADLINE:
		*value = lapic_read_tsc_deadline(&vcpu->lapic, rdtsc());
		return 0;
	case MSR_IA32_TSC_ADJUST:
		*value = vcpu->tsc_adjust;
		return 0;
	case MSR_IA32_SPEC_CTRL:
	case MSR_IA32_ARCH_CAPABILITIES:
		return speculation_read_msr(vcpu, msr, value);
	case MSR_IA32_FEATURE_CONTROL: /* locked, with nothing enabled */
		*value = BIT(0);
		return 0;
	case MSR_IA32_MISC_ENABLE: /* fast strings; no branch trace, no precise events */
		*value = BIT(0) | BIT(11) | BIT(12);
		return 0;
	case MSR_IA32_XFD:
	case MSR_IA32_XFD_ERR:
		return fpu_tiles_read_msr(&vcpu->tiles, msr, value);
	case MSR_PLATFORM_INFO:
		*value = ratio_to_100_mhz() << 8;
		return 0;
	case MSR_IA32_PLATFORM_ID: /* no microcode is loaded here, for whatever platform */
	case MSR_IA32_MTRRCAP:	   /* CPUID shows neither MTRRs nor machine-check banks */
	case MSR_IA32_MTRR_DEF_TYPE:
	case MSR_IA32_MCG_CAP:
	case MSR_IA32_MCG_STATUS:
		*value = 0;
		return 0;
	default:
		return -EINVAL;
	}
}

/* The same, or -ENOENT: it may be one of the PC's. */
static int read_msr(const struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
	switch (msr) {
	case MSR_EFER:
		*value = vcpu->efer;
		return 0;
	case MSR_TSC_AUX:
		*value = vcpu->unswitched.msr[UNSWITCHED_TSC_AUX];
		return guest_has_rdtscp() ? 0 : -EINVAL;
	case MSR_IA32_XSS: /* no supervisor state is offered */
		*value = 0;
		return guest_has_xsaves() ? 0 : -EINVAL;
	case MSR_IA32_DEBUGCTL:
		*value = vmcs_read(VMCS_GUEST_IA32_DEBUGCTL);
		return 0;
	case MSR_IA32_BIOS_SIGN_ID: /* no microcode to speak of */
		*value = 0;
		return 0;
	default:
		return -ENOENT;
	}
}

static int write_efer(struct vcpu *vcpu, uint64_t value)
{
	uint64_t old = vcpu->efer;

	if (value & ~EFER_DEFINED)
		return -EINVAL;
	if (((value ^ old) & EFER_LME) && (vmcs_read(VMCS_GUEST_CR0) & CR0_PG))
		return -EINVAL;
	vcpu_set_efer(vcpu, (value & ~EFER_LMA) | (old & EFER_LMA));
	return 0;
}

/* Whatever paging is in use, the CPU's own width counts (SDM Vol. 1 3.3.7.1). */
static bool is_address(uint64_t value)
{
	return is_canonical(value, host_linear_bits());
}

static int write_address(enum vmcs_field field, uint64_t value)
{
	if (!is_address(value))
		return -EINVAL;
	vmcs_write(field, value);
	return 0;
}

static int write_unswitched(struct vcpu *vcpu, enum unswitched_msr index, uint64_t value,
			    bool valid)
{
	return valid && loaded_write_msr(vcpu, index, value) ? 0 : -EINVAL;
}

static __attribute__((noinline)) int write_of_pc(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
	if (msr - LAPIC_FIRST_MSR <= LAPIC_LAST_MSR - LAPIC_FIRST_MSR)
		return write_lapic(vcpu, msr, value);
	switch (msr) {
	case MSR_IA32_APIC_BASE:
		return write_apic_base(vcpu, value);
	case MSR_IA32_TSC_DEADLINE:
		lapic_write_tsc_deadline(&vcpu->lapic, &pc_rates.lapic, value, rdtsc());
		interrupts_changed(vcpu);
		return 0;
	case MSR_IA32_XFD:
	case MSR_IA32_XFD_ERR:
		if (fpu_tiles_write_msr(&vcpu->tiles, msr, value))
			return -EINVAL;
		vcpu_use_tiles(vcpu);
		return 0;
	case MSR_IA32_TSC_ADJUST:
		set_tsc_offset(vcpu, vcpu->tsc_offset + value - vcpu->tsc_adjust);
		return 0;
	case MSR_IA32_SPEC_CTRL:
	case MSR_IA32_PRED_CMD:
	case MSR_IA32_FLUSH_CMD:
		return speculation_write_msr(vcpu, msr, value);
	default:
		return -EINVAL;
	}
}

static int write_msr(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
	switch (msr) {
	case MSR_EFER:
		return write_efer(vcpu, value);
	case MSR_IA32_TSC:
		set_tsc_offset(vcpu, value - rdtsc());
		return 0;
	case MSR_STAR:
		return write_unswitched(vcpu, UNSWITCHED_STAR, value, true);
	case MSR_LSTAR:
		return write_unswitched(vcpu, UNSWITCHED_LSTAR, value, is_address(value));
	case MSR_CSTAR:
		return write_unswitched(vcpu, UNSWITCHED_CSTAR, value, is_address(value));
	case MSR_FMASK:
		return write_unswitched(vcpu, UNSWITCHED_FMASK, value, !(value >> 32));
	case MSR_IA32_SYSENTER_ESP:
		return write_address(VMCS_GUEST_SYSENTER_ESP, value);
	case MSR_IA32_SYSENTER_EIP:
		return write_address(VMCS_GUEST_SYSENTER_EIP, value);
	case MSR_TSC_AUX:
		return write_unswitched(vcpu, UNSWITCHED_TSC_AUX, value,
					guest_has_rdtscp() && !(value >> 32));
	case MSR_IA32_XSS:
		return guest_has_xsaves() && !value ? 0 : -EINVAL;
	case MSR_IA32_DEBUGCTL:
		if (value & ~DEBUGCTL_BTF)
			return -EINVAL;
		vmcs_write(VMCS_GUEST_IA32_DEBUGCTL, value);
		return 0;
	case MSR_IA32_BIOS_SIGN_ID: /* CPUID then leaves the revision here: SDM Vol. 3A 9.11.7.1 */
		return 0;
	default:
		return write_of_pc(vcpu, msr, value);
	}
}

/* Apart, so that exit_wrmsr() has few registers to save; and so below. */
static __attribute__((noinline)) void refuse(struct vcpu *vcpu, bool read, uint64_t value)
{
	uint32_t msr = vcpu->guest.registers.rcx;

	vcpu->vm->refused_msr = (struct refused_msr){msr, read, value};
	if (read)
		log_debug("%s: RDMSR 0x%x: not offered, #GP", vcpu->vm->config.name, msr);
	else
		log_debug("%s: WRMSR 0x%x <- 0x%lx: not offered or not valid, #GP",
			  vcpu->vm->config.name, msr, value);
	vcpu_raise(vcpu, VECTOR_GP, 0);
}

static void finish_read(struct vcpu *vcpu, uint64_t value)
{
	struct guest_registers *regs = &vcpu->guest.registers;

	regs->rax = (uint32_t)value;
	regs->rdx = value >> 32;
	vcpu_skip_instruction_fast(vcpu);
}

static __attribute__((noinline)) void read_or_refuse(struct vcpu *vcpu)
{
	uint64_t value;

	if (read_of_pc(vcpu, vcpu->guest.registers.rcx, &value))
		refuse(vcpu, true, 0);
	else
		finish_read(vcpu, value);
}

void exit_rdmsr(struct vcpu *vcpu)
{
	uint64_t value;

	if (read_msr(vcpu, vcpu->guest.registers.rcx, &value))
		read_or_refuse(vcpu);
	else
		finish_read(vcpu, value);
}

void exit_wrmsr(struct vcpu *vcpu)
{
	struct guest_registers *regs = &vcpu->guest.registers;
	uint64_t value = regs->rdx << 32 | (uint32_t)regs->rax;

	if (host_has_wrmsrns() && (vmcs_read(VMCS_EXIT_QUALIFICATION) & QUALIFICATION_WRMSRNS)) {
		vcpu_raise(vcpu, VECTOR_UD, EVENT_NO_ERROR_CODE);
		return;
	}
	if (write_msr(vcpu, regs->rcx, value)) {
		refuse(vcpu, false, value);
		return;
	}
	vcpu_skip_instruction_fast(vcpu);
}
