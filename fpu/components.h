/*
 * The state components that guests may have, and where they lie in an XSAVE area.
 * SDM Vol. 1 13.1, 13.4.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define FPU_COMPONENT_PKRU     9
#define FPU_COMPONENT_TILECFG  17
#define FPU_COMPONENT_TILEDATA 18
#define FPU_COMPONENTS	       19

/* What CPUID.D.i says of component i; 0 and 1 have their place in the legacy region. */
struct fpu_component {
	uint32_t size;
	uint32_t offset; /* in the standard format */
	bool aligned;	 /* to 64 bytes in the compacted format */
};

/* Bytes of an area that holds these components, legacy region and header included. */
uint32_t fpu_standard_size(const struct fpu_component component[FPU_COMPONENTS], uint64_t mask);
uint32_t fpu_compacted_size(const struct fpu_component component[FPU_COMPONENTS], uint64_t mask);

/* Where component i, which is one of them and not in the legacy region, lies in the compacted
 * format. */
uint32_t fpu_compacted_offset(const struct fpu_component component[FPU_COMPONENTS], uint64_t mask,
			      uint32_t i);
