/* VM-entry control fields and event injection: SDM Vol. 3C 26.2.1.3. */
#include "vmx/checks/entry_state.h"

#define SECTION "26.2.1.3"
#define STAGE	ENTRY_CONTROLS

#define TYPE(event)   ((event)&INTERRUPTION_TYPE)
#define VECTOR(event) ((event)&INTERRUPTION_VECTOR)

#define CR4_FRED BIT(32)

/* The exceptions that bring an error code (SDM Vol. 3A table 6-1), but #CP: see BASIC[56]. */
#define WITH_ERROR_CODE                                                                            \
	(BIT(VECTOR_DF) | BIT(VECTOR_TS) | BIT(VECTOR_NP) | BIT(VECTOR_SS) | BIT(VECTOR_GP) |      \
	 BIT(VECTOR_PF) | BIT(VECTOR_AC))

static PREDICATE(has_type)
{
	(void)rule;
	if (TYPE(value) == TYPE_OTHER_EVENT)
		return state->cpu->primary >> 32 & PRIMARY_MONITOR_TRAP_FLAG;
	return TYPE(value) != TYPE_RESERVED;
}

static PREDICATE(nmi_has_vector_2)
{
	(void)state;
	(void)rule;
	return TYPE(value) != TYPE_NMI || VECTOR(value) == VECTOR_NMI;
}

static PREDICATE(exception_has_vector)
{
	(void)state;
	(void)rule;
	return VECTOR(value) < 32;
}

/* With FRED, 1 and 2 are SYSCALL and SYSENTER. */
static PREDICATE(other_event_has_vector)
{
	unsigned int last = state->guest_cr4 & CR4_FRED ? 2 : 0;

	(void)rule;
	return TYPE(value) != TYPE_OTHER_EVENT || VECTOR(value) <= last;
}

static bool in_protected_mode(const struct entry_state *state)
{
	return !state->unrestricted || (state->guest_cr0 & CR0_PE);
}

static CONDITION(brings_error_code)
{
	return entry_injects_hardware(state, rule) && in_protected_mode(state) &&
	       !(state->cpu->basic & BASIC_ANY_ERROR_CODE) && VECTOR(state->event) < 32 &&
	       (WITH_ERROR_CODE >> VECTOR(state->event) & 1);
}

static CONDITION(brings_no_error_code)
{
	if (!entry_injects(state, rule))
		return false;
	if (!entry_injects_hardware(state, rule) || !in_protected_mode(state))
		return true;
	return !(state->cpu->basic & BASIC_ANY_ERROR_CODE) && VECTOR(state->event) < 32 &&
	       !(WITH_ERROR_CODE >> VECTOR(state->event) & 1);
}

static PREDICATE(event_is_not_reserved)
{
	uint64_t reserved = 0x7ffff000;

	(void)rule;
	if (state->cpu->basic & BASIC_NESTED_EXCEPTION)
		reserved &= ~(uint64_t)INTERRUPTION_NESTED;
	return !(value & reserved);
}

static PREDICATE(nested_is_hardware)
{
	(void)rule;
	return !(value & INTERRUPTION_NESTED) || !(state->cpu->basic & BASIC_NESTED_EXCEPTION) ||
	       TYPE(value) == TYPE_HARDWARE_EXCEPTION;
}

static CONDITION(has_error_code)
{
	return entry_injects(state, rule) && (state->event & INTERRUPTION_ERROR_CODE);
}

static CONDITION(has_length)
{
	if (!entry_injects(state, rule))
		return false;
	switch (TYPE(state->event)) {
	case TYPE_SOFTWARE_INTERRUPT:
	case TYPE_PRIVILEGED_SOFTWARE:
	case TYPE_SOFTWARE_EXCEPTION:
		return true;
	default:
		return false;
	}
}

static CONDITION(has_length_not_0)
{
	return has_length(state, rule) && !(state->cpu->misc & MISC_INSTRUCTION_LENGTH_0);
}

static PREDICATE(is_at_most_15)
{
	(void)state;
	(void)rule;
	return value <= 15;
}

static CONDITION(is_outside_smm)
{
	(void)rule;
	return !state->cpu->smm;
}

static const struct entry_rule rules_entry[] = {
	WORD_ROWS("entry", ENTRY_CONTROLS, "IA32_VMX_(TRUE_)ENTRY_CTLS"),
	ROW("event-type", ENTRY_INTERRUPTION_INFO,
	    "the type (bits 10:8) may not be 1, nor 7 without the monitor trap flag",
	    .applies = entry_injects, .holds = has_type),
	ROW("event-nmi-vector", ENTRY_INTERRUPTION_INFO, "an NMI (type 2) has vector 2",
	    .applies = entry_injects, .holds = nmi_has_vector_2),
	ROW("event-exception-vector", ENTRY_INTERRUPTION_INFO,
	    "a hardware exception (type 3) has a vector of at most 31",
	    .applies = entry_injects_hardware, .holds = exception_has_vector),
	ROW("event-other-vector", ENTRY_INTERRUPTION_INFO,
	    "another event (type 7) has vector 0, a pending MTF exit", .applies = entry_injects,
	    .holds = other_event_has_vector),
	ROW("event-error-code-missing", ENTRY_INTERRUPTION_INFO,
	    "bit 11 must be 1: in protected mode this exception brings an error code",
	    .applies = brings_error_code, ONES(INTERRUPTION_ERROR_CODE)),
	ROW("event-error-code-extra", ENTRY_INTERRUPTION_INFO,
	    "bit 11 must be 0: this event brings no error code", .applies = brings_no_error_code,
	    ZERO(INTERRUPTION_ERROR_CODE)),
	ROW("event-reserved", ENTRY_INTERRUPTION_INFO,
	    "bits 30:12 must be 0 (but 13, with IA32_VMX_BASIC[58])", .applies = entry_injects,
	    .holds = event_is_not_reserved),
	ROW("event-nested", ENTRY_INTERRUPTION_INFO,
	    "bit 13, a nested exception, is for hardware exceptions", .applies = entry_injects,
	    .holds = nested_is_hardware),
	ROW("event-error-code-bits", ENTRY_EXCEPTION_ERROR_CODE, "bits 31:16 must be 0",
	    .applies = has_error_code, ZERO(0xffff0000)),
	ROW("event-length", ENTRY_INSTRUCTION_LENGTH, "it is at most 15", .applies = has_length,
	    .holds = is_at_most_15),
	ROW("event-length-0", ENTRY_INSTRUCTION_LENGTH,
	    "it may not be 0 on this CPU (IA32_VMX_MISC[30])", .applies = has_length_not_0,
	    .holds = entry_is_not_0),
	MSR_AREA_ROWS("entry-msr-load", ENTRY_MSR_LOAD),
	ROW("entry-to-smm", ENTRY_CONTROLS, "\"entry to SMM\" must be 0 outside of SMM",
	    .applies = is_outside_smm, ZERO(ENTRY_TO_SMM)),
	ROW("deactivate-dual-monitor", ENTRY_CONTROLS,
	    "\"deactivate dual-monitor treatment\" must be 0 outside of SMM",
	    .applies = is_outside_smm, ZERO(ENTRY_DEACTIVATE_DUAL_MONITOR)),
	ROW("smm-both", ENTRY_CONTROLS,
	    "\"entry to SMM\" and \"deactivate dual-monitor treatment\" may not both be 1",
	    ON(ENTRY, TO_SMM), ZERO(ENTRY_DEACTIVATE_DUAL_MONITOR)),
};
ENTRY_RULES(rules_entry);
