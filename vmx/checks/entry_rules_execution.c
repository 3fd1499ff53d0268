/* VM-execution control fields, but those for APICs and EPT: SDM Vol. 3C 26.2.1.1. */
#include "vmx/checks/entry_state.h"

#define SECTION "26.2.1.1"
#define STAGE	ENTRY_CONTROLS

static PREDICATE(has_tertiary)
{
	(void)rule;
	return !(value & ~state->cpu->tertiary);
}

static PREDICATE(has_vm_functions)
{
	(void)rule;
	return !(value & ~state->cpu->vm_functions);
}

static PREDICATE(has_cr3_targets)
{
	(void)rule;
	return value <= MISC_CR3_TARGETS(state->cpu->misc);
}

static PREDICATE(has_nmi_exiting)
{
	(void)state;
	(void)rule;
	return !(value & PIN_VIRTUAL_NMIS) || (value & PIN_NMI_EXITING);
}

static CONDITION(has_no_virtual_nmis)
{
	(void)rule;
	return !entry_on(state, WORD_PIN, PIN_VIRTUAL_NMIS);
}

static CONDITION(is_traced)
{
	(void)rule;
	return state->cpu->pt_enabled;
}

static const struct entry_rule rules_execution[] = {
	WORD_ROWS("pin", PIN_BASED_CONTROLS, "IA32_VMX_(TRUE_)PINBASED_CTLS"),
	WORD_ROWS("primary", PRIMARY_CONTROLS, "IA32_VMX_(TRUE_)PROCBASED_CTLS"),
	ROW("secondary-fixed-0", SECONDARY_CONTROLS,
	    "only bits that IA32_VMX_PROCBASED_CTLS2 allows may be 1",
	    ON(PRIMARY, SECONDARY_CONTROLS), .holds = entry_has_fixed_zeros),
	ROW("tertiary-fixed-0", TERTIARY_CONTROLS,
	    "only bits that IA32_VMX_PROCBASED_CTLS3 allows may be 1",
	    ON(PRIMARY, TERTIARY_CONTROLS), .holds = has_tertiary),
	ROW("cr3-target-count", CR3_TARGET_COUNT, "it is at most IA32_VMX_MISC[24:16]",
	    .holds = has_cr3_targets),
	PAGE_ROWS("io-bitmap-a", IO_BITMAP_A, ON(PRIMARY, USE_IO_BITMAPS)),
	PAGE_ROWS("io-bitmap-b", IO_BITMAP_B, ON(PRIMARY, USE_IO_BITMAPS)),
	PAGE_ROWS("msr-bitmap", MSR_BITMAP, ON(PRIMARY, USE_MSR_BITMAPS)),
	ROW("virtual-nmis", PIN_BASED_CONTROLS, "\"virtual NMIs\" takes \"NMI exiting\"",
	    .holds = has_nmi_exiting),
	ROW("nmi-window", PRIMARY_CONTROLS, "\"NMI-window exiting\" takes \"virtual NMIs\"",
	    .applies = has_no_virtual_nmis, ZERO(PRIMARY_NMI_WINDOW_EXITING)),
	ROW("vpid", VPID, "it may not be 0", ON(SECONDARY, ENABLE_VPID), .holds = entry_is_not_0),
	ROW("vm-functions", VM_FUNCTION_CONTROLS, "only bits that IA32_VMX_VMFUNC allows may be 1",
	    ON(SECONDARY, ENABLE_VM_FUNCTIONS), .holds = has_vm_functions),
	PAGE_ROWS("vmread-bitmap", VMREAD_BITMAP, ON(SECONDARY, VMCS_SHADOWING)),
	PAGE_ROWS("vmwrite-bitmap", VMWRITE_BITMAP, ON(SECONDARY, VMCS_SHADOWING)),
	PAGE_ROWS("ve-information", VE_INFORMATION_ADDRESS, ON(SECONDARY, EPT_VIOLATION_VE)),
	PAGE_ROWS("pasid-low", LOW_PASID_DIRECTORY, ON(SECONDARY, PASID_TRANSLATION)),
	PAGE_ROWS("pasid-high", HIGH_PASID_DIRECTORY, ON(SECONDARY, PASID_TRANSLATION)),
	ROW("tsc-multiplier", TSC_MULTIPLIER, "it may not be 0", ON(SECONDARY, USE_TSC_SCALING),
	    .holds = entry_is_not_0),
	ROW("pt-guest-physical-entry", ENTRY_CONTROLS,
	    "\"Intel PT uses guest physical addresses\" takes \"load IA32_RTIT_CTL\"",
	    ON(SECONDARY, PT_GUEST_PHYSICAL), ONES(ENTRY_LOAD_RTIT_CTL)),
	ROW("pt-guest-physical-exit", EXIT_CONTROLS,
	    "\"Intel PT uses guest physical addresses\" takes \"clear IA32_RTIT_CTL\"",
	    ON(SECONDARY, PT_GUEST_PHYSICAL), ONES(EXIT_CLEAR_RTIT_CTL)),
	ROW("pt-enabled", ENTRY_CONTROLS,
	    "\"load IA32_RTIT_CTL\" must be 0 while Intel PT is enabled (TraceEn)",
	    .applies = is_traced, ZERO(ENTRY_LOAD_RTIT_CTL)),
};
ENTRY_RULES(rules_execution);
