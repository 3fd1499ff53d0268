/*
 * The VM-entry MSR-load area: SDM Vol. 3C 26.4. What WRMSR refuses besides is the CPU's own; here
 * are addresses, memory types and EFER.
 */
#include "vmx/checks/entry_state.h"

#define SECTION "26.4"
#define STAGE	ENTRY_MSR_LOADING

#define ENTRIES_MAX 512 /* more than IA32_VMX_MISC[27:25] = 0 promises (SDM Vol. 3D A.6) */

#define MSR_IA32_SMM_MONITOR_CTL 0x9b
#define MSR_X2APIC_FIRST	 0x800
#define MSR_X2APIC_LAST		 0x8ff

struct msr_entry {
	uint32_t index, reserved;
	uint64_t value;
};

typedef bool entry_test(const struct entry_state *state, const struct msr_entry *entry);

static bool none_is(const struct entry_state *state, uint64_t area, entry_test *bad)
{
	const struct entry_source *source = state->source;
	uint64_t count = entry_read(state, VMCS_ENTRY_MSR_LOAD_COUNT);
	struct msr_entry entry;

	if ((area & 0xf) || !source->read_memory)
		return true;
	for (uint64_t i = 0; i < count && i < ENTRIES_MAX; i++) {
		if (!source->read_memory(source->arg, area + i * sizeof(entry), &entry,
					 sizeof(entry)))
			return true;
		if (bad(state, &entry))
			return false;
	}
	return true;
}

static bool has_high_index(const struct entry_state *state, const struct msr_entry *entry)
{
	(void)state;
	return entry->reserved;
}

static bool is_segment_base(const struct entry_state *state, const struct msr_entry *entry)
{
	(void)state;
	return entry->index == MSR_FS_BASE || entry->index == MSR_GS_BASE;
}

static bool is_x2apic(const struct entry_state *state, const struct msr_entry *entry)
{
	(void)state;
	return entry->index >= MSR_X2APIC_FIRST && entry->index <= MSR_X2APIC_LAST;
}

static bool is_for_smm(const struct entry_state *state, const struct msr_entry *entry)
{
	return entry->index == MSR_IA32_SMM_MONITOR_CTL && !state->cpu->smm;
}

static bool is_bad_address(const struct entry_state *state, const struct msr_entry *entry)
{
	switch (entry->index) {
	case MSR_IA32_SYSENTER_ESP:
	case MSR_IA32_SYSENTER_EIP:
	case MSR_LSTAR:
	case MSR_CSTAR:
	case MSR_KERNEL_GS_BASE:
		return !entry_is_canonical(state, NULL, entry->value);
	default:
		return false;
	}
}

static bool is_bad_pat(const struct entry_state *state, const struct msr_entry *entry)
{
	return entry->index == MSR_IA32_PAT && !entry_is_pat(state, NULL, entry->value);
}

static bool is_bad_efer(const struct entry_state *state, const struct msr_entry *entry)
{
	return entry->index == MSR_EFER && (entry->value & state->cpu->efer_reserved);
}

#define TEST(name, bad)                                                                            \
	static PREDICATE(name)                                                                     \
	{                                                                                          \
		(void)rule;                                                                        \
		return none_is(state, value, bad);                                                 \
	}
TEST(has_indexes, has_high_index)
TEST(loads_no_segment_base, is_segment_base)
TEST(loads_no_x2apic, is_x2apic)
TEST(loads_nothing_of_smm, is_for_smm)
TEST(loads_addresses, is_bad_address)
TEST(loads_pat, is_bad_pat)
TEST(loads_efer, is_bad_efer)

static const struct entry_rule rules_msrs[] = {
	ROW("msr-load-index", ENTRY_MSR_LOAD_ADDRESS, "bits 63:32 of each entry there must be 0",
	    .applies = entry_area_is_used, .bits = VMCS_ENTRY_MSR_LOAD_COUNT, .holds = has_indexes),
	ROW("msr-load-segment-base", ENTRY_MSR_LOAD_ADDRESS,
	    "no entry may be for IA32_FS_BASE or IA32_GS_BASE", .applies = entry_area_is_used,
	    .bits = VMCS_ENTRY_MSR_LOAD_COUNT, .holds = loads_no_segment_base),
	ROW("msr-load-x2apic", ENTRY_MSR_LOAD_ADDRESS,
	    "no entry may be for an MSR of the x2APIC (800H to 8FFH)",
	    .applies = entry_area_is_used, .bits = VMCS_ENTRY_MSR_LOAD_COUNT,
	    .holds = loads_no_x2apic),
	ROW("msr-load-smm", ENTRY_MSR_LOAD_ADDRESS,
	    "no entry may be for IA32_SMM_MONITOR_CTL outside of SMM",
	    .applies = entry_area_is_used, .bits = VMCS_ENTRY_MSR_LOAD_COUNT,
	    .holds = loads_nothing_of_smm),
	ROW("msr-load-address", ENTRY_MSR_LOAD_ADDRESS,
	    "an address for an MSR there must be canonical", .applies = entry_area_is_used,
	    .bits = VMCS_ENTRY_MSR_LOAD_COUNT, .holds = loads_addresses),
	ROW("msr-load-pat", ENTRY_MSR_LOAD_ADDRESS,
	    "each byte for IA32_PAT there must be 0, 1, 4, 5, 6 or 7",
	    .applies = entry_area_is_used, .bits = VMCS_ENTRY_MSR_LOAD_COUNT, .holds = loads_pat),
	ROW("msr-load-efer", ENTRY_MSR_LOAD_ADDRESS, "reserved bits for IA32_EFER there must be 0",
	    .applies = entry_area_is_used, .bits = VMCS_ENTRY_MSR_LOAD_COUNT, .holds = loads_efer),
};
ENTRY_RULES(rules_msrs);
