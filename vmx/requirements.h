/*
 * What Resident needs of a CPU's VMX and what it can do without, a row each: the check at boot and
 * `doctor` go through the same rows. SDM Vol. 3D Appendix A.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Where a CPU tells what it has. Of the controls, the high half is what may be 1. */
enum vmx_word {
	VMX_WORD_CPUID, /* CPUID.1:ECX */
	VMX_WORD_FEATURE_CONTROL,
	VMX_WORD_BASIC,
	VMX_WORD_PIN,
	VMX_WORD_PRIMARY,
	VMX_WORD_EXIT,
	VMX_WORD_ENTRY,
	VMX_WORD_SECONDARY,
	VMX_WORD_EPT_VPID,
	VMX_WORD_MISC,
	VMX_WORD_CR0_FIXED0,
	VMX_WORD_CR0_FIXED1,
	VMX_WORD_CR4_FIXED0,
	VMX_WORD_CR4_FIXED1,
	VMX_WORD_END
};

struct vmx_words {
	uint64_t value[VMX_WORD_END]; /* 0 where it is not known */
	uint32_t
		known; /* bit w: the CPU has word w; without what announces it it cannot be asked */
};

enum vmx_need {
	VMX_REQUIRED, /* without it no guest runs */
	VMX_USED,     /* used wherever it is there */
	VMX_CHOSEN,   /* may be used: the option of that name, or what else is there, decides */
};

struct vmx_requirement {
	const char *key;  /* of the record */
	const char *name; /* for a person: a CPU "lacks" it */
	enum vmx_word word;
	enum vmx_need need;
	uint64_t mask, value; /* it is there if the word has this value under the mask */
	uint64_t any;	      /* and one of these bits, if this is not 0 */
	const char *remedy;   /* what to do where it is missing; or, if it is not required, what
				 comes of it */
};

/* Ends with a row without a key. */
extern const struct vmx_requirement vmx_requirements[];

/* Of this CPU. Without VMX that is CPUID alone, and no MSR is touched. Root mode or before it. */
void vmx_words_read(struct vmx_words *words);

static inline bool vmx_word_known(const struct vmx_words *words, enum vmx_word word)
{
	return words->known >> word & 1;
}

/* Whether words have it; false also where the word is not known. */
bool vmx_requirement_met(const struct vmx_requirement *row, const struct vmx_words *words);

/* The bits of a control word that rows with this need ask for. */
uint32_t vmx_requirements_controls(enum vmx_word word, enum vmx_need need);
