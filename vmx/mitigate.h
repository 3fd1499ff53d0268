/*
 * Does what vmx/mitigations.h decides: on the way of an exit and an entry (vmx/entry.S), and in
 * MSRs that stay as they are.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmx/entry.h"
#include "vmx/mitigations.h"

/* A stretch of text and the steps that need it: vmx/entry.S. */
struct mitigation_site {
	uint64_t start, end, steps;
};

/*
 * The first CPU, which is what guests find and what the others must be like; `emulated`: see there.
 * Writes text: before boot/paging.c protects it, and before any VM entry.
 */
void mitigate_init(enum mitigations_wanted wanted, bool emulated);

/* The way of an entry and an exit that this machine takes: see vmx/entry.h. Written at boot. */
extern struct vmx_way {
	struct vmx_outcome (*enter)(struct vmx_guest *guest, bool launched);
	const char *exit; /* where VM exits arrive: for VMCS HOST_RIP */
} vmx_way;

/* The machine's. */
const struct mitigations *mitigations(void);

/* The first CPU's, by which mitigations() was decided. */
const struct speculating_cpu *mitigations_cpu(void);

/* Of CPUID.07H:EDX the bits about speculation that guests find, where the CPU has them. */
uint32_t mitigations_guest_leaf7_edx(void);

/* CPUID.07H.2:EDX as guests find it, and their IA32_ARCH_CAPABILITIES where they have that. */
uint32_t mitigations_guest_leaf7_2_edx(void);
uint64_t mitigations_guest_arch_capabilities(void);

/* Whether guests may run on this CPU too: mitigations_suit(). */
bool mitigate_suits(void);

/*
 * On each CPU, before its first VM entry: IA32_SPEC_CTRL is the hypervisor's. False: this one needs
 * or can do something else than the first, or guests would have less on it than they were told.
 */
bool mitigate_this_cpu(void);

/* Each site gets a jump over it, but those of one of these steps. */
void mitigate_sites(const struct mitigation_site *site, const struct mitigation_site *end,
		    uint32_t steps);

/* STEP_IBPB is taken: see mitigate_new_domain(). */
extern bool mitigations_ibpb;

/* The next guest here does not trust the one before. Root mode, between their turns. */
void mitigate_new_domain(void);
