/*
 * Guest non-register state: SDM Vol. 3C 26.3.1.5. The link pointer of an entry that leaves SMM is
 * not looked at.
 */
#include "vmx/checks/entry_state.h"

#define SECTION "26.3.1.5"
#define STAGE	ENTRY_GUEST

#define BLOCKING_RESERVED 0xffffffe0
#define NO_LINK		  UINT64_MAX
#define TYPE(event)	  ((event)&INTERRUPTION_TYPE)
#define VECTOR(event)	  ((event)&INTERRUPTION_VECTOR)

static bool injects(const struct entry_state *state, uint32_t type)
{
	return (state->event & INTERRUPTION_VALID) && TYPE(state->event) == type;
}

static CONDITION(injects_interrupt)
{
	(void)rule;
	return injects(state, TYPE_EXTERNAL_INTERRUPT);
}

static CONDITION(injects_nmi)
{
	(void)rule;
	return injects(state, TYPE_NMI);
}

static CONDITION(injects_virtual_nmi)
{
	(void)rule;
	return injects(state, TYPE_NMI) && entry_on(state, WORD_PIN, PIN_VIRTUAL_NMIS);
}

static PREDICATE(is_activity_state)
{
	(void)rule;
	return value == ACTIVITY_ACTIVE ||
	       (value <= ACTIVITY_WAIT_FOR_SIPI && (state->cpu->misc & MISC_ACTIVITY_STATE(value)));
}

static PREDICATE(halts_at_cpl_0)
{
	(void)rule;
	return value != ACTIVITY_HLT || !(state->ss_rights & ACCESS_RIGHTS_DPL);
}

static PREDICATE(is_active_where_blocked)
{
	(void)rule;
	return value == ACTIVITY_ACTIVE ||
	       !(state->interruptibility & (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS));
}

static PREDICATE(wakes_from_hlt)
{
	uint32_t vector = VECTOR(state->event);

	(void)rule;
	if (value != ACTIVITY_HLT)
		return true;
	switch (TYPE(state->event)) {
	case TYPE_EXTERNAL_INTERRUPT:
	case TYPE_NMI:
		return true;
	case TYPE_HARDWARE_EXCEPTION:
		return vector == VECTOR_DB || vector == VECTOR_MC;
	case TYPE_OTHER_EVENT:
		return vector == 0;
	default:
		return false;
	}
}

static PREDICATE(wakes_from_shutdown)
{
	(void)rule;
	return value != ACTIVITY_SHUTDOWN || TYPE(state->event) == TYPE_NMI ||
	       (TYPE(state->event) == TYPE_HARDWARE_EXCEPTION && VECTOR(state->event) == VECTOR_MC);
}

static PREDICATE(waits_for_no_sipi)
{
	(void)state;
	(void)rule;
	return value != ACTIVITY_WAIT_FOR_SIPI;
}

static PREDICATE(blocks_by_one)
{
	uint32_t both = BLOCKING_BY_STI | BLOCKING_BY_MOV_SS;

	(void)state;
	(void)rule;
	return (value & both) != both;
}

static CONDITION(has_if_clear)
{
	(void)rule;
	return !(state->rflags & RFLAGS_IF);
}

static CONDITION(is_outside_smm)
{
	(void)rule;
	return !state->cpu->smm;
}

static CONDITION(has_no_sgx)
{
	(void)rule;
	return !state->cpu->sgx;
}

static CONDITION(is_in_enclave)
{
	(void)rule;
	return state->interruptibility & INTERRUPTED_ENCLAVE;
}

static PREDICATE(debug_is_not_reserved)
{
	uint64_t reserved = ~0x1ffffull | 0xff0 | BIT(13) | BIT(15);

	(void)rule;
	if (state->cpu->bus_lock_debug)
		reserved &= ~PENDING_DEBUG_BLD;
	return !(value & reserved);
}

static bool pending_counts(const struct entry_state *state)
{
	return (state->interruptibility & (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS)) ||
	       state->activity == ACTIVITY_HLT;
}

static bool traps_each_instruction(const struct entry_state *state)
{
	return (state->rflags & RFLAGS_TF) &&
	       !(entry_read(state, VMCS_GUEST_IA32_DEBUGCTL) & DEBUGCTL_BTF);
}

static CONDITION(has_trapped)
{
	(void)rule;
	return pending_counts(state) && traps_each_instruction(state);
}

static CONDITION(cannot_have_trapped)
{
	(void)rule;
	return pending_counts(state) && !traps_each_instruction(state);
}

