#include "vmx/entry_state.h"

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

static bool is_broken(const struct entry_state *state, const struct entry_rule *rule,
		      uint64_t *value)
{
	if (rule->control && !entry_on(state, rule->word, rule->control))
		return false;
	if (rule->some_cpus && !state->source->failed)
		return false;
	if (rule->applies && !rule->applies(state, rule))
		return false;
	*value = entry_read(state, rule->field);
	return !rule->holds(state, rule, *value);
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
			uint64_t value;

			if (!is_broken(&state, rule, &value))
				continue;
			if (count < room)
				found[count] = (struct entry_finding){rule, value};
			count++;
		}
	}
	return count;
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

CONDITION(entry_injects)
{
	(void)rule;
	return state->event & INTERRUPTION_VALID;
}

CONDITION(entry_injects_hardware)
{
	return entry_injects(state, rule) &&
	       (state->event & INTERRUPTION_TYPE) == TYPE_HARDWARE_EXCEPTION;
}

PREDICATE(entry_bits_are_0)
{
	(void)state;
	return !(value & rule->bits);
}

PREDICATE(entry_bits_are_1)
{
	(void)state;
	return (value & rule->bits) == rule->bits;
}

PREDICATE(entry_is_not_0)
{
	(void)state;
	(void)rule;
	return value != 0;
}

PREDICATE(entry_is_in_width)
{
	(void)rule;
	if (state->cpu->basic & BASIC_32_BIT_ADDRESSES)
		return !(value >> 32);
	return !(value >> state->cpu->physical_bits);
}

PREDICATE(entry_is_in_cpu_width)
{
	(void)rule;
	return !(value >> state->cpu->physical_bits);
}

PREDICATE(entry_is_canonical)
{
	(void)rule;
	return is_canonical(value, state->cpu->linear_bits);
}

/* SDM Vol. 3A 11.12.2: 2 and 3 are reserved, and all above 7. */
PREDICATE(entry_is_pat)
{
	(void)state;
	(void)rule;
	for (unsigned int byte = 0; byte < 8; byte++, value >>= 8)
		if ((value & 0xff) > 7 || (value & 0xff) == 2 || (value & 0xff) == 3)
			return false;
	return true;
}

PREDICATE(entry_s_cet_tracks)
{
	uint64_t both = BIT(10) | BIT(11);

	(void)state;
	(void)rule;
	return (value & both) != both;
}

PREDICATE(entry_cr4_cet_has_wp)
{
	return !(value & CR4_CET) || (entry_read(state, (uint32_t)rule->bits) & CR0_WP);
}

PREDICATE(entry_needs_ept)
{
	(void)rule;
	(void)value;
	return entry_on(state, WORD_SECONDARY, SECONDARY_ENABLE_EPT);
}

/* The capability MSR of a word of controls: bits that have to be 1 below, that may be 1 above. */
static uint64_t capability(const struct entry_state *state, uint32_t field)
{
	switch (field) {
	case VMCS_PIN_BASED_CONTROLS:
		return state->cpu->pin;
	case VMCS_PRIMARY_CONTROLS:
		return state->cpu->primary;
	case VMCS_SECONDARY_CONTROLS:
		return state->cpu->secondary;
	case VMCS_EXIT_CONTROLS:
		return state->cpu->exit;
	default:
		return state->cpu->entry;
	}
}

PREDICATE(entry_has_fixed_ones)
{
	return !(~value & (uint32_t)capability(state, rule->field));
}

PREDICATE(entry_has_fixed_zeros)
{
	return !(value & ~(capability(state, rule->field) >> 32));
}

CONDITION(entry_area_is_used)
{
	return entry_read(state, (uint32_t)rule->bits) != 0;
}

PREDICATE(entry_area_is_aligned)
{
	(void)state;
	(void)rule;
	return !(value & 0xf);
}

PREDICATE(entry_area_is_in_width)
{
	return entry_is_in_width(state, rule, value);
}

/* SDM Vol. 3C 26.2.1.2: in more bits than an address has. Where it starts has a rule of its own. */
PREDICATE(entry_area_ends_in_width)
{
	uint64_t count = entry_read(state, (uint32_t)rule->bits);

	return !entry_is_in_width(state, rule, value) ||
	       entry_is_in_width(state, rule, value + 16 * count - 1);
}
