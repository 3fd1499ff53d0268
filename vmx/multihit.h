/*
 * CVE-2018-12207, "iTLB multihit": on many CPUs a guest that changes the size of a page under its
 * own feet can raise a machine check that stops the whole machine (Intel, "Machine Check Error
 * Avoidance on Page Size Change", INTEL-SA-00210). It takes an instruction fetch through a large
 * page of the EPT too: where those are not executable (vmx/ept.h) it cannot happen.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Whether large pages are split where a guest executes: `multihit=`. */
enum multihit {
	MULTIHIT_AUTO, /* on the CPUs that are affected */
	MULTIHIT_SPLIT,
	MULTIHIT_OFF,
};

/*
 * Whether a CPU must be taken to have it: vendor as CPUID.0 spells it, signature is CPUID.1:EAX,
 * arch_capabilities the MSR of that name or 0.
 */
bool multihit_affects(const char vendor[12], uint32_t signature, uint64_t arch_capabilities);

/* Whether this one has it. Under a hypervisor: whether the CPU that it shows has it. */
bool multihit_affects_this_cpu(void);
