/*
 * Whether two CPUs' TSCs show the same at the same time: a guest that moves from one to the other
 * must not see time run backwards. The two CPUs take turns; interrupts off.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The first CPU's part, as long as *stage has this value, and until its TSC has reached `end`. */
void tsc_step_first(const volatile uint32_t *stage, uint32_t value, uint64_t end);

/*
 * The other CPU's: measures, and brings a TSC that is off in step, by IA32_TSC_ADJUST or, where
 * there is none, IA32_TSC (SDM Vol. 3B 17.17). Returns by how many ticks it is still ahead (behind,
 * if below 0), 0 where that is less than can be measured; *found is what it was before.
 */
int64_t tsc_step_other(int64_t *found);
