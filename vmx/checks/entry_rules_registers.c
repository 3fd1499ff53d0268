/* Guest control registers, debug registers and MSRs: SDM Vol. 3C 26.3.1.1. */
#include "vmx/checks/entry_state.h"

#define SECTION "26.3.1.1"
#define STAGE	ENTRY_GUEST

#define CR0_NOT_CHECKED	  (CR0_NW | CR0_CD) /* VM entries do not change them */
#define BNDCFGS_RESERVED  0xffcull
#define BNDCFGS_DIRECTORY (~0xfffull)

/* What an unrestricted guest is free to choose. */
static uint64_t not_checked(const struct entry_state *state)
{
	return CR0_NOT_CHECKED | (state->unrestricted ? CR0_PE | CR0_PG : 0);
}

static PREDICATE(has_cr0_ones)
{
	(void)rule;
	return !(state->cpu->cr0_fixed0 & ~value & ~not_checked(state));
}

static PREDICATE(has_cr0_zeros)
{
	(void)rule;
	return !(value & ~state->cpu->cr0_fixed1 & ~not_checked(state));
}

static PREDICATE(pages_in_protected_mode)
{
	(void)state;
	(void)rule;
	return !(value & CR0_PG) || (value & CR0_PE);
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

static PREDICATE(is_debugctl)
{
	(void)rule;
	return !(value & state->cpu->debugctl_reserved);
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

static PREDICATE(lma_is_of_control)
{
	(void)rule;
	return state->ia32e == !!(value & EFER_LMA);
}

static PREDICATE(lme_is_lma)
{
	(void)rule;
	return !(state->guest_cr0 & CR0_PG) || !(value & EFER_LME) == !(value & EFER_LMA);
}

static PREDICATE(has_canonical_directory)
{
	return entry_is_canonical(state, rule, value & BNDCFGS_DIRECTORY);
}

static PREDICATE(is_rtit_ctl)
{
	(void)rule;
	return !(value & state->cpu->rtit_ctl_reserved);
}

static PREDICATE(is_s_cet)
{
	(void)rule;
	return !(value & state->cpu->s_cet_reserved);
}

static PREDICATE(is_lbr_ctl)
{
	(void)rule;
	return !(value & state->cpu->lbr_ctl_reserved);
}

static PREDICATE(is_spec_ctrl)
{
	(void)rule;
	return !(value & state->cpu->spec_ctrl_reserved);
}

static CONDITION(is_ia32e)
{
	(void)rule;
	return state->ia32e;
}

static CONDITION(is_legacy)
{
	(void)rule;
	return !state->ia32e;
}

static const struct entry_rule rules_registers[] = {
	ROW("guest-cr0-fixed-1", GUEST_CR0,
	    "bits that IA32_VMX_CR0_FIXED0 has at 1 must be 1 (but PE and PG of an unrestricted "
	    "guest)",
	    .holds = has_cr0_ones),
	ROW("guest-cr0-fixed-0", GUEST_CR0, "bits that IA32_VMX_CR0_FIXED1 has at 0 must be 0",
	    .holds = has_cr0_zeros),
	ROW("guest-cr0-pg", GUEST_CR0, "PG (bit 31) takes PE (bit 0)",
	    .holds = pages_in_protected_mode),
	ROW("guest-cr4-fixed-1", GUEST_CR4, "bits that IA32_VMX_CR4_FIXED0 has at 1 must be 1",
	    .holds = has_cr4_ones),
	ROW("guest-cr4-fixed-0", GUEST_CR4, "bits that IA32_VMX_CR4_FIXED1 has at 0 must be 0",
	    .holds = has_cr4_zeros),
	ROW("guest-cr4-cet", GUEST_CR4, "CET (bit 23) takes CR0.WP", .holds = entry_cr4_cet_has_wp,
	    .bits = VMCS_GUEST_CR0),
	ROW("guest-debugctl", GUEST_IA32_DEBUGCTL, "reserved bits must be 0",
	    ON(ENTRY, LOAD_DEBUG_CONTROLS), .holds = is_debugctl),
	ROW("guest-cr0-ia32e", GUEST_CR0, "PG (bit 31) must be 1 in IA-32e mode",
	    .applies = is_ia32e, ONES(CR0_PG)),
	ROW("guest-cr4-ia32e", GUEST_CR4, "PAE (bit 5) must be 1 in IA-32e mode",
	    .applies = is_ia32e, ONES(CR4_PAE)),
	ROW("guest-cr4-pcide", GUEST_CR4, "PCIDE (bit 17) must be 0 outside of IA-32e mode",
	    .applies = is_legacy, ZERO(CR4_PCIDE)),
	ROW("guest-cr3", GUEST_CR3, "no bit beyond the physical-address width may be 1",
	    .holds = entry_is_cr3),
	ROW("guest-dr7", GUEST_DR7, "bits 63:32 must be 0", ON(ENTRY, LOAD_DEBUG_CONTROLS),
	    ZERO(HIGH_HALF)),
	ROW("guest-sysenter-esp", GUEST_SYSENTER_ESP, "it must be canonical",
	    .holds = entry_is_canonical),
	ROW("guest-sysenter-eip", GUEST_SYSENTER_EIP, "it must be canonical",
	    .holds = entry_is_canonical),
	ROW("guest-perf-global-ctrl", GUEST_IA32_PERF_GLOBAL_CTRL, "reserved bits must be 0",
	    ON(ENTRY, LOAD_PERF_GLOBAL_CTRL), .holds = is_perf_global_ctrl),
	ROW("guest-pat", GUEST_IA32_PAT, "each byte must be 0, 1, 4, 5, 6 or 7",
	    ON(ENTRY, LOAD_IA32_PAT), .holds = entry_is_pat),
	ROW("guest-efer-reserved", GUEST_IA32_EFER, "reserved bits must be 0",
	    ON(ENTRY, LOAD_IA32_EFER), .holds = is_efer),
	ROW("guest-efer-lma", GUEST_IA32_EFER, "LMA (bit 10) must equal \"IA-32e mode guest\"",
	    ON(ENTRY, LOAD_IA32_EFER), .holds = lma_is_of_control),
	ROW("guest-efer-lme", GUEST_IA32_EFER,
	    "LME (bit 8) must equal LMA (bit 10) where CR0.PG is 1", ON(ENTRY, LOAD_IA32_EFER),
	    .holds = lme_is_lma),
	ROW("guest-bndcfgs-reserved", GUEST_IA32_BNDCFGS, "bits 11:2 must be 0",
	    ON(ENTRY, LOAD_BNDCFGS), ZERO(BNDCFGS_RESERVED)),
	ROW("guest-bndcfgs", GUEST_IA32_BNDCFGS, "the address in bits 63:12 must be canonical",
	    ON(ENTRY, LOAD_BNDCFGS), .holds = has_canonical_directory),
	ROW("guest-rtit-ctl", GUEST_IA32_RTIT_CTL, "reserved bits must be 0",
	    ON(ENTRY, LOAD_RTIT_CTL), .holds = is_rtit_ctl),
	ROW("guest-s-cet-reserved", GUEST_IA32_S_CET, "reserved bits must be 0",
	    ON(ENTRY, LOAD_CET), .holds = is_s_cet),
	ROW("guest-s-cet-tracker", GUEST_IA32_S_CET,
	    "SUPPRESS and TRACKER (bits 10 and 11) may not both be 1", ON(ENTRY, LOAD_CET),
	    .holds = entry_s_cet_tracks),
	ROW("guest-s-cet-high", GUEST_IA32_S_CET, "bits 63:32 must be 0 outside of IA-32e mode",
	    ON(ENTRY, LOAD_CET), .applies = is_legacy, .some_cpus = true, ZERO(HIGH_HALF)),
	ROW("guest-s-cet", GUEST_IA32_S_CET, "it must be canonical", ON(ENTRY, LOAD_CET),
	    .applies = is_ia32e, .some_cpus = true, .holds = entry_is_canonical),
	ROW("guest-ssp-table", GUEST_SSP_TABLE_ADDRESS, "it must be canonical", ON(ENTRY, LOAD_CET),
	    .holds = entry_is_canonical),
	ROW("guest-lbr-ctl", GUEST_IA32_LBR_CTL, "reserved bits must be 0", ON(ENTRY, LOAD_LBR_CTL),
	    .holds = is_lbr_ctl),
	ROW("guest-pkrs", GUEST_IA32_PKRS, "bits 63:32 must be 0", ON(ENTRY, LOAD_PKRS),
	    ZERO(HIGH_HALF)),
	ROW("guest-uinv", GUEST_UINV, "bits 15:8 must be 0", ON(ENTRY, LOAD_UINV), ZERO(0xff00)),
	ROW("guest-spec-ctrl", GUEST_IA32_SPEC_CTRL, "reserved bits must be 0",
	    ON(ENTRY, LOAD_SPEC_CTRL), .holds = is_spec_ctrl),
};
ENTRY_RULES(rules_registers);