static CONDITION(has_rtm_pending)
{
	(void)rule;
	return state->value & PENDING_DEBUG_RTM;
}

static CONDITION(has_rtm_pending_without_rtm)
{
	return has_rtm_pending(state, rule) && !state->cpu->rtm;
}

static PREDICATE(rtm_is_alone)
{
	(void)state;
	(void)rule;
	return (value & 0x1fffff) == (PENDING_DEBUG_RTM | PENDING_DEBUG_ENABLED);
}

static PREDICATE(blocks_not_by_mov_ss)
{
	(void)rule;
	(void)value;
	return !(state->interruptibility & BLOCKING_BY_MOV_SS);
}

static CONDITION(has_link)
{
	(void)rule;
	return state->value != NO_LINK;
}

/* The first word of the VMCS that the link pointer names. */
static bool read_link(const struct entry_state *state, uint64_t link, uint32_t *word)
{
	const struct entry_source *source = state->source;

	return !(link & 0xfff) && source->read_memory &&
	       source->read_memory(source->arg, link, word, sizeof(*word));
}

static PREDICATE(links_revision)
{
	uint32_t word;

	(void)rule;
	return !read_link(state, value, &word) ||
	       (word & BASIC_REVISION) == (state->cpu->basic & BASIC_REVISION);
}

static PREDICATE(links_shadow)
{
	bool shadowing = entry_on(state, WORD_SECONDARY, SECONDARY_VMCS_SHADOWING);
	uint32_t word;

	(void)rule;
	return !read_link(state, value, &word) || !!(word & VMCS_SHADOW_INDICATOR) == shadowing;
}

static PREDICATE(links_another)
{
	(void)rule;
	return value != state->source->current_vmcs ||
	       (state->cpu->smm && !entry_on(state, WORD_ENTRY, ENTRY_TO_SMM));
}

