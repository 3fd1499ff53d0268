/*
 * Which CPU this is, for tables of errata: the vendor, and the signature CPUID.1:EAX (SDM Vol. 2A,
 * CPUID, figure 3-6).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/string.h"
#include "lib/x86.h"

/* Reserved bits of a signature. */
#define SIGNATURE_RESERVED 0xf000c000u

static inline bool signature_is_intel_family6(const char vendor[12], uint32_t signature)
{
	return !memcmp(vendor, "GenuineIntel", 12) && (signature >> 8 & 0xf) == 6;
}

/* The model of family 6, which has four further bits. */
static inline uint8_t signature_model(uint32_t signature)
{
	return (signature >> 4 & 0xf) | (signature >> 12 & 0xf0);
}

static inline void cpuid_vendor(char vendor[12])
{
	struct cpuid_regs r = cpuid(0);

	memcpy(vendor, &r.ebx, 4);
	memcpy(vendor + 4, &r.edx, 4);
	memcpy(vendor + 8, &r.ecx, 4);
}
