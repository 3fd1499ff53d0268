/* Guest ES, CS, SS, DS, FS and GS: SDM Vol. 3C 26.3.1.2. */
#include "vmx/checks/entry_state.h"

#define SECTION "26.3.1.2"
#define STAGE	ENTRY_GUEST

#define RPL		    3
#define V8086_LIMIT	    0xffff
#define V8086_RIGHTS	    0xf3
#define RIGHTS_RESERVED_LOW 0xf00
#define RIGHTS_RESERVED_TOP 0xfffe0000

#define TYPE_ACCESSED	      1
#define TYPE_WRITABLE	      2 /* of code: readable */
#define TYPE_CODE	      8
#define TYPE_DATA_MAX	      11 /* the last type that is no conforming code */
#define TYPE_DATA	      3
#define TYPE_DATA_EXPAND_DOWN 7

/* The fields of a segment lie at the same distances for each of them: vmx/vmcs_fields.h. */
#define BASE_OF(selector)   (VMCS_GUEST_ES_BASE + (selector)-VMCS_GUEST_ES_SELECTOR)
#define SELECTOR_OF(rights) (VMCS_GUEST_ES_SELECTOR + (rights)-VMCS_GUEST_ES_ACCESS_RIGHTS)

static uint32_t type(uint64_t rights)
{
	return rights & ACCESS_RIGHTS_TYPE;
}

static uint32_t dpl(uint64_t rights)
{
	return (rights & ACCESS_RIGHTS_DPL) >> ACCESS_RIGHTS_DPL_SHIFT;
}

static CONDITION(is_v8086)
{
	(void)rule;
	return state->v8086;
}

static CONDITION(is_not_v8086)
{
	(void)rule;
	return !state->v8086;
}

/* Of a rule on access rights: CS is always looked at, the others if they are usable. */
static CONDITION(counts)
{
	if (state->v8086)
		return false;
	return rule->field == VMCS_GUEST_CS_ACCESS_RIGHTS ||
	       !(state->value & ACCESS_RIGHTS_UNUSABLE);
}

/* Of a rule on a base: rule->bits is the field of the access rights. */
static CONDITION(base_counts)
{
	return rule->field == VMCS_GUEST_CS_BASE ||
	       !(entry_read(state, (uint32_t)rule->bits) & ACCESS_RIGHTS_UNUSABLE);
}

static PREDICATE(is_selector_times_16)
{
	uint32_t selector = VMCS_GUEST_ES_SELECTOR + rule->field - VMCS_GUEST_ES_BASE;

	return value == (entry_read(state, selector) & 0xffff) << 4;
}

static PREDICATE(is_v8086_limit)
{
	(void)state;
	(void)rule;
	return value == V8086_LIMIT;
}

static PREDICATE(is_v8086_rights)
{
	(void)state;
	(void)rule;
	return value == V8086_RIGHTS;
}

static PREDICATE(is_below_4g)
{
	(void)state;
	(void)rule;
	return !(value >> 32);
}

static PREDICATE(is_cs_type)
{
	(void)rule;
	if (type(value) == TYPE_DATA)
		return state->unrestricted;
	return (type(value) & (TYPE_CODE | TYPE_ACCESSED)) == (TYPE_CODE | TYPE_ACCESSED);
}

static PREDICATE(is_ss_type)
{
	(void)state;
	(void)rule;
	return type(value) == TYPE_DATA || type(value) == TYPE_DATA_EXPAND_DOWN;
}

static PREDICATE(is_readable)
{
	(void)state;
	(void)rule;
	return !(value & TYPE_CODE) || (value & TYPE_WRITABLE);
}

static PREDICATE(data_cs_has_dpl_0)
{
	(void)state;
	(void)rule;
	return type(value) != TYPE_DATA || !dpl(value);
}

static PREDICATE(cs_has_dpl_of_ss)
{
	(void)rule;
	return (type(value) != 9 && type(value) != 11) || dpl(value) == dpl(state->ss_rights);
}

static PREDICATE(cs_has_dpl_below_ss)
{
	(void)rule;
	return (type(value) != 13 && type(value) != 15) || dpl(value) <= dpl(state->ss_rights);
}

static CONDITION(is_restricted)
{
	(void)rule;
	return !state->v8086 && !state->unrestricted;
}

static PREDICATE(dpl_is_rpl)
{
	return dpl(value) == (entry_read(state, SELECTOR_OF(rule->field)) & RPL);
}

static CONDITION(ss_has_dpl_0)
{
	(void)rule;
	return !state->v8086 &&
	       (type(state->cs_rights) == TYPE_DATA || !(state->guest_cr0 & CR0_PE));
}

static CONDITION(counts_restricted)
{
	return counts(state, rule) && !state->unrestricted;
}

static PREDICATE(dpl_is_not_below_rpl)
{
	return type(value) > TYPE_DATA_MAX ||
	       dpl(value) >= (entry_read(state, SELECTOR_OF(rule->field)) & RPL);
}

static PREDICATE(d_or_l)
{
	(void)rule;
	return !state->ia32e || !(value & ACCESS_RIGHTS_L) || !(value & ACCESS_RIGHTS_DB);
}

static PREDICATE(rpl_is_of_cs)
{
	(void)rule;
	return (value & RPL) == (entry_read(state, VMCS_GUEST_CS_SELECTOR) & RPL);
}

