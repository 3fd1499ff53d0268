/*
 * What VM entry and exit do not switch (SDM Vol. 3C 26.3.2, 27.5): registers that stay a guest's
 * while the hypervisor runs, until another guest needs them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/x86.h"

enum unswitched_msr {
	UNSWITCHED_STAR,
	UNSWITCHED_LSTAR,
	UNSWITCHED_CSTAR,
	UNSWITCHED_FMASK,
	UNSWITCHED_KERNEL_GS_BASE,
	UNSWITCHED_TSC_AUX, /* 0 where guests have none */
	UNSWITCHED_MSR_COUNT,
};

struct unswitched {
	uint64_t msr[UNSWITCHED_MSR_COUNT];
	uint64_t cr2;
	uint64_t dr[4], dr6;
	uint32_t pkru;
	uint32_t domain; /* whose branches the CPU predicts by: a trust domain, or 0 */
};

/* Each function is for the CPU whose registers `live` tells of; root mode. */

/* Reads them all. At boot, after guest_cpuid_init(). */
void switch_read(struct unswitched *live);

/*
 * Reads those that a guest changes without an exit, for `live` and for its own record; PKRU, which
 * takes longer, is for those that use it.
 */
void switch_save(struct unswitched *live, struct unswitched *own);
void switch_save_pkru(struct unswitched *live, struct unswitched *own);

/* Writes those that are not as wanted. */
void switch_to(struct unswitched *live, const struct unswitched *wanted);

extern const uint32_t switch_msr_number[UNSWITCHED_MSR_COUNT];

/* A new value for one MSR. False: the CPU refuses it, and nothing has changed. */
static inline bool switch_write_msr(struct unswitched *live, enum unswitched_msr index,
				    uint64_t value)
{
	if (!wrmsr_if_accepted(switch_msr_number[index], value))
		return false;
	live->msr[index] = value;
	return true;
}
