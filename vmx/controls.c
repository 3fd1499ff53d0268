#include "vmx/controls.h"

#include "lib/errno.h"

int vmx_controls_compute(uint64_t capability_msr, uint32_t required, uint32_t optional,
			 uint32_t *value, uint32_t *missing)
{
	uint32_t must = (uint32_t)capability_msr;
	uint32_t may = (uint32_t)(capability_msr >> 32);

	*value = (required | optional | must) & may;
	*missing = required & ~may;
	return *missing ? -ENODEV : 0;
}

uint64_t vmx_fixed_apply(uint64_t value, uint64_t fixed0, uint64_t fixed1)
{
	return (value | fixed0) & fixed1;
}
