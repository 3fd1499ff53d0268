#include "vmx/checks/entry_checks.h"

#include "vmx/checks/entry_rules.h"

static const struct entry_rules *const tables[] = {
	&entry_rules_execution, &entry_rules_apic,     &entry_rules_ept,
	&entry_rules_exit,	&entry_rules_entry,    &entry_rules_host,
	&entry_rules_registers, &entry_rules_segments, &entry_rules_system_segments,
	&entry_rules_rest,	&entry_rules_activity, &entry_rules_msrs,
};

/* SDM Vol. 3C 26.2.1.1, first footnote: controls that nothing activates count as 0. */
static uint64_t read_word(const struct entry_state *state, enum entry_word word, uint32_t control,
			  enum vmcs_field field)
{
	return entry_on(state, word, control) ? entry_read(state, field) : 0;
}

static void read_controls(struct entry_state *state)
{
	uint64_t *control = state->control;

	control[WORD_PIN] = entry_read(state, VMCS_PIN_BASED_CONTROLS);
	control[WORD_PRIMARY] = entry_read(state, VMCS_PRIMARY_CONTROLS);
	control[WORD_SECONDARY] =
		read_word(state, WORD_PRIMARY, PRIMARY_SECONDARY_CONTROLS, VMCS_SECONDARY_CONTROLS);
	control[WORD_TERTIARY] =
		read_word(state, WORD_PRIMARY, PRIMARY_TERTIARY_CONTROLS, VMCS_TERTIARY_CONTROLS);
	control[WORD_VM_FUNCTION] = read_word(state, WORD_SECONDARY, SECONDARY_ENABLE_VM_FUNCTIONS,
					      VMCS_VM_FUNCTION_CONTROLS);
	control[WORD_EXIT] = entry_read(state, VMCS_EXIT_CONTROLS);
	control[WORD_SECONDARY_EXIT] =
		read_word(state, WORD_EXIT, EXIT_SECONDARY_CONTROLS, VMCS_SECONDARY_EXIT_CONTROLS);
	control[WORD_ENTRY] = entry_read(state, VMCS_ENTRY_CONTROLS);
}

static void read_state(struct entry_state *state, const struct entry_source *source)
{
	state->source = source;
	state->cpu = &source->cpu;
	state->field = UINT32_MAX;
	read_controls(state);
	state->guest_cr0 = entry_read(state, VMCS_GUEST_CR0);
	state->guest_cr4 = entry_read(state, VMCS_GUEST_CR4);
	state->rflags = entry_read(state, VMCS_GUEST_RFLAGS);
	state->event = entry_read(state, VMCS_ENTRY_INTERRUPTION_INFO);
	state->interruptibility = entry_read(state, VMCS_GUEST_INTERRUPTIBILITY);
	state->activity = entry_read(state, VMCS_GUEST_ACTIVITY_STATE);
	state->cs_rights = entry_read(state, VMCS_GUEST_CS_ACCESS_RIGHTS);
	state->ss_rights = entry_read(state, VMCS_GUEST_SS_ACCESS_RIGHTS);
	state->ia32e = entry_on(state, WORD_ENTRY, ENTRY_IA32E_MODE_GUEST);
	state->v8086 = state->rflags & RFLAGS_VM;
	state->unrestricted = entry_on(state, WORD_SECONDARY, SECONDARY_UNRESTRICTED_GUEST);
}

/* Rules on one field stand together: it is read once for them. */
static void read_value(struct entry_state *state, uint32_t field)
{
	if (state->field == field)
		return;
	state->field = field;
	state->value = entry_read(state, field);
}

static bool is_broken(struct entry_state *state, const struct entry_rule *rule)
{
	if (rule->control && !entry_on(state, rule->word, rule->control))
		return false;
	if (rule->some_cpus && !state->source->failed)
		return false;
	read_value(state, rule->field);
	if (rule->applies && !rule->applies(state, rule))
		return false;
	return !rule->holds(state, rule, state->value);
}

size_t entry_checks_find(const struct entry_source *source, struct entry_finding *found,
			 size_t room)
{
	struct entry_state state;
	size_t count = 0;

	read_state(&state, source);
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		for (size_t n = 0; n < tables[i]->count; n++) {
			const struct entry_rule *rule = &tables[i]->rule[n];

			if (!is_broken(&state, rule))
				continue;
			if (count < room)
				found[count] = (struct entry_finding){rule, state.value};
			count++;
		}
	}
	return count;
}

static bool is_stage(uint32_t number)
{
	return number == ENTRY_CONTROLS || number == ENTRY_HOST || number == ENTRY_GUEST ||
	       number == ENTRY_MSR_LOADING;
}

/* Errors 7 and 8: a CPU may look at the host state first. */
static bool same_checks(uint32_t one, uint32_t other)
{
	return one == other || (one < ENTRY_GUEST && other < ENTRY_GUEST);
}

/* How well a rule explains it: the CPU's own number counts, and what every CPU looks at. */
static unsigned int rank(const struct entry_rule *rule, uint32_t stage)
{
	if (!same_checks(rule->stage, stage))
		return 0;
	return 1 + 2 * (rule->stage == stage) + !rule->some_cpus;
}

bool entry_checks_cause(const struct entry_source *source, uint32_t number,
			struct entry_finding *cause)
{
	const struct entry_rule *rule;
	struct entry_state state;
	unsigned int best = 0;

	if (!is_stage(number))
		return false;
	read_state(&state, source);
	for (size_t i = 0; (rule = entry_rule_at(i)); i++) {
		if (rank(rule, number) <= best || !is_broken(&state, rule))
			continue;
		best = rank(rule, number);
		*cause = (struct entry_finding){rule, state.value};
	}
	return best;
}

const struct entry_rule *entry_rule_at(size_t number)
{
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		if (number < tables[i]->count)
			return &tables[i]->rule[number];
		number -= tables[i]->count;
	}
	return NULL;
}
