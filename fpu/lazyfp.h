/*
 * CVE-2018-3665 (LazyFP): CPUs that speculate past #NM, so that a guest whose state is not loaded
 * could read the previous owner's registers. No CPUID or MSR bit tells: it takes a table.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* By CPUID.0's vendor string and CPUID.1:EAX. What is not known to be safe is affected. */
bool lazyfp_affects(const char vendor[12], uint32_t signature);

/* This CPU; all are taken to be alike. */
bool fpu_lazy_leaks(void);
