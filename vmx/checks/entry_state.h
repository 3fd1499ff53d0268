/*
 * What the rules of vmx/checks/entry_checks.h are written with: the state that is judged, and the
 * conditions that several of them ask for. For vmx/checks/entry_rules_*.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/array.h"
#include "lib/x86.h"
#include "vmx/checks/entry_rule.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"

/* Words of controls, as they count: those of a word that is not activated are all 0. */
enum entry_word {
	WORD_PIN,
	WORD_PRIMARY,
	WORD_SECONDARY,
	WORD_TERTIARY,
	WORD_VM_FUNCTION,
	WORD_EXIT,
	WORD_SECONDARY_EXIT,
	WORD_ENTRY,
	ENTRY_WORDS,
};

/* Read once: what many rules ask for. */
struct entry_state {
	const struct entry_source *source;
	const struct entry_cpu *cpu;
	uint64_t control[ENTRY_WORDS];
	uint64_t guest_cr0, guest_cr4, rflags;
	uint32_t event; /* VM-entry interruption information */
	uint32_t interruptibility, activity, cs_rights, ss_rights;
	bool ia32e, v8086, unrestricted; /* what the guest will be */
	uint32_t field;			 /* of the rule that is asked, or of the one before it */
	uint64_t value;			 /* of that field */
};

static inline uint64_t entry_read(const struct entry_state *state, uint32_t field)
{
	return state->source->read(state->source->arg, field);
}

static inline bool entry_on(const struct entry_state *state, enum entry_word word, uint32_t control)
{
	return state->control[word] & control;
}

/* Conditions for .applies */
#define CONDITION(name) bool name(const struct entry_state *state, const struct entry_rule *rule)
CONDITION(entry_injects);	   /* an event, any */
CONDITION(entry_injects_hardware); /* a hardware exception */

/* Predicates for .holds */
#define PREDICATE(name)                                                                            \
	bool name(const struct entry_state *state, const struct entry_rule *rule, uint64_t value)
PREDICATE(entry_bits_are_0);	  /* rule->bits */
PREDICATE(entry_bits_are_1);	  /* rule->bits, all of them */
PREDICATE(entry_is_not_0);	  /* any bit */
PREDICATE(entry_is_in_width);	  /* a physical address that the CPU has, or VMX has */
PREDICATE(entry_is_in_cpu_width); /* a physical address that the CPU has */
PREDICATE(entry_is_cr3);	  /* the same, with LAM's bits where the CPU has them */
PREDICATE(entry_is_canonical);	  /* a linear address */
PREDICATE(entry_is_pat);	  /* eight memory types */
PREDICATE(entry_s_cet_tracks);	  /* SUPPRESS and TRACKER not both */
PREDICATE(entry_cr4_cet_has_wp);  /* rule->bits is the field of CR0 */
PREDICATE(entry_needs_ept);	  /* "enable EPT" is 1 */

PREDICATE(entry_may_count_bytes); /* access rights whose G fits the limit: G is 0 where it must */
PREDICATE(entry_counts_pages);	  /* the same: G is 1 where it must */
PREDICATE(entry_has_fixed_ones);  /* a word of controls, by its capability MSR */
PREDICATE(entry_has_fixed_zeros); /* the same */

/* A row. Each file says the SECTION and the STAGE of those that follow. */
#define ROW(name_, field_, should_, ...)                                                           \
	{                                                                                          \
		.name = (name_), .section = SECTION, .stage = STAGE, .field = VMCS_##field_,       \
		.field_name = #field_, .should = (should_), __VA_ARGS__                            \
	}

/* In a row: that this control is 1. */
#define ON(word_, bit) .word = WORD_##word_, .control = (uint32_t)word_##_##bit

/* In a row: that these bits are 0, or 1. */
#define ZERO(mask) .holds = entry_bits_are_0, .bits = (mask)
#define ONES(mask) .holds = entry_bits_are_1, .bits = (mask)

#define HIGH_HALF 0xffffffff00000000ull

/* The page that a control needs. */
#define PAGE_ROWS(name, field, on)                                                                 \
	ROW(name "-aligned", field, "bits 11:0 must be 0", on, ZERO(0xfff)),                       \
		ROW(name "-width", field, "no bit beyond the physical-address width may be 1", on, \
		    .holds = entry_is_in_width)

/* A word of controls that a capability MSR describes. */
#define WORD_ROWS(name, field, msr)                                                                \
	ROW(name "-fixed-1", field, "bits that " msr " requires must be 1",                        \
	    .holds = entry_has_fixed_ones),                                                        \
		ROW(name "-fixed-0", field, "only bits that " msr " allows may be 1",              \
		    .holds = entry_has_fixed_zeros)

/* An area of MSRs; rule->bits is the field of its count. */
PREDICATE(entry_area_is_aligned);
PREDICATE(entry_area_is_in_width);
PREDICATE(entry_area_ends_in_width);
CONDITION(entry_area_is_used);
#define MSR_AREA_ROWS(name, area)                                                                  \
	ROW(name "-aligned", area##_ADDRESS, "bits 3:0 must be 0", .applies = entry_area_is_used,  \
	    .bits = VMCS_##area##_COUNT, .holds = entry_area_is_aligned),                          \
		ROW(name "-width", area##_ADDRESS,                                                 \
		    "no bit beyond the physical-address width may be 1",                           \
		    .applies = entry_area_is_used, .bits = VMCS_##area##_COUNT,                    \
		    .holds = entry_area_is_in_width),                                              \
		ROW(name "-end", area##_ADDRESS,                                                   \
		    "the last byte (16 for each of the count) must lie below the end of "          \
		    "the physical-address width",                                                  \
		    .applies = entry_area_is_used, .bits = VMCS_##area##_COUNT,                    \
		    .holds = entry_area_ends_in_width)

/* A table: vmx/checks/entry_rules.h has them all */
struct entry_rules {
	const struct entry_rule *rule;
	size_t count;
};

#define ENTRY_RULES(table) const struct entry_rules entry_##table = {table, ARRAY_SIZE(table)}
