/* VM-exit control fields, and the three areas of MSRs: SDM Vol. 3C 26.2.1.2, 26.2.1.3. */
#include "vmx/checks/entry_state.h"

#define SECTION "26.2.1.2"
#define STAGE	ENTRY_CONTROLS

static PREDICATE(has_secondary_exit)
{
	(void)rule;
	return !(value & ~state->cpu->exit2);
}

static CONDITION(has_no_preemption_timer)
{
	(void)rule;
	return !entry_on(state, WORD_PIN, PIN_PREEMPTION_TIMER);
}

static const struct entry_rule rules_exit[] = {
	WORD_ROWS("exit", EXIT_CONTROLS, "IA32_VMX_(TRUE_)EXIT_CTLS"),
	ROW("secondary-exit-fixed-0", SECONDARY_EXIT_CONTROLS,
	    "only bits that IA32_VMX_EXIT_CTLS2 allows may be 1", ON(EXIT, SECONDARY_CONTROLS),
	    .holds = has_secondary_exit),
	ROW("save-preemption-timer", EXIT_CONTROLS,
	    "\"save VMX-preemption timer value\" takes \"activate VMX-preemption timer\"",
	    .applies = has_no_preemption_timer, ZERO(EXIT_SAVE_PREEMPTION_TIMER)),
	MSR_AREA_ROWS("exit-msr-store", EXIT_MSR_STORE),
	MSR_AREA_ROWS("exit-msr-load", EXIT_MSR_LOAD),
};
ENTRY_RULES(rules_exit);
