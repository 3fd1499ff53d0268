/*
 * A CPU's FPU state and the instructions that save and load it, in software, as SDM Vol. 1 chapter
 * 13 has them: what fpu/instructions.S is on a real one. It can be told to lie, in one way, about
 * one component, in some of the instructions.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fpu/components.h"

enum fake_instruction {
	FAKE_FXSAVE,
	FAKE_XSAVE,
	FAKE_XSAVEOPT,
	FAKE_XSAVEC,
	FAKE_XSAVES,
	FAKE_FXRSTOR,
	FAKE_XRSTOR,	       /* of an image in the standard format */
	FAKE_XRSTOR_COMPACTED, /* of the other */
	FAKE_XRSTORS,
};

enum fake_lie {
	FAKE_IS_HONEST,

	FAKE_SAVE_FAULTS,
	FAKE_SAVE_OMITS,	 /* the component is not written */
	FAKE_SAVE_HALVES,	 /* its upper half is written as zeros */
	FAKE_SAVE_SAYS_INITIAL,	 /* it is in use, and not in XSTATE_BV */
	FAKE_SAVE_SAYS_TOO_MUCH, /* XSTATE_BV has components that are not asked for */
	FAKE_SAVE_WRONG_FORMAT,	 /* bit 63 of XCOMP_BV says the opposite */
	FAKE_SAVE_WRONG_LAYOUT,	 /* XCOMP_BV has every component, whatever is asked for */
	FAKE_SAVE_SPOILS_HEADER,
	FAKE_SAVE_AVX_OVER_HEADER,
	FAKE_SAVE_TOO_FAR, /* bytes behind the last component */
	FAKE_SAVE_FORGETS_MXCSR,
	FAKE_SAVE_LOSES_POINTERS,
	FAKE_SAVE_LOSES_OPCODE,
	FAKE_SAVE_EMPTIES, /* the registers are initial afterwards */

	FAKE_LOAD_FAULTS,
	FAKE_LOAD_OMITS, /* the component is not loaded */
	FAKE_LOAD_HALVES,
	FAKE_LOAD_KEEPS,       /* it is not made initial */
	FAKE_LOAD_KEEPS_MXCSR, /* ... MXCSR is not, where SSE state is */
	FAKE_LOAD_TOUCHES,     /* it is made initial though not asked for */
	FAKE_LOAD_ALL,	       /* the mask is not looked at */
	FAKE_LOAD_LOSES_POINTERS,

	FAKE_MISPLACES, /* 64 bytes further on, in saves and loads alike */
	FAKE_LIES,
};

struct fake_cpu {
	uint64_t xcr0; /* 0: it has no XSAVE */
	struct fpu_component component[FPU_COMPONENTS];
	bool all_in_use; /* it does not track what is initial */
	enum fake_lie lie;
	uint32_t component_lied_about;
	uint32_t liars; /* bit i: instruction i */
};

extern struct fake_cpu fake_cpu;

/* Every register gets bytes that no test expects. */
void fake_cpu_power_on(void);
