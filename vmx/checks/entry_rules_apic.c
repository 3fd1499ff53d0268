/* VM-execution control fields for virtual APICs and posted interrupts: SDM Vol. 3C 26.2.1.1. */
#include "vmx/checks/entry_state.h"

#define SECTION "26.2.1.1"
#define STAGE	ENTRY_CONTROLS

#define VTPR 0x80 /* in the virtual-APIC page (SDM Vol. 3C 29.1.1) */

static CONDITION(has_threshold)
{
	(void)rule;
	return !entry_on(state, WORD_SECONDARY, SECONDARY_VIRTUAL_INTERRUPT_DELIVERY);
}

static CONDITION(compares_threshold)
{
	return has_threshold(state, rule) &&
	       !entry_on(state, WORD_SECONDARY, SECONDARY_VIRTUALIZE_APIC_ACCESSES);
}

static PREDICATE(is_at_most_vtpr)
{
	const struct entry_source *source = state->source;
	uint64_t page = entry_read(state, VMCS_VIRTUAL_APIC_ADDRESS);
	uint8_t vtpr;

	(void)rule;
	if ((page & 0xfff) || !source->read_memory ||
	    !source->read_memory(source->arg, page + VTPR, &vtpr, sizeof(vtpr)))
		return true;
	return (value & 0xf) <= vtpr >> 4;
}

static CONDITION(has_no_tpr_shadow)
{
	(void)rule;
	return !entry_on(state, WORD_PRIMARY, PRIMARY_USE_TPR_SHADOW);
}

static PREDICATE(last_pid_is_in_width)
{
	uint64_t last = entry_read(state, VMCS_LAST_PID_POINTER_INDEX) & 0xffff;

	return entry_is_in_width(state, rule, value) &&
	       entry_is_in_width(state, rule, value + 8 * last);
}

/* What takes "use TPR shadow". */
#define TPR_SHADOW_ROW(name, word, bit, text)                                                      \
	ROW(name, word##_CONTROLS, "\"" text "\" takes \"use TPR shadow\"",                        \
	    .applies = has_no_tpr_shadow, ON(word, bit), ZERO(word##_##bit))

static const struct entry_rule rules_apic[] = {
	PAGE_ROWS("virtual-apic", VIRTUAL_APIC_ADDRESS, ON(PRIMARY, USE_TPR_SHADOW)),
	ROW("tpr-threshold", TPR_THRESHOLD, "bits 31:4 must be 0", ON(PRIMARY, USE_TPR_SHADOW),
	    .applies = has_threshold, ZERO(0xfffffff0)),
	ROW("tpr-threshold-vtpr", TPR_THRESHOLD,
	    "bits 3:0 may not be above VTPR[7:4] in the virtual-APIC page",
	    ON(PRIMARY, USE_TPR_SHADOW), .applies = compares_threshold, .holds = is_at_most_vtpr),
	PAGE_ROWS("apic-access", APIC_ACCESS_ADDRESS, ON(SECONDARY, VIRTUALIZE_APIC_ACCESSES)),
	TPR_SHADOW_ROW("x2apic-mode-tpr-shadow", SECONDARY, VIRTUALIZE_X2APIC_MODE,
		       "virtualize x2APIC mode"),
	TPR_SHADOW_ROW("apic-registers-tpr-shadow", SECONDARY, APIC_REGISTER_VIRTUALIZATION,
		       "APIC-register virtualization"),
	TPR_SHADOW_ROW("virtual-interrupts-tpr-shadow", SECONDARY, VIRTUAL_INTERRUPT_DELIVERY,
		       "virtual-interrupt delivery"),
	TPR_SHADOW_ROW("ipi-tpr-shadow", TERTIARY, IPI_VIRTUALIZATION, "IPI virtualization"),
	ROW("x2apic-mode-apic-access", SECONDARY_CONTROLS,
	    "\"virtualize x2APIC mode\" and \"virtualize APIC accesses\" may not both be 1",
	    ON(SECONDARY, VIRTUALIZE_X2APIC_MODE), ZERO(SECONDARY_VIRTUALIZE_APIC_ACCESSES)),
	ROW("virtual-interrupts-exiting", PIN_BASED_CONTROLS,
	    "\"virtual-interrupt delivery\" takes \"external-interrupt exiting\"",
	    ON(SECONDARY, VIRTUAL_INTERRUPT_DELIVERY), ONES(PIN_EXTERNAL_INTERRUPT_EXITING)),
	ROW("posted-virtual-interrupts", SECONDARY_CONTROLS,
	    "\"process posted interrupts\" takes \"virtual-interrupt delivery\"",
	    ON(PIN, POSTED_INTERRUPTS), ONES(SECONDARY_VIRTUAL_INTERRUPT_DELIVERY)),
	ROW("posted-acknowledge", EXIT_CONTROLS,
	    "\"process posted interrupts\" takes \"acknowledge interrupt on exit\"",
	    ON(PIN, POSTED_INTERRUPTS), ONES(EXIT_ACKNOWLEDGE_INTERRUPT)),
	ROW("posted-vector", POSTED_INTERRUPT_VECTOR, "bits 15:8 must be 0",
	    ON(PIN, POSTED_INTERRUPTS), ZERO(0xff00)),
	ROW("posted-descriptor-aligned", POSTED_INTERRUPT_DESCRIPTOR, "bits 5:0 must be 0",
	    ON(PIN, POSTED_INTERRUPTS), ZERO(0x3f)),
	ROW("posted-descriptor-width", POSTED_INTERRUPT_DESCRIPTOR,
	    "no bit beyond the physical-address width may be 1", ON(PIN, POSTED_INTERRUPTS),
	    .holds = entry_is_in_width),
	ROW("pid-pointers-aligned", PID_POINTER_TABLE, "bits 2:0 must be 0",
	    ON(TERTIARY, IPI_VIRTUALIZATION), ZERO(7)),
	ROW("pid-pointers-width", PID_POINTER_TABLE,
	    "neither it nor its last entry (last PID-pointer index) may set a bit beyond the "
	    "physical-address width",
	    ON(TERTIARY, IPI_VIRTUALIZATION), .holds = last_pid_is_in_width),
};
ENTRY_RULES(rules_apic);
