/*
 * CPUID and CR4 as guests see them: what works, and nothing else.
 * SDM Vol. 2A, CPUID. The bits are chosen once at boot from what the CPU has.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/x86.h"

/* Reads the host's leaves and filters them. First CPU, after fpu_detect() and the VMX check. */
void guest_cpuid_init(void);

/*
 * What a guest finds in the basic leaves, but for what depends on the subleaf, on CR4 and on XCR0.
 * Leaves 1 and 7 with subleaf 0 lack OSXSAVE and OSPKE in ECX, which are bits of CR4; leaf 1
 * lacks APIC in EDX and the APIC ID, leaf Bh the x2APIC ID, which are the local APIC's.
 */
#define GUEST_CPUID_LEAVES 0x17 /* 0 to 16h */
extern struct cpuid_regs guest_cpuid_basic[GUEST_CPUID_LEAVES];

/* The same, where each guest finds it so at any time; NULL: in this leaf it is not so. */
extern const struct cpuid_regs *guest_cpuid_constant[GUEST_CPUID_LEAVES];

#define CPUID1_ECX_OSXSAVE BIT(27)
#define CPUID7_ECX_OSPKE   BIT(4)
#define CPUID1_EDX_APIC	   BIT(9)

/* What a guest with this XCR0 finds in any other leaf. */
struct cpuid_regs guest_cpuid(uint32_t leaf, uint32_t subleaf, uint64_t xcr0);

/* The CR4 bits that a guest may set. */
uint64_t guest_cr4_allowed(void);

bool guest_has_rdtscp(void);

/* XSAVES and XRSTORS, and IA32_XSS, which holds 0. */
bool guest_has_xsaves(void);

/* MAXPHYADDR: how many bits a guest-physical address has. */
unsigned int guest_physical_bits(void);

/*
 * For how many bits, 48 or 57, this CPU checks an address that WRMSR loads: for its own, whatever
 * paging is in use (SDM Vol. 1 3.3.7.1). Guests are shown 48.
 */
unsigned int host_linear_bits(void);

bool guest_has_1g_pages(void);

/* WRMSRNS, which guests do not have; the CPU leaves for it by the exit reason of WRMSR. */
bool host_has_wrmsrns(void);
