#include "vmx/checks/entry_bases.h"

#include "lib/array.h"
#include "lib/x86.h"
#include "vmx/checks/entry_breaks.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"

#define PAGE_WORDS	512
#define EPT_SUPPRESS_VE BIT(63)
#define EPTP_4_LEVELS	(3u << 3)
#define EPTP_WRITE_BACK 6
#define PAT_AT_RESET	0x0007040600070406ull
#define NO_LINK		UINT64_MAX
#define TIMER_TICKS	5000
#define MULTIPLY_BY_1	BIT(48)
#define DR7_AT_RESET	0x400

#define CODE64_RIGHTS 0xa09b
#define CODE32_RIGHTS 0xc09b
#define DATA_RIGHTS   0xc093
#define TSS_RIGHTS    0x8b
#define REAL_CODE     0x9b
#define REAL_DATA     0x93
#define V8086_RIGHTS  0xf3

static void put(const struct entry_target *target, uint32_t field, uint64_t value)
{
	target->write(target->arg, field, value);
}

/* A word of controls, with what the CPU has of `optional`. */
static void put_controls(const struct entry_target *target, uint32_t field, uint64_t capability,
			 uint32_t wanted)
{
	put(target, field, (wanted | (uint32_t)capability) & capability >> 32);
}

static void write_pages(const struct entry_target *target)
{
	for (unsigned int page = 0; page < ENTRY_PAGES; page++)
		for (unsigned int i = 0; i < PAGE_WORDS; i++)
			target->memory[page][i] = page == PAGE_EPT ? EPT_SUPPRESS_VE : 0;
	target->memory[PAGE_MSRS][0] = MSR_IA32_SYSENTER_CS;
	target->memory[PAGE_MSRS][2] = MSR_IA32_SYSENTER_CS;
	target->memory[PAGE_VMCS][0] = target->cpu->basic & BASIC_REVISION;
}

static void write_controls(const struct entry_target *target)
{
	static const uint32_t zero[] = {
		VMCS_PAGE_FAULT_ERROR_CODE_MASK,
		VMCS_PAGE_FAULT_ERROR_CODE_MATCH,
		VMCS_CR3_TARGET_COUNT,
		VMCS_EXIT_MSR_STORE_COUNT,
		VMCS_EXIT_MSR_LOAD_COUNT,
		VMCS_ENTRY_MSR_LOAD_COUNT,
		VMCS_ENTRY_INTERRUPTION_INFO,
		VMCS_ENTRY_EXCEPTION_ERROR_CODE,
		VMCS_ENTRY_INSTRUCTION_LENGTH,
		VMCS_TPR_THRESHOLD,
		VMCS_CR0_MASK,
		VMCS_CR4_MASK,
		VMCS_CR0_READ_SHADOW,
		VMCS_CR4_READ_SHADOW,
		VMCS_TSC_OFFSET,
		VMCS_EOI_EXIT_BITMAP0,
		VMCS_EOI_EXIT_BITMAP1,
		VMCS_EOI_EXIT_BITMAP2,
		VMCS_EOI_EXIT_BITMAP3,
		VMCS_POSTED_INTERRUPT_VECTOR,
		VMCS_TERTIARY_CONTROLS,
		VMCS_SECONDARY_EXIT_CONTROLS,
		VMCS_VM_FUNCTION_CONTROLS,
		VMCS_LAST_PID_POINTER_INDEX,
		VMCS_XSS_EXITING_BITMAP,
		VMCS_ENCLS_BITMAP,
		VMCS_ENCLV_BITMAP,
	};
	static const uint32_t page[] = {
		VMCS_IO_BITMAP_A,
		VMCS_IO_BITMAP_B,
		VMCS_MSR_BITMAP,
		VMCS_VIRTUAL_APIC_ADDRESS,
		VMCS_APIC_ACCESS_ADDRESS,
		VMCS_PML_ADDRESS,
		VMCS_POSTED_INTERRUPT_DESCRIPTOR,
		VMCS_EPTP_LIST_ADDRESS,
		VMCS_VMREAD_BITMAP,
		VMCS_VMWRITE_BITMAP,
		VMCS_VE_INFORMATION_ADDRESS,
		VMCS_SPP_TABLE_POINTER,
		VMCS_LOW_PASID_DIRECTORY,
		VMCS_HIGH_PASID_DIRECTORY,
		VMCS_HLAT_POINTER,
		VMCS_PID_POINTER_TABLE,
	};
	const struct entry_cpu *cpu = target->cpu;

	for (unsigned int i = 0; i < ARRAY_SIZE(zero); i++)
		put(target, zero[i], 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(page); i++)
		put(target, page[i], target->page[PAGE_ZEROS]);
	put(target, VMCS_EXIT_MSR_STORE_ADDRESS, target->page[PAGE_MSRS]);
	put(target, VMCS_EXIT_MSR_LOAD_ADDRESS, target->page[PAGE_MSRS]);
	put(target, VMCS_ENTRY_MSR_LOAD_ADDRESS, target->page[PAGE_MSRS]);
	put(target, VMCS_EPT_POINTER,
	    target->page[PAGE_EPT] | EPTP_4_LEVELS |
		    (cpu->ept_vpid & EPT_CAP_WRITE_BACK ? EPTP_WRITE_BACK : 0));
	put(target, VMCS_VPID, 1);
	put(target, VMCS_TSC_MULTIPLIER, MULTIPLY_BY_1);
	put(target, VMCS_EXCEPTION_BITMAP, UINT32_MAX);
	put_controls(target, VMCS_PIN_BASED_CONTROLS, cpu->pin,
		     PIN_EXTERNAL_INTERRUPT_EXITING | PIN_NMI_EXITING | PIN_PREEMPTION_TIMER);
	put_controls(target, VMCS_PRIMARY_CONTROLS, cpu->primary, PRIMARY_SECONDARY_CONTROLS);
	put_controls(target, VMCS_SECONDARY_CONTROLS, cpu->secondary, SECONDARY_ENABLE_EPT);
	put_controls(target, VMCS_EXIT_CONTROLS, cpu->exit,
		     EXIT_HOST_ADDRESS_SPACE_SIZE | EXIT_LOAD_IA32_PAT | EXIT_LOAD_IA32_EFER);
	put_controls(target, VMCS_ENTRY_CONTROLS, cpu->entry,
		     ENTRY_LOAD_DEBUG_CONTROLS | ENTRY_IA32E_MODE_GUEST | ENTRY_LOAD_IA32_PAT |
			     ENTRY_LOAD_IA32_EFER);
}

