/*
 * Which CPU this is, for tables of errata: the vendor, the signature CPUID.1:EAX (SDM Vol. 2A,
 * CPUID, figure 3-6), what it says of its own errata, and whether it is a bare one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/string.h"
#include "lib/x86.h"

#define MSR_IA32_ARCH_CAPABILITIES 0x10a

/* Of CPUID.1: 0 on a CPU, and set by each hypervisor for its guests. */
#define CPUID_1_ECX_HYPERVISOR BIT(31)

/* Reserved bits of a signature. */
#define SIGNATURE_RESERVED 0xf000c000u

static inline bool vendor_is_intel(const char vendor[12])
{
	return !memcmp(vendor, "GenuineIntel", 12);
}

static inline uint32_t signature_family(uint32_t signature)
{
	uint32_t family = signature >> 8 & 0xf;

	return family == 15 ? family + (signature >> 20 & 0xff) : family;
}

/* The model of family 6, or from 15 on, which has four further bits. */
static inline uint8_t signature_model(uint32_t signature)
{
	return (signature >> 4 & 0xf) | (signature >> 12 & 0xf0);
}

static inline bool signature_is_intel_family6(const char vendor[12], uint32_t signature)
{
	return vendor_is_intel(vendor) && signature_family(signature) == 6;
}

/* Whether it is one of these models of Intel's family 6. */
static inline bool signature_is_one_of(const char vendor[12], uint32_t signature,
				       const uint8_t *models, unsigned int count)
{
	if (!signature_is_intel_family6(vendor, signature))
		return false;
	for (unsigned int i = 0; i < count; i++)
		if (signature_model(signature) == models[i])
			return true;
	return false;
}

static inline void cpuid_vendor(char vendor[12])
{
	struct cpuid_regs r = cpuid(0);

	memcpy(vendor, &r.ebx, 4);
	memcpy(vendor + 4, &r.edx, 4);
	memcpy(vendor + 8, &r.ecx, 4);
}

/* There is another hypervisor below us. */
static inline bool cpuid_has_hypervisor(void)
{
	return cpuid(1).ecx & CPUID_1_ECX_HYPERVISOR;
}

/* What the CPU says of its own errata: IA32_ARCH_CAPABILITIES, or 0 (SDM Vol. 4, table 2-2). */
static inline uint64_t cpuid_arch_capabilities(void)
{
	uint64_t value;

	if (cpuid_max_leaf() < 7 || !(cpuid(7).edx & BIT(29)) ||
	    !rdmsr_if_present(MSR_IA32_ARCH_CAPABILITIES, &value))
		return 0;
	return value;
}
