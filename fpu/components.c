#include "fpu/components.h"
#include "fpu/xsave_area.h"
#include "lib/x86.h"

#define FIRST_SIZE (FPU_LEGACY_SIZE + FPU_HEADER_SIZE)

uint32_t fpu_standard_size(const struct fpu_component component[FPU_COMPONENTS], uint64_t mask)
{
	uint32_t size = FIRST_SIZE;

	for (uint32_t i = 2; i < FPU_COMPONENTS && mask >> i; i++)
		if ((mask & BIT(i)) && component[i].offset + component[i].size > size)
			size = component[i].offset + component[i].size;
	return size;
}

uint32_t fpu_compacted_size(const struct fpu_component component[FPU_COMPONENTS], uint64_t mask)
{
	uint32_t size = FIRST_SIZE;

	for (uint32_t i = 2; i < FPU_COMPONENTS && mask >> i; i++) {
		if (!(mask & BIT(i)))
			continue;
		if (component[i].aligned)
			size = (size + 63) & ~63u;
		size += component[i].size;
	}
	return size;
}

/* Each lies behind those before it. */
uint32_t fpu_compacted_offset(const struct fpu_component component[FPU_COMPONENTS], uint64_t mask,
			      uint32_t i)
{
	uint32_t offset = fpu_compacted_size(component, mask & (BIT(i) - 1));

	return component[i].aligned ? (offset + 63) & ~63u : offset;
}