/* ES, CS, SS, DS, FS, GS: their fields lie at the same distance from one to the next. */
static void write_segments(const struct entry_target *target, uint32_t code, uint32_t data,
			   uint32_t limit)
{
	for (uint32_t i = 0; i < 12; i += 2) {
		bool is_code = VMCS_GUEST_ES_SELECTOR + i == VMCS_GUEST_CS_SELECTOR;

		put(target, VMCS_GUEST_ES_SELECTOR + i, is_code ? 0x08 : 0x10);
		put(target, VMCS_GUEST_ES_BASE + i, 0);
		put(target, VMCS_GUEST_ES_LIMIT + i, limit);
		put(target, VMCS_GUEST_ES_ACCESS_RIGHTS + i, is_code ? code : data);
	}
}

static void write_guest(const struct entry_target *target)
{
	static const uint32_t zero[] = {
		VMCS_GUEST_LDTR_SELECTOR,
		VMCS_GUEST_LDTR_BASE,
		VMCS_GUEST_LDTR_LIMIT,
		VMCS_GUEST_TR_SELECTOR,
		VMCS_GUEST_TR_BASE,
		VMCS_GUEST_GDTR_BASE,
		VMCS_GUEST_GDTR_LIMIT,
		VMCS_GUEST_IDTR_BASE,
		VMCS_GUEST_IDTR_LIMIT,
		VMCS_GUEST_INTERRUPTIBILITY,
		VMCS_GUEST_ACTIVITY_STATE,
		VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS,
		VMCS_GUEST_SYSENTER_CS,
		VMCS_GUEST_SYSENTER_ESP,
		VMCS_GUEST_SYSENTER_EIP,
		VMCS_GUEST_IA32_DEBUGCTL,
		VMCS_GUEST_CR3,
		VMCS_GUEST_RSP,
		VMCS_GUEST_PDPTE0,
		VMCS_GUEST_PDPTE1,
		VMCS_GUEST_PDPTE2,
		VMCS_GUEST_PDPTE3,
		VMCS_GUEST_IA32_PERF_GLOBAL_CTRL,
		VMCS_GUEST_IA32_BNDCFGS,
		VMCS_GUEST_IA32_RTIT_CTL,
		VMCS_GUEST_IA32_LBR_CTL,
		VMCS_GUEST_IA32_PKRS,
		VMCS_GUEST_IA32_SPEC_CTRL,
		VMCS_GUEST_IA32_S_CET,
		VMCS_GUEST_SSP,
		VMCS_GUEST_SSP_TABLE_ADDRESS,
		VMCS_GUEST_INTERRUPT_STATUS,
		VMCS_GUEST_UINV,
	};
	const struct entry_cpu *cpu = target->cpu;

	for (unsigned int i = 0; i < ARRAY_SIZE(zero); i++)
		put(target, zero[i], 0);
	write_segments(target, CODE64_RIGHTS, DATA_RIGHTS, UINT32_MAX);
	put(target, VMCS_GUEST_TR_LIMIT, 0x67);
	put(target, VMCS_GUEST_TR_ACCESS_RIGHTS, TSS_RIGHTS);
	put(target, VMCS_GUEST_LDTR_ACCESS_RIGHTS, ACCESS_RIGHTS_UNUSABLE);
	put(target, VMCS_GUEST_CR0,
	    (cpu->cr0_fixed0 | CR0_PE | CR0_NE | CR0_WP | CR0_PG) & cpu->cr0_fixed1);
	put(target, VMCS_GUEST_CR4, cpu->cr4_fixed0 | CR4_PAE);
	put(target, VMCS_GUEST_DR7, DR7_AT_RESET);
	put(target, VMCS_GUEST_RIP, 0x1000);
	put(target, VMCS_GUEST_RFLAGS, RFLAGS_FIXED);
	put(target, VMCS_GUEST_IA32_PAT, PAT_AT_RESET);
	put(target, VMCS_GUEST_IA32_EFER, EFER_LME | EFER_LMA);
	put(target, VMCS_VMCS_LINK_POINTER, NO_LINK);
	put(target, VMCS_PREEMPTION_TIMER, TIMER_TICKS);
}

