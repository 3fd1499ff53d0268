/*
 * MOV to and from control registers, CLTS, LMSW, XSETBV. SDM Vol. 3C 25.1.3, 25.3, 27.2.1.
 */
#include "vmm/exit/cr.h"

#include "lib/x86.h"
#include "vmm/cpuid.h"
#include "vmm/exit/guest_paging.h"
#include "vmm/exit/instruction.h"
#include "vmm/interrupts.h"
#include "vmm/pcpu.h"
#include "vmm/request.h"
#include "vmm/vcpu_vmcs.h"
#include "vmm/vm.h"
#include "vmx/breakpoints.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"
#include "vmx/vmx.h"

/* Exit qualification (SDM Vol. 3C table 27-3) */
#define CR_NUMBER(q)	((q)&0xf)
#define CR_TYPE(q)	((q) >> 4 & 3)
#define CR_REGISTER(q)	((q) >> 8 & 0xf)
#define CR_ACCESS	0x3f /* number and type: 0 is MOV to CR0 */
#define CR_LMSW_MEMORY	BIT(6)
#define CR_LMSW_DATA(q) ((q) >> 16 & 0xffff)

enum cr_access_type {
	CR_MOV_TO,
	CR_MOV_FROM,
	CR_CLTS,
	CR_LMSW,
};

#define CR0_DEFINED                                                                                \
	(CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | \
	 CR0_PG)
#define CR3_NO_FLUSH	   BIT(63)
#define ACCESS_RIGHTS_TYPE 0xfu
#define TYPE_BUSY_TSS	   0xbu

static void general_protection(struct vcpu *vcpu)
{
	vcpu_raise(vcpu, VECTOR_GP, 0);
}

/* A 32-bit TSS, whose type is a 64-bit TSS's in IA-32e mode; TR holds no other that is not 16-bit.
 */
static bool tss_is_32bit(void)
{
	return (vmcs_read(VMCS_GUEST_TR_ACCESS_RIGHTS) & ACCESS_RIGHTS_TYPE) == TYPE_BUSY_TSS;
}

static void enter_long_mode(struct vcpu *vcpu)
{
	vcpu->long_mode = true;
	vcpu_set_efer(vcpu, vcpu->efer | EFER_LMA);
	vmcs_write(VMCS_ENTRY_CONTROLS, vmcs_read(VMCS_ENTRY_CONTROLS) | ENTRY_IA32E_MODE_GUEST);
}

static void leave_long_mode(struct vcpu *vcpu)
{
	vcpu->long_mode = false;
	vcpu_set_efer(vcpu, vcpu->efer & ~EFER_LMA);
	vmcs_write(VMCS_ENTRY_CONTROLS, vmcs_read(VMCS_ENTRY_CONTROLS) & ~ENTRY_IA32E_MODE_GUEST);
}

/* What must change with CR0.PG; false: #GP. */
static bool switch_paging(struct vcpu *vcpu, bool on)
{
	uint64_t efer = vcpu->efer, cr4 = vmcs_read(VMCS_GUEST_CR4);
	bool long_cs = vmcs_read(VMCS_GUEST_CS_ACCESS_RIGHTS) & ACCESS_RIGHTS_L;

	if (on && (efer & EFER_LME)) {
		/* SDM Vol. 3A 9.8.5 */
		if (!(cr4 & CR4_PAE) || long_cs || !tss_is_32bit())
			return false;
		enter_long_mode(vcpu);
	} else if (!on) {
		if ((cr4 & CR4_PCIDE) || ((efer & EFER_LMA) && long_cs))
			return false;
		if (efer & EFER_LMA)
			leave_long_mode(vcpu);
	}
	vmx_invalidate_vpid(vcpu->vpid);
	vcpu_request(vcpu, 0); /* it takes as long as many other exits */
	return true;
}

/* A change of one of these bits that leaves PAE paging on loads the PDPTEs (SDM Vol. 3A 4.4.1). */
#define CR0_LOADS_PDPTES (CR0_CD | CR0_NW | CR0_PG)

static bool load_pdptes_for_cr0(struct vcpu *vcpu, uint64_t value, uint64_t changed)
{
	if (!(changed & CR0_LOADS_PDPTES) || !(value & CR0_PG) || vcpu->long_mode ||
	    !(vmcs_read(VMCS_GUEST_CR4) & CR4_PAE))
		return true;
	return !guest_load_pdptes(vcpu, vmcs_read(VMCS_GUEST_CR3));
}

