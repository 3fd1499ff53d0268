#include "boot/mtrr.h"

#include "lib/x86.h"

#define FIXED_RANGES_END BIT(20)
#define FIXED_RANGE_SIZE BIT(12) /* of the smallest of them */

#define DEF_TYPE_ENABLE BIT(11)
#define PHYSMASK_VALID	BIT(11)
#define ADDRESS_BITS	(~0xfffull)

void mtrrs_read(struct mtrrs *mtrrs)
{
	uint32_t count;

	mtrrs->count = 0;
	mtrrs->on = cpuid(1).edx & BIT(12) && rdmsr(MSR_IA32_MTRR_DEF_TYPE) & DEF_TYPE_ENABLE;
	if (!mtrrs->on)
		return;
	count = rdmsr(MSR_IA32_MTRRCAP) & 0xff;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t mask = rdmsr(MSR_IA32_MTRR_PHYSMASK0 + 2 * i);

		if (!(mask & PHYSMASK_VALID))
			continue;
		mtrrs->range[mtrrs->count].base = rdmsr(MSR_IA32_MTRR_PHYSBASE0 + 2 * i);
		mtrrs->range[mtrrs->count++].mask = mask & ADDRESS_BITS;
	}
}

bool mtrrs_same_type(const struct mtrrs *mtrrs, uint64_t address, uint64_t size)
{
	uint64_t inside = size - 1;

	if (!mtrrs->on)
		return true;
	if (address < FIXED_RANGES_END && size > FIXED_RANGE_SIZE)
		return false;
	for (uint32_t i = 0; i < mtrrs->count; i++) {
		uint64_t base = mtrrs->range[i].base, mask = mtrrs->range[i].mask;

		/* a mask bit above the page that does not match: none of the page is in it */
		if ((address ^ base) & mask & ~inside)
			continue;
		if (mask & inside)
			return false;
	}
	return true;
}
