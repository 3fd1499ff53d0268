/* Guest TR and LDTR: SDM Vol. 3C 26.3.1.2. */
#include "vmx/checks/entry_state.h"

#define SECTION "26.3.1.2"
#define STAGE	ENTRY_GUEST

#define SELECTOR_TI	    4
#define RIGHTS_RESERVED_LOW 0xf00
#define RIGHTS_RESERVED_TOP 0xfffe0000

#define TYPE_LDT   2
#define TYPE_TSS16 3
#define TYPE_TSS   11 /* 32-bit or 64-bit, busy */

static CONDITION(ldtr_is_usable)
{
	(void)rule;
	return !(entry_read(state, VMCS_GUEST_LDTR_ACCESS_RIGHTS) & ACCESS_RIGHTS_UNUSABLE);
}

static PREDICATE(is_tss)
{
	uint32_t type = value & ACCESS_RIGHTS_TYPE;

	(void)rule;
	return type == TYPE_TSS || (type == TYPE_TSS16 && !state->ia32e);
}

static PREDICATE(is_ldt)
{
	(void)state;
	(void)rule;
	return (value & ACCESS_RIGHTS_TYPE) == TYPE_LDT;
}

#define COMMON_ROWS(name, reg, ...)                                                                \
	ROW(name "-ti", GUEST_##reg##_SELECTOR, "TI (bit 2) must be 0", ZERO(SELECTOR_TI),         \
	    __VA_ARGS__),                                                                          \
		ROW(name "-base", GUEST_##reg##_BASE, "it must be canonical",                      \
		    .holds = entry_is_canonical, __VA_ARGS__),                                     \
		ROW(name "-s", GUEST_##reg##_ACCESS_RIGHTS, "S (bit 4) must be 0",                 \
		    ZERO(ACCESS_RIGHTS_S), __VA_ARGS__),                                           \
		ROW(name "-present", GUEST_##reg##_ACCESS_RIGHTS, "P (bit 7) must be 1",           \
		    ONES(ACCESS_RIGHTS_P), __VA_ARGS__),                                           \
		ROW(name "-reserved-low", GUEST_##reg##_ACCESS_RIGHTS, "bits 11:8 must be 0",      \
		    ZERO(RIGHTS_RESERVED_LOW), __VA_ARGS__),                                       \
		ROW(name "-reserved-high", GUEST_##reg##_ACCESS_RIGHTS, "bits 31:17 must be 0",    \
		    ZERO(RIGHTS_RESERVED_TOP), __VA_ARGS__),                                       \
		ROW(name "-granularity-0", GUEST_##reg##_ACCESS_RIGHTS,                            \
		    "G (bit 15) must be 0 where bits 11:0 of the limit are not all 1",             \
		    .holds = entry_may_count_bytes, __VA_ARGS__),                                  \
		ROW(name "-granularity-1", GUEST_##reg##_ACCESS_RIGHTS,                            \
		    "G (bit 15) must be 1 where bits 31:20 of the limit are not all 0",            \
		    .holds = entry_counts_pages, __VA_ARGS__)

static const struct entry_rule rules_system_segments[] = {
	ROW("tr-unusable", GUEST_TR_ACCESS_RIGHTS, "it must be usable (bit 16 must be 0)",
	    ZERO(ACCESS_RIGHTS_UNUSABLE)),
	ROW("tr-type", GUEST_TR_ACCESS_RIGHTS,
	    "the type must be 11 (busy TSS), or 3 (16-bit) outside of IA-32e mode",
	    .holds = is_tss),
	COMMON_ROWS("tr", TR, ),
	ROW("ldtr-type", GUEST_LDTR_ACCESS_RIGHTS, "the type must be 2 (LDT)",
	    .applies = ldtr_is_usable, .holds = is_ldt),
	COMMON_ROWS("ldtr", LDTR, .applies = ldtr_is_usable),
};
ENTRY_RULES(rules_system_segments);
