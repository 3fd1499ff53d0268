/*
 * Guest descriptor-table registers, RIP, RFLAGS, SSP and PDPTEs: SDM Vol. 3C 26.3.1.3, 26.3.1.4,
 * 26.3.1.6.
 */
#include "vmx/checks/entry_state.h"

#define STAGE ENTRY_GUEST

#define RFLAGS_RESERVED (~0x3fffffull | BIT(15) | BIT(5) | BIT(3))

#define PDPTE_PRESENT  BIT(0)
#define PDPTE_RESERVED (BIT(1) | BIT(2) | BIT(5) | BIT(6) | BIT(7) | BIT(8))
#define PDPT_ADDRESS   0xffffffe0 /* of CR3 */

static bool in_64bit_mode(const struct entry_state *state)
{
	return state->ia32e && (state->cs_rights & ACCESS_RIGHTS_L);
}

static CONDITION(is_64bit)
{
	(void)rule;
	return in_64bit_mode(state);
}

static CONDITION(is_not_64bit)
{
	(void)rule;
	return !in_64bit_mode(state);
}

/* Not as canonical addresses are: the highest bit that counts may differ. */
static PREDICATE(has_linear_width)
{
	uint64_t upper = value >> state->cpu->linear_bits;

	(void)rule;
	return !upper || upper == UINT64_MAX >> state->cpu->linear_bits;
}

static CONDITION(has_no_v8086)
{
	(void)rule;
	return state->ia32e || !(state->guest_cr0 & CR0_PE);
}

static CONDITION(injects_interrupt)
{
	(void)rule;
	return (state->event & INTERRUPTION_VALID) &&
	       (state->event & INTERRUPTION_TYPE) == TYPE_EXTERNAL_INTERRUPT;
}

static bool pages_by_pae(const struct entry_state *state)
{
	return !state->ia32e && (state->guest_cr0 & CR0_PG) && (state->guest_cr4 & CR4_PAE);
}

static CONDITION(has_pdptes)
{
	(void)rule;
	return pages_by_pae(state) && entry_on(state, WORD_SECONDARY, SECONDARY_ENABLE_EPT);
}

static CONDITION(has_pdptes_in_memory)
{
	(void)rule;
	return pages_by_pae(state) && !entry_on(state, WORD_SECONDARY, SECONDARY_ENABLE_EPT);
}

static PREDICATE(is_pdpte)
{
	(void)rule;
	return !(value & PDPTE_PRESENT) ||
	       (!(value & PDPTE_RESERVED) && !(value >> state->cpu->physical_bits));
}

static PREDICATE(has_good_pdptes)
{
	const struct entry_source *source = state->source;
	uint64_t pdpte[4];

	if (!source->read_memory ||
	    !source->read_memory(source->arg, value & PDPT_ADDRESS, pdpte, sizeof(pdpte)))
		return true;
	for (unsigned int i = 0; i < 4; i++)
		if (!is_pdpte(state, rule, pdpte[i]))
			return false;
	return true;
}

#define PDPTE_TEXT "bits 2:1, 8:5 and those beyond the physical-address width must be 0"

static const struct entry_rule rules_rest[] = {
#define SECTION "26.3.1.3"
	ROW("guest-gdtr-base", GUEST_GDTR_BASE, "it must be canonical",
	    .holds = entry_is_canonical),
	ROW("guest-idtr-base", GUEST_IDTR_BASE, "it must be canonical",
	    .holds = entry_is_canonical),
	ROW("guest-gdtr-limit", GUEST_GDTR_LIMIT, "bits 31:16 must be 0", ZERO(0xffff0000)),
	ROW("guest-idtr-limit", GUEST_IDTR_LIMIT, "bits 31:16 must be 0", ZERO(0xffff0000)),
#undef SECTION
#define SECTION "26.3.1.4"
	ROW("rip-high", GUEST_RIP, "bits 63:32 must be 0 outside of 64-bit mode",
	    .applies = is_not_64bit, ZERO(HIGH_HALF)),
	ROW("rip-width", GUEST_RIP, "bits beyond the linear-address width must be equal",
	    .applies = is_64bit, .holds = has_linear_width),
	ROW("rflags-reserved", GUEST_RFLAGS, "bits 63:22, 15, 5 and 3 must be 0",
	    ZERO(RFLAGS_RESERVED)),
	ROW("rflags-fixed", GUEST_RFLAGS, "bit 1 must be 1", ONES(RFLAGS_FIXED)),
	ROW("rflags-vm", GUEST_RFLAGS, "VM (bit 17) must be 0 in IA-32e mode and where CR0.PE is 0",
	    .applies = has_no_v8086, ZERO(RFLAGS_VM)),
	ROW("rflags-if", GUEST_RFLAGS,
	    "IF (bit 9) must be 1 where an external interrupt is injected",
	    .applies = injects_interrupt, ONES(RFLAGS_IF)),
	ROW("guest-ssp-aligned", GUEST_SSP, "bits 1:0 must be 0", ON(ENTRY, LOAD_CET), ZERO(3)),
	ROW("guest-ssp-high", GUEST_SSP, "bits 63:32 must be 0 outside of 64-bit mode",
	    ON(ENTRY, LOAD_CET), .applies = is_not_64bit, .some_cpus = true, ZERO(HIGH_HALF)),
	ROW("guest-ssp-width", GUEST_SSP, "bits beyond the linear-address width must be equal",
	    ON(ENTRY, LOAD_CET), .applies = is_64bit, .holds = has_linear_width),
#undef SECTION
#define SECTION "26.3.1.6"
	ROW("pdpte0", GUEST_PDPTE0, PDPTE_TEXT, ON(SECONDARY, ENABLE_EPT), .applies = has_pdptes,
	    .holds = is_pdpte),
	ROW("pdpte1", GUEST_PDPTE1, PDPTE_TEXT, ON(SECONDARY, ENABLE_EPT), .applies = has_pdptes,
	    .holds = is_pdpte),
	ROW("pdpte2", GUEST_PDPTE2, PDPTE_TEXT, ON(SECONDARY, ENABLE_EPT), .applies = has_pdptes,
	    .holds = is_pdpte),
	ROW("pdpte3", GUEST_PDPTE3, PDPTE_TEXT, ON(SECONDARY, ENABLE_EPT), .applies = has_pdptes,
	    .holds = is_pdpte),
	ROW("pdpte-memory", GUEST_CR3, "of each PDPTE there that is present " PDPTE_TEXT,
	    .applies = has_pdptes_in_memory, .holds = has_good_pdptes),
};
ENTRY_RULES(rules_rest);