/* What the other guests have different from the 64-bit one. */
static bool change_base(const struct entry_target *target, enum entry_base base)
{
	static const struct entry_change legacy[ENTRY_CHANGES] = {
		CLEAR_CONTROL(ENTRY, IA32E_MODE_GUEST),
		PUT(GUEST_IA32_EFER, 0),
		CLEAR(GUEST_CR4, CR4_PAE),
		PUT(GUEST_CS_ACCESS_RIGHTS, CODE32_RIGHTS),
	};
	static const struct entry_change pae[ENTRY_CHANGES] = {SET(GUEST_CR4, CR4_PAE)};
	static const struct entry_change v8086[ENTRY_CHANGES] = {
		SET(GUEST_RFLAGS, RFLAGS_VM), PUT(GUEST_CS_BASE, 0x80),	 PUT(GUEST_SS_BASE, 0x100),
		PUT(GUEST_ES_BASE, 0x100),    PUT(GUEST_DS_BASE, 0x100),
	};
	static const struct entry_change v8086_more[ENTRY_CHANGES] = {
		PUT(GUEST_FS_BASE, 0x100),
		PUT(GUEST_GS_BASE, 0x100),
	};
	static const struct entry_change real[ENTRY_CHANGES] = {
		SET_CONTROL(SECONDARY, UNRESTRICTED_GUEST),
		CLEAR(GUEST_CR0, CR0_PE | CR0_PG),
	};

	if (base == BASE_64)
		return true;
	if (!entry_changes_make(target, legacy))
		return false;
	if (base == BASE_PAE)
		return entry_changes_make(target, pae);
	if (base == BASE_V8086) {
		write_segments(target, V8086_RIGHTS, V8086_RIGHTS, 0xffff);
		return entry_changes_make(target, v8086) && entry_changes_make(target, v8086_more);
	}
	if (base == BASE_REAL) {
		write_segments(target, REAL_CODE, REAL_DATA, 0xffff);
		return entry_changes_make(target, real);
	}
	return true;
}

bool entry_base_write(const struct entry_target *target, enum entry_base base)
{
	write_pages(target);
	write_controls(target);
	write_guest(target);
	return (target->cpu->secondary >> 32 & SECONDARY_ENABLE_EPT) && change_base(target, base);
}
