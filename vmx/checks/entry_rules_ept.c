/* VM-execution control fields for EPT, and those that take EPT: SDM Vol. 3C 26.2.1.1. */
#include "vmx/checks/entry_state.h"

#define SECTION "26.2.1.1"
#define STAGE	ENTRY_CONTROLS

#define EPTP_UNCACHEABLE    0
#define EPTP_WRITE_BACK	    6
#define EPTP_ACCESSED_DIRTY (1u << 6)
#define EPTP_SHADOW_STACK   (1u << 7)

static PREDICATE(has_memory_type)
{
	uint64_t cap = state->cpu->ept_vpid;

	(void)rule;
	return ((value & 7) == EPTP_UNCACHEABLE && (cap & EPT_CAP_UNCACHEABLE)) ||
	       ((value & 7) == EPTP_WRITE_BACK && (cap & EPT_CAP_WRITE_BACK));
}

static PREDICATE(has_walk_length)
{
	uint64_t cap = state->cpu->ept_vpid, length = (value >> 3 & 7) + 1;

	(void)rule;
	return (length == 4 && (cap & EPT_CAP_WALK_LENGTH_4)) ||
	       (length == 5 && (cap & EPT_CAP_WALK_LENGTH_5));
}

static CONDITION(has_no_accessed_dirty)
{
	(void)rule;
	return !(state->cpu->ept_vpid & EPT_CAP_ACCESSED_DIRTY);
}

static CONDITION(has_no_shadow_stack)
{
	(void)rule;
	return !(state->cpu->ept_vpid & EPT_CAP_SHADOW_STACK);
}

static CONDITION(has_no_ept)
{
	(void)rule;
	return !entry_on(state, WORD_SECONDARY, SECONDARY_ENABLE_EPT);
}

/* What takes "enable EPT". */
#define EPT_ROW(name, word, bit, text)                                                             \
	ROW(name, word##_CONTROLS, "\"" text "\" takes \"enable EPT\"", .applies = has_no_ept,     \
	    ZERO(word##_##bit), ON(word, bit))

static const struct entry_rule rules_ept[] = {
	ROW("eptp-memory-type", EPT_POINTER,
	    "bits 2:0 must be 0 or 6, as IA32_VMX_EPT_VPID_CAP[8] and [14] allow",
	    ON(SECONDARY, ENABLE_EPT), .holds = has_memory_type),
	ROW("eptp-walk-length", EPT_POINTER,
	    "bits 5:3 must be 3 or 4, as IA32_VMX_EPT_VPID_CAP[6] and [7] allow",
	    ON(SECONDARY, ENABLE_EPT), .holds = has_walk_length),
	ROW("eptp-accessed-dirty", EPT_POINTER,
	    "bit 6 must be 0: this CPU has no accessed and dirty flags for EPT",
	    ON(SECONDARY, ENABLE_EPT), .applies = has_no_accessed_dirty, ZERO(EPTP_ACCESSED_DIRTY)),
	ROW("eptp-shadow-stack", EPT_POINTER,
	    "bit 7 must be 0: this CPU has no supervisor shadow-stack pages for EPT",
	    ON(SECONDARY, ENABLE_EPT), .applies = has_no_shadow_stack, ZERO(EPTP_SHADOW_STACK)),
	ROW("eptp-reserved", EPT_POINTER, "bits 11:8 must be 0", ON(SECONDARY, ENABLE_EPT),
	    ZERO(0xf00)),
	ROW("eptp-width", EPT_POINTER, "no bit beyond the physical-address width may be 1",
	    ON(SECONDARY, ENABLE_EPT), .holds = entry_is_in_cpu_width),
	EPT_ROW("pml-ept", SECONDARY, ENABLE_PML, "enable PML"),
	PAGE_ROWS("pml", PML_ADDRESS, ON(SECONDARY, ENABLE_PML)),
	EPT_ROW("unrestricted-ept", SECONDARY, UNRESTRICTED_GUEST, "unrestricted guest"),
	EPT_ROW("mode-based-execute-ept", SECONDARY, MODE_BASED_EXECUTE,
		"mode-based execute control for EPT"),
	EPT_ROW("sub-page-ept", SECONDARY, SUB_PAGE_WRITE, "sub-page write permissions for EPT"),
	PAGE_ROWS("sub-page-table", SPP_TABLE_POINTER, ON(SECONDARY, SUB_PAGE_WRITE)),
	EPT_ROW("pt-guest-physical-ept", SECONDARY, PT_GUEST_PHYSICAL,
		"Intel PT uses guest physical addresses"),
	ROW("eptp-switching-ept", VM_FUNCTION_CONTROLS, "\"EPTP switching\" takes \"enable EPT\"",
	    ON(VM_FUNCTION, EPTP_SWITCHING), .holds = entry_needs_ept),
	PAGE_ROWS("eptp-list", EPTP_LIST_ADDRESS, ON(VM_FUNCTION, EPTP_SWITCHING)),
	EPT_ROW("hlat-ept", TERTIARY, ENABLE_HLAT, "enable HLAT"),
	ROW("hlat-pointer-reserved", HLAT_POINTER, "bits 2:0 and 11:5 must be 0",
	    ON(TERTIARY, ENABLE_HLAT), ZERO(0xfe7)),
	ROW("hlat-pointer-width", HLAT_POINTER, "no bit beyond the physical-address width may be 1",
	    ON(TERTIARY, ENABLE_HLAT), .holds = entry_is_in_cpu_width),
	EPT_ROW("paging-write-ept", TERTIARY, EPT_PAGING_WRITE, "EPT paging-write control"),
	EPT_ROW("paging-verification-ept", TERTIARY, PAGING_VERIFICATION,
		"guest-paging verification"),
};
ENTRY_RULES(rules_ept);