static void replace_cr0(struct vcpu *vcpu, uint64_t value, uint64_t changed)
{
	guest_cr0_write(&vcpu->fpu.cr0, value, vcpu->fpu.context.state);
	if (changed & CR0_TS)
		fpu_guest_ts_changed(&vcpu->pcpu->fpu, &vcpu->fpu.context, value & CR0_TS);
}

/* SDM Vol. 2B, MOV to control registers; false: #GP. */
static bool write_cr0_value(struct vcpu *vcpu, uint64_t value)
{
	uint64_t old = guest_cr0_read(&vcpu->fpu.cr0);

	if (value >> 32 || ((value & CR0_PG) && !(value & CR0_PE)) ||
	    ((value & CR0_NW) && !(value & CR0_CD)))
		return false;
	value = (value & CR0_DEFINED) | CR0_ET;
	if (((value ^ old) & CR0_PG) && !switch_paging(vcpu, value & CR0_PG))
		return false;
	if (!load_pdptes_for_cr0(vcpu, value, value ^ old))
		return false;
	replace_cr0(vcpu, value, value ^ old);
	return true;
}

void cr0_set_ts(struct vcpu *vcpu)
{
	uint64_t old = guest_cr0_read(&vcpu->fpu.cr0);

	if (!(old & CR0_TS))
		replace_cr0(vcpu, old | CR0_TS, CR0_TS);
}

static bool write_cr3_value(struct vcpu *vcpu, uint64_t value)
{
	uint64_t efer = vcpu->efer, cr4 = vmcs_read(VMCS_GUEST_CR4);
	bool paging = vmcs_read(VMCS_GUEST_CR0) & CR0_PG;

	if ((efer & EFER_LMA) && (value & ~CR3_NO_FLUSH) >> guest_physical_bits())
		return false;
	if ((value & CR3_NO_FLUSH) && !(cr4 & CR4_PCIDE))
		return false;
	if (paging && (cr4 & CR4_PAE) && !(efer & EFER_LMA) && guest_load_pdptes(vcpu, value))
		return false;
	vmcs_write(VMCS_GUEST_CR3, value & ~CR3_NO_FLUSH);
	vmx_invalidate_vpid(vcpu->vpid);
	return true;
}

int cr3_switch(struct vcpu *vcpu, uint32_t value)
{
	int error = 0;

	vmcs_write(VMCS_GUEST_CR3, value);
	vmx_invalidate_vpid(vcpu->vpid);
	if (vmcs_read(VMCS_GUEST_CR4) & CR4_PAE)
		error = guest_load_pdptes(vcpu, value);
	for (unsigned int i = 0; error && i < 4; i++)
		vmcs_write(VMCS_GUEST_PDPTE0 + 2 * i, 0);
	return error;
}

/* Loads PE, MP, EM and TS; it cannot clear PE. Its memory operand may lie under a breakpoint. */
static bool load_msw(struct vcpu *vcpu, uint64_t qualification)
{
	uint64_t cr0 = guest_cr0_read(&vcpu->fpu.cr0), traps = 0;
	uint64_t value = CR_LMSW_DATA(qualification) & (CR0_PE | CR0_MP | CR0_EM | CR0_TS);

	if (!write_cr0_value(vcpu, (cr0 & ~(CR0_MP | CR0_EM | CR0_TS)) | value))
		return false;
	if (qualification & CR_LMSW_MEMORY)
		traps = breakpoints_on_memory(vmcs_read(VMCS_GUEST_LINEAR_ADDRESS), 2, false);
	if (traps)
		event_pend_debug_trap(&vcpu->events, traps);
	return true;
}

/* Bits that become its own where it first sets them; false: the value has none. */
static bool use_cr4_bits(struct vcpu *vcpu, uint64_t value)
{
	bool pke = (value & CR4_PKE) && !vcpu->uses_pkru, de = (value & CR4_DE) && !vcpu->uses_de;

	if (value & ~guest_cr4_allowed())
		return false;
	if (pke)
		vcpu_use_pkru(vcpu);
	if (de)
		vcpu_use_de(vcpu);
	return pke || de;
}