/* A guest in virtual-8086 mode. */
#define V8086_ROWS(name, reg)                                                                      \
	ROW(name "-v8086-base", GUEST_##reg##_BASE,                                                \
	    "in virtual-8086 mode it must be the selector times 16", .applies = is_v8086,          \
	    .holds = is_selector_times_16),                                                        \
		ROW(name "-v8086-limit", GUEST_##reg##_LIMIT,                                      \
		    "in virtual-8086 mode it must be FFFFH", .applies = is_v8086,                  \
		    .holds = is_v8086_limit),                                                      \
		ROW(name "-v8086-rights", GUEST_##reg##_ACCESS_RIGHTS,                             \
		    "in virtual-8086 mode they must be F3H", .applies = is_v8086,                  \
		    .holds = is_v8086_rights)

#define LOW_BASE_ROW(name, reg)                                                                    \
	ROW(name "-base", GUEST_##reg##_BASE, "bits 63:32 must be 0", .applies = base_counts,      \
	    .holds = is_below_4g, .bits = VMCS_GUEST_##reg##_ACCESS_RIGHTS)

#define RIGHTS_ROW(name, reg, should, ...)                                                         \
	ROW(name, GUEST_##reg##_ACCESS_RIGHTS, should, .applies = counts, __VA_ARGS__)

/* All six, in any other mode. */
#define COMMON_ROWS(name, reg)                                                                     \
	RIGHTS_ROW(name "-s", reg, "S (bit 4) must be 1", ONES(ACCESS_RIGHTS_S)),                  \
		RIGHTS_ROW(name "-present", reg, "P (bit 7) must be 1", ONES(ACCESS_RIGHTS_P)),    \
		RIGHTS_ROW(name "-reserved-low", reg, "bits 11:8 must be 0",                       \
			   ZERO(RIGHTS_RESERVED_LOW)),                                             \
		RIGHTS_ROW(name "-reserved-high", reg, "bits 31:17 must be 0",                     \
			   ZERO(RIGHTS_RESERVED_TOP)),                                             \
		RIGHTS_ROW(name "-granularity-0", reg,                                             \
			   "G (bit 15) must be 0 where bits 11:0 of the limit are not all 1",      \
			   .holds = entry_may_count_bytes),                                        \
		RIGHTS_ROW(name "-granularity-1", reg,                                             \
			   "G (bit 15) must be 1 where bits 31:20 of the limit are not all 0",     \
			   .holds = entry_counts_pages)

#define DATA_ROWS(name, reg)                                                                       \
	V8086_ROWS(name, reg),                                                                     \
		RIGHTS_ROW(name "-accessed", reg, "bit 0 of the type must be 1 (accessed)",        \
			   ONES(TYPE_ACCESSED)),                                                   \
		RIGHTS_ROW(name "-readable", reg, "code must have bit 1 of the type (readable)",   \
			   .holds = is_readable),                                                  \
		ROW(name "-dpl", GUEST_##reg##_ACCESS_RIGHTS,                                      \
		    "the DPL may not be below the selector's RPL (but conforming code)",           \
		    .applies = counts_restricted, .holds = dpl_is_not_below_rpl),                  \
		COMMON_ROWS(name, reg)

static const struct entry_rule rules_segments[] = {
	DATA_ROWS("es", ES),
	LOW_BASE_ROW("es", ES),
	V8086_ROWS("cs", CS),
	LOW_BASE_ROW("cs", CS),
	RIGHTS_ROW("cs-type", CS, "the type must be 9, 11, 13 or 15, or 3 of an unrestricted guest",
		   .holds = is_cs_type),
	RIGHTS_ROW("cs-dpl-data", CS, "the DPL must be 0 where the type is 3",
		   .holds = data_cs_has_dpl_0),
	RIGHTS_ROW("cs-dpl", CS, "the DPL of non-conforming code must equal that of SS",
		   .holds = cs_has_dpl_of_ss),
	RIGHTS_ROW("cs-dpl-conforming", CS,
		   "the DPL of conforming code may not be above that of SS",
		   .holds = cs_has_dpl_below_ss),
	RIGHTS_ROW("cs-d-l", CS, "D (bit 14) must be 0 where L (bit 13) is 1 in IA-32e mode",
		   .holds = d_or_l),
	COMMON_ROWS("cs", CS),
	V8086_ROWS("ss", SS),
	ROW("ss-rpl", GUEST_SS_SELECTOR, "the RPL must equal that of CS", .applies = is_restricted,
	    .holds = rpl_is_of_cs),
	LOW_BASE_ROW("ss", SS),
	RIGHTS_ROW("ss-type", SS, "the type must be 3 or 7", .holds = is_ss_type),
	ROW("ss-dpl-rpl", GUEST_SS_ACCESS_RIGHTS, "the DPL must equal the selector's RPL",
	    .applies = is_restricted, .holds = dpl_is_rpl),
	ROW("ss-dpl-0", GUEST_SS_ACCESS_RIGHTS,
	    "the DPL must be 0 where CR0.PE is 0 or the type of CS is 3", .applies = ss_has_dpl_0,
	    ZERO(ACCESS_RIGHTS_DPL)),
	COMMON_ROWS("ss", SS),
	DATA_ROWS("ds", DS),
	LOW_BASE_ROW("ds", DS),
	DATA_ROWS("fs", FS),
	ROW("fs-base", GUEST_FS_BASE, "it must be canonical", .applies = is_not_v8086,
	    .holds = entry_is_canonical),
	DATA_ROWS("gs", GS),
	ROW("gs-base", GUEST_GS_BASE, "it must be canonical", .applies = is_not_v8086,
	    .holds = entry_is_canonical),
};
ENTRY_RULES(rules_segments);
