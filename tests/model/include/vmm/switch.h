/*
 * vmm/switch.h for the model: the registers that VMX does not switch are one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum unswitched_msr { UNSWITCHED_MSR, UNSWITCHED_MSR_COUNT };

struct unswitched {
	uint64_t msr[UNSWITCHED_MSR_COUNT];
};

void switch_save(struct unswitched *live, struct unswitched *own);
void switch_save_pkru(struct unswitched *live, struct unswitched *own);
void switch_to(struct unswitched *live, const struct unswitched *wanted);

/* Only in the register that `live` tells of. */
static inline bool switch_write_msr(struct unswitched *live, enum unswitched_msr index,
				    uint64_t value)
{
	live->msr[index] = value;
	return true;
}
