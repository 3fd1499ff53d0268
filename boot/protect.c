#include "boot/protect.h"

#include "lib/x86.h"

#define LEAF7_EBX_SMEP BIT(7)
#define LEAF7_EBX_SMAP BIT(20)
#define LEAF7_ECX_UMIP BIT(2)

uint64_t protect_cr4(uint32_t leaf7_ebx, uint32_t leaf7_ecx)
{
	return (leaf7_ebx & LEAF7_EBX_SMEP ? CR4_SMEP : 0) |
	       (leaf7_ebx & LEAF7_EBX_SMAP ? CR4_SMAP : 0) |
	       (leaf7_ecx & LEAF7_ECX_UMIP ? CR4_UMIP : 0);
}

void protect_cpu(void)
{
	struct cpuid_regs leaf;

	if (cpuid_max_leaf() < 7)
		return;
	leaf = cpuid(7);
	write_cr4(read_cr4() | protect_cr4(leaf.ebx, leaf.ecx));
}
