/* Host state: SDM Vol. 3C 26.2.2 to 26.2.4. */
#include "vmx/checks/entry_state.h"

#define STAGE ENTRY_HOST

#define CR0_NOT_CHECKED (CR0_NW | CR0_CD) /* VM exits do not change them */
#define RPL_AND_TI	7

static PREDICATE(has_cr0_ones)
{
	(void)rule;
	return !(state->cpu->cr0_fixed0 & ~value & ~CR0_NOT_CHECKED);
}

static PREDICATE(has_cr0_zeros)
{
	(void)rule;
	return !(value & ~state->cpu->cr0_fixed1 & ~CR0_NOT_CHECKED);
}

static PREDICATE(has_cr4_ones)
{
	(void)rule;
	return !(state->cpu->cr4_fixed0 & ~value);
}

static PREDICATE(has_cr4_zeros)
{
	(void)rule;
	return !(value & ~state->cpu->cr4_fixed1);
}

static PREDICATE(is_perf_global_ctrl)
{
	(void)rule;
	return !(value & state->cpu->perf_global_ctrl_reserved);
}

static PREDICATE(is_efer)
{
	(void)rule;
	return !(value & state->cpu->efer_reserved);
}

/* rule->bits is LMA or LME. */
static PREDICATE(is_of_host_size)
{
	return entry_on(state, WORD_EXIT, EXIT_HOST_ADDRESS_SPACE_SIZE) == !!(value & rule->bits);
}

static PREDICATE(is_spec_ctrl)
{
	(void)rule;
	return !(value & state->cpu->spec_ctrl_reserved);
}

static PREDICATE(is_s_cet)
{
	(void)rule;
	return !(value & state->cpu->s_cet_reserved);
}

static CONDITION(in_long_mode)
{
	(void)rule;
	return state->cpu->long_mode;
}

static CONDITION(in_legacy_mode)
{
	(void)rule;
	return !state->cpu->long_mode;
}

static CONDITION(host_is_64)
{
	(void)rule;
	return entry_on(state, WORD_EXIT, EXIT_HOST_ADDRESS_SPACE_SIZE);
}

static CONDITION(host_is_32)
{
	return !host_is_64(state, rule);
}

#define SELECTOR_ROW(name, reg)                                                                    \
	ROW("host-" name "-selector", HOST_##reg##_SELECTOR, "RPL and TI (bits 2:0) must be 0",    \
	    ZERO(RPL_AND_TI))

/* By the paging that a VM exit brings. */
static PREDICATE(is_canonical_there)
{
	(void)rule;
	return is_canonical(value, entry_read(state, VMCS_HOST_CR4) & CR4_LA57 ? 57 : 48);
}