static const struct entry_rule rules_activity[] = {
	ROW("activity-state", GUEST_ACTIVITY_STATE,
	    "it must be 0, or 1 to 3 as IA32_VMX_MISC[8:6] allow", .holds = is_activity_state),
	ROW("activity-hlt-dpl", GUEST_ACTIVITY_STATE,
	    "it may not be 1 (HLT) where the DPL of SS is not 0", .holds = halts_at_cpl_0),
	ROW("activity-blocked", GUEST_ACTIVITY_STATE,
	    "it must be 0 (active) where STI or MOV SS blocks", .holds = is_active_where_blocked),
	ROW("activity-hlt-event", GUEST_ACTIVITY_STATE,
	    "1 (HLT) allows interrupts, NMI, #DB, #MC and MTF to be injected",
	    .applies = entry_injects, .holds = wakes_from_hlt),
	ROW("activity-shutdown-event", GUEST_ACTIVITY_STATE,
	    "2 (shutdown) allows NMI and #MC to be injected", .applies = entry_injects,
	    .holds = wakes_from_shutdown),
	ROW("activity-sipi-event", GUEST_ACTIVITY_STATE,
	    "3 (wait-for-SIPI) allows nothing to be injected", .applies = entry_injects,
	    .holds = waits_for_no_sipi),
	ROW("activity-sipi-smm", GUEST_ACTIVITY_STATE,
	    "it may not be 3 (wait-for-SIPI) with \"entry to SMM\"", ON(ENTRY, TO_SMM),
	    .holds = waits_for_no_sipi),
	ROW("blocking-reserved", GUEST_INTERRUPTIBILITY, "bits 31:5 must be 0",
	    ZERO(BLOCKING_RESERVED)),
	ROW("blocking-sti-mov-ss", GUEST_INTERRUPTIBILITY,
	    "STI and MOV SS (bits 0 and 1) may not both block", .holds = blocks_by_one),
	ROW("blocking-sti-if", GUEST_INTERRUPTIBILITY,
	    "STI (bit 0) may not block where RFLAGS.IF is 0", .applies = has_if_clear,
	    ZERO(BLOCKING_BY_STI)),
	ROW("blocking-interrupt-sti", GUEST_INTERRUPTIBILITY,
	    "STI (bit 0) may not block where an external interrupt is injected",
	    .applies = injects_interrupt, ZERO(BLOCKING_BY_STI)),
	ROW("blocking-interrupt-mov-ss", GUEST_INTERRUPTIBILITY,
	    "MOV SS (bit 1) may not block where an external interrupt is injected",
	    .applies = injects_interrupt, ZERO(BLOCKING_BY_MOV_SS)),
	ROW("blocking-nmi-mov-ss", GUEST_INTERRUPTIBILITY,
	    "MOV SS (bit 1) may not block where an NMI is injected", .applies = injects_nmi,
	    ZERO(BLOCKING_BY_MOV_SS)),
	ROW("blocking-smi", GUEST_INTERRUPTIBILITY, "SMI (bit 2) may not be blocked outside of SMM",
	    .applies = is_outside_smm, ZERO(BLOCKING_BY_SMI)),
	ROW("blocking-smi-entry", GUEST_INTERRUPTIBILITY,
	    "SMI (bit 2) must be blocked with \"entry to SMM\"", ON(ENTRY, TO_SMM),
	    ONES(BLOCKING_BY_SMI)),
	ROW("blocking-nmi-sti", GUEST_INTERRUPTIBILITY,
	    "some CPUs: STI (bit 0) may not block where an NMI is injected", .applies = injects_nmi,
	    ZERO(BLOCKING_BY_STI), .some_cpus = true),
	ROW("blocking-nmi", GUEST_INTERRUPTIBILITY,
	    "NMI (bit 3) may not be blocked where one is injected, with \"virtual NMIs\"",
	    .applies = injects_virtual_nmi, ZERO(BLOCKING_BY_NMI)),
	ROW("enclave-mov-ss", GUEST_INTERRUPTIBILITY,
	    "with enclave interruption (bit 4) MOV SS (bit 1) may not block",
	    .applies = is_in_enclave, ZERO(BLOCKING_BY_MOV_SS)),
	ROW("enclave-sgx", GUEST_INTERRUPTIBILITY,
	    "enclave interruption (bit 4) must be 0: this CPU has no SGX", .applies = has_no_sgx,
	    ZERO(INTERRUPTED_ENCLAVE)),
	ROW("pending-debug-reserved", GUEST_PENDING_DEBUG_EXCEPTIONS,
	    "bits 11:4 (but 11, with bus-lock debug exceptions), 13, 15 and 63:17 must be 0",
	    .holds = debug_is_not_reserved),
	ROW("pending-debug-bs-1", GUEST_PENDING_DEBUG_EXCEPTIONS,
	    "BS (bit 14) must be 1 with RFLAGS.TF and no BTF where STI or MOV SS blocks, or in HLT",
	    .applies = has_trapped, ONES(PENDING_DEBUG_BS)),
	ROW("pending-debug-bs-0", GUEST_PENDING_DEBUG_EXCEPTIONS,
	    "BS (bit 14) must be 0 without RFLAGS.TF or with BTF where STI or MOV SS blocks, or in "
	    "HLT",
	    .applies = cannot_have_trapped, ZERO(PENDING_DEBUG_BS)),
	ROW("pending-debug-rtm", GUEST_PENDING_DEBUG_EXCEPTIONS,
	    "with RTM (bit 16) bit 12 must be 1, and bits 11:0 and 15:13 must be 0",
	    .applies = has_rtm_pending, .holds = rtm_is_alone),
	ROW("pending-debug-no-rtm", GUEST_PENDING_DEBUG_EXCEPTIONS,
	    "RTM (bit 16) must be 0: this CPU has no RTM", .applies = has_rtm_pending_without_rtm,
	    ZERO(PENDING_DEBUG_RTM)),
	ROW("pending-debug-rtm-mov-ss", GUEST_PENDING_DEBUG_EXCEPTIONS,
	    "with RTM (bit 16) MOV SS may not block", .applies = has_rtm_pending,
	    .holds = blocks_not_by_mov_ss),
	ROW("link-aligned", VMCS_LINK_POINTER, "bits 11:0 must be 0, or all bits 1",
	    .applies = has_link, ZERO(0xfff)),
	ROW("link-width", VMCS_LINK_POINTER,
	    "no bit beyond the physical-address width may be 1, or all bits are",
	    .applies = has_link, .holds = entry_is_in_width),
	ROW("link-revision", VMCS_LINK_POINTER,
	    "bits 30:0 there must be the VMCS revision identifier", .applies = has_link,
	    .holds = links_revision),
	ROW("link-shadow", VMCS_LINK_POINTER,
	    "bit 31 there (a shadow VMCS) must equal \"VMCS shadowing\"", .applies = has_link,
	    .holds = links_shadow),
	ROW("link-current", VMCS_LINK_POINTER, "it may not be the current VMCS",
	    .applies = has_link, .holds = links_another),
};
ENTRY_RULES(rules_activity);
