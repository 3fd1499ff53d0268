#include "vmx/checks/entry_state.h"

/* The fields of a segment lie at the same distances for each of them: vmx/vmcs_fields.h. */
#define LIMIT_OF(rights) (VMCS_GUEST_ES_LIMIT + (rights)-VMCS_GUEST_ES_ACCESS_RIGHTS)

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

PREDICATE(entry_is_cr3)
{
	if (state->cpu->lam)
		value &= ~(BIT(61) | BIT(62));
	return entry_is_in_cpu_width(state, rule, value);
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

PREDICATE(entry_may_count_bytes)
{
	uint64_t limit = entry_read(state, LIMIT_OF(rule->field));

	return !(value & ACCESS_RIGHTS_G) || (limit & 0xfff) == 0xfff;
}

PREDICATE(entry_counts_pages)
{
	uint64_t limit = entry_read(state, LIMIT_OF(rule->field));

	return (value & ACCESS_RIGHTS_G) || !(limit & 0xfff00000);
}