#define CANONICAL_ROW(name, field)                                                                 \
	ROW("host-" name, HOST_##field, "it must be canonical", .holds = entry_is_canonical)

static const struct entry_rule rules_host[] = {
#define SECTION "26.2.2"
	ROW("host-cr0-fixed-1", HOST_CR0, "bits that IA32_VMX_CR0_FIXED0 has at 1 must be 1",
	    .holds = has_cr0_ones),
	ROW("host-cr0-fixed-0", HOST_CR0, "bits that IA32_VMX_CR0_FIXED1 has at 0 must be 0",
	    .holds = has_cr0_zeros),
	ROW("host-cr4-fixed-1", HOST_CR4, "bits that IA32_VMX_CR4_FIXED0 has at 1 must be 1",
	    .holds = has_cr4_ones),
	ROW("host-cr4-fixed-0", HOST_CR4, "bits that IA32_VMX_CR4_FIXED1 has at 0 must be 0",
	    .holds = has_cr4_zeros),
	ROW("host-cr4-cet", HOST_CR4, "CR4.CET takes CR0.WP", .holds = entry_cr4_cet_has_wp,
	    .bits = VMCS_HOST_CR0),
	ROW("host-cr3", HOST_CR3, "no bit beyond the physical-address width may be 1",
	    .holds = entry_is_cr3),
	CANONICAL_ROW("sysenter-esp", SYSENTER_ESP),
	CANONICAL_ROW("sysenter-eip", SYSENTER_EIP),
	ROW("host-perf-global-ctrl", HOST_IA32_PERF_GLOBAL_CTRL, "reserved bits must be 0",
	    ON(EXIT, LOAD_PERF_GLOBAL_CTRL), .holds = is_perf_global_ctrl),
	ROW("host-pat", HOST_IA32_PAT, "each byte must be 0, 1, 4, 5, 6 or 7",
	    ON(EXIT, LOAD_IA32_PAT), .holds = entry_is_pat),
	ROW("host-efer-reserved", HOST_IA32_EFER, "reserved bits must be 0",
	    ON(EXIT, LOAD_IA32_EFER), .holds = is_efer),
	ROW("host-efer-lma", HOST_IA32_EFER, "LMA (bit 10) must equal \"host address-space size\"",
	    ON(EXIT, LOAD_IA32_EFER), .holds = is_of_host_size, .bits = EFER_LMA),
	ROW("host-efer-lme", HOST_IA32_EFER, "LME (bit 8) must equal \"host address-space size\"",
	    ON(EXIT, LOAD_IA32_EFER), .holds = is_of_host_size, .bits = EFER_LME),
	ROW("host-s-cet-reserved", HOST_IA32_S_CET, "reserved bits must be 0", ON(EXIT, LOAD_CET),
	    .holds = is_s_cet),
	ROW("host-s-cet-tracker", HOST_IA32_S_CET,
	    "SUPPRESS and TRACKER (bits 10 and 11) may not both be 1", ON(EXIT, LOAD_CET),
	    .holds = entry_s_cet_tracks),
	ROW("host-ssp-aligned", HOST_SSP, "bits 1:0 must be 0", ON(EXIT, LOAD_CET), ZERO(3)),
	ROW("host-pkrs", HOST_IA32_PKRS, "bits 63:32 must be 0", ON(EXIT, LOAD_PKRS),
	    ZERO(HIGH_HALF)),
	ROW("host-spec-ctrl", HOST_IA32_SPEC_CTRL, "reserved bits must be 0",
	    ON(SECONDARY_EXIT, LOAD_SPEC_CTRL), .holds = is_spec_ctrl),
#undef SECTION
#define SECTION "26.2.3"
	SELECTOR_ROW("es", ES),
	SELECTOR_ROW("cs", CS),
	SELECTOR_ROW("ss", SS),
	SELECTOR_ROW("ds", DS),
	SELECTOR_ROW("fs", FS),
	SELECTOR_ROW("gs", GS),
	SELECTOR_ROW("tr", TR),
	ROW("host-cs-null", HOST_CS_SELECTOR, "it may not be 0", .holds = entry_is_not_0),
	ROW("host-tr-null", HOST_TR_SELECTOR, "it may not be 0", .holds = entry_is_not_0),
	ROW("host-ss-null", HOST_SS_SELECTOR,
	    "it may not be 0 where \"host address-space size\" is 0", .applies = host_is_32,
	    .holds = entry_is_not_0),
	CANONICAL_ROW("fs-base", FS_BASE),
	CANONICAL_ROW("gs-base", GS_BASE),
	CANONICAL_ROW("gdtr-base", GDTR_BASE),
	CANONICAL_ROW("idtr-base", IDTR_BASE),
	CANONICAL_ROW("tr-base", TR_BASE),
#undef SECTION
#define SECTION "26.2.4"
	ROW("guest-size-legacy", ENTRY_CONTROLS,
	    "\"IA-32e mode guest\" must be 0 outside of IA-32e mode", .applies = in_legacy_mode,
	    ZERO(ENTRY_IA32E_MODE_GUEST)),
	ROW("host-size-legacy", EXIT_CONTROLS,
	    "\"host address-space size\" must be 0 outside of IA-32e mode",
	    .applies = in_legacy_mode, ZERO(EXIT_HOST_ADDRESS_SPACE_SIZE)),
	ROW("host-size-ia32e", EXIT_CONTROLS,
	    "\"host address-space size\" must be 1 in IA-32e mode", .applies = in_long_mode,
	    ONES(EXIT_HOST_ADDRESS_SPACE_SIZE)),
	ROW("guest-size-host-32", ENTRY_CONTROLS,
	    "\"IA-32e mode guest\" takes \"host address-space size\"", .applies = host_is_32,
	    ZERO(ENTRY_IA32E_MODE_GUEST)),
	ROW("host-cr4-pcide", HOST_CR4,
	    "PCIDE (bit 17) must be 0 where \"host address-space size\" is 0",
	    .applies = host_is_32, ZERO(CR4_PCIDE)),
	ROW("host-rip-high", HOST_RIP,
	    "bits 63:32 must be 0 where \"host address-space size\" is 0", .applies = host_is_32,
	    ZERO(HIGH_HALF)),
	ROW("host-s-cet-high", HOST_IA32_S_CET,
	    "bits 63:32 must be 0 where \"host address-space size\" is 0", ON(EXIT, LOAD_CET),
	    .applies = host_is_32, ZERO(HIGH_HALF)),
	ROW("host-ssp-high", HOST_SSP,
	    "bits 63:32 must be 0 where \"host address-space size\" is 0", ON(EXIT, LOAD_CET),
	    .applies = host_is_32, ZERO(HIGH_HALF)),
	ROW("host-cr4-pae", HOST_CR4,
	    "PAE (bit 5) must be 1 where \"host address-space size\" is 1", .applies = host_is_64,
	    ONES(CR4_PAE)),
	ROW("host-rip", HOST_RIP, "it must be canonical", .applies = host_is_64,
	    .holds = is_canonical_there),
	ROW("host-s-cet", HOST_IA32_S_CET, "it must be canonical", ON(EXIT, LOAD_CET),
	    .applies = host_is_64, .holds = entry_is_canonical),
	ROW("host-ssp", HOST_SSP, "it must be canonical", ON(EXIT, LOAD_CET), .applies = host_is_64,
	    .holds = entry_is_canonical),
	ROW("host-ssp-table", HOST_SSP_TABLE_ADDRESS, "it must be canonical", ON(EXIT, LOAD_CET),
	    .holds = entry_is_canonical),
};
ENTRY_RULES(rules_host);