static bool write_cr(struct vcpu *vcpu, unsigned int number, uint64_t value)
{
	switch (number) {
	case 0:
		return write_cr0_value(vcpu, value);
	case 3:
		return write_cr3_value(vcpu, value);
	case 4: /* every bit that exits is one that a guest cannot have */
		return false;
	case 8:
		if (value > 15)
			return false;
		lapic_set_tpr(vcpu_lapic(vcpu), value << 4);
		interrupts_changed(vcpu);
		return true;
	default:
		return false;
	}
}

static __attribute__((noinline)) void access_cr(struct vcpu *vcpu, uint64_t qualification)
{
	unsigned int number = CR_NUMBER(qualification), reg = CR_REGISTER(qualification);
	uint64_t value;
	bool valid = true;

	switch (CR_TYPE(qualification)) {
	case CR_MOV_TO:
		value = vcpu_get_register(vcpu, reg);
		if (!vcpu_in_64bit_mode(vcpu))
			value &= 0xffffffff;
		if (number == 4 && use_cr4_bits(vcpu, value)) {
			event_execute_again(); /* with all checks of the CPU */
			return;
		}
		valid = write_cr(vcpu, number, value);
		break;
	case CR_MOV_FROM:
		vcpu_set_register(vcpu, reg,
				  number == 8 ? vcpu_cr8(vcpu) : vmcs_read(VMCS_GUEST_CR3));
		break;
	case CR_CLTS:
		valid = write_cr0_value(vcpu, guest_cr0_read(&vcpu->fpu.cr0) & ~CR0_TS);
		break;
	case CR_LMSW:
		valid = load_msw(vcpu, qualification);
		break;
	}
	if (valid)
		vcpu_skip_instruction(vcpu);
	else
		general_protection(vcpu);
}

/* CR0's bits that a guest which is not OPEN reads from the shadow, and that nothing hangs on. */
#define SHADOWED (CR0_NE | CR0_TS)

/*
 * CLTS, and MOV to CR0 of a value in which nothing but NE and a TS that is masked is new: true, and
 * it is done. (In 32-bit modes the upper half of a register does not count: left to access_cr().)
 */
static inline bool write_shadow(struct vcpu *vcpu, uint64_t qualification)
{
	struct guest_cr0 *cr0 = &vcpu->fpu.cr0;
	enum fpu_state state = vcpu->fpu.context.state;
	uint64_t value, changed;

	if (CR_TYPE(qualification) == CR_CLTS && state != FPU_OPEN) {
		value = cr0->shadow & ~CR0_TS;
		changed = CR0_TS;
	} else if (!(qualification & CR_ACCESS) && CR_REGISTER(qualification) != REGISTER_RSP) {
		value = vcpu->guest.registers.number[CR_REGISTER(qualification)];
		changed = value ^ guest_cr0_read(cr0);
		if (changed & ~(state == FPU_OPEN ? CR0_NE : SHADOWED))
			return false;
	} else {
		return false;
	}
	guest_cr0_write_shadow(cr0, value);
	if (changed & CR0_TS)
		fpu_guest_ts_changed(&vcpu->pcpu->fpu, &vcpu->fpu.context, value & CR0_TS);
	return true;
}

void exit_cr_access(struct vcpu *vcpu)
{
	uint64_t qualification = vmcs_read_known(VMCS_EXIT_QUALIFICATION);

	if (write_shadow(vcpu, qualification))
		vcpu_skip_instruction_fast(vcpu);
	else
		access_cr(vcpu, qualification);
}

void exit_xsetbv(struct vcpu *vcpu)
{
	const struct guest_registers *regs = &vcpu->guest.registers;
	uint64_t value = regs->rdx << 32 | (uint32_t)regs->rax;

	if (vcpu_cpl() != 0 || (uint32_t)regs->rcx != 0 || !fpu_xcr0_valid(value)) {
		general_protection(vcpu);
		return;
	}
	if (value & XCR0_PKRU)
		vcpu_use_pkru(vcpu);
	if (value & XCR0_TILES)
		vcpu_use_tiles(vcpu);
	fpu_set_xcr0(&vcpu->pcpu->fpu, &vcpu->fpu.context, value);
	vcpu_skip_instruction_fast(vcpu);
}
