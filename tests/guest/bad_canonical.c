/*
 * Addresses that are canonical in 57 bits and not in 48, in registers that VM entry loads. A CPU
 * with 5-level paging takes them without a VM exit, hidden or not, and its VM entry should; that of
 * an emulator does not. Any other CPU raises #GP.
 */
#include "bad.h"

#define CANONICAL_IN_57_BITS 0x0000800000000000ull

static int write_msr(uint32_t index)
{
	uint64_t value = CANONICAL_IN_57_BITS;

	TRY("wrmsr", : : "c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
	return trap.vector;
}

static int refused(const char *name)
{
	print("told off: %s, vector %d\n", name, VECTOR_GP);
	report_pass(name);
	return report_end();
}

/* It was taken: the next VM entry decides, and where that takes it too all is well. */
static int taken(const char *name)
{
	cpuid(0, 0);
	print("taken: %s\n", name);
	report_pass(name);
	return report_end();
}

static int by_wrmsr(const char *name, uint32_t index)
{
	return write_msr(index) == VECTOR_GP ? refused(name) : taken(name);
}

int fs_in_57_bits(void)
{
	return by_wrmsr("fs57", MSR_FS_BASE);
}

int gs_in_57_bits(void)
{
	return by_wrmsr("gs57", MSR_GS_BASE);
}

int sysenter_in_57_bits(void)
{
	return by_wrmsr("sysenter57", MSR_SYSENTER_EIP);
}

int swapgs_in_57_bits(void)
{
#ifdef __x86_64__
	if (write_msr(MSR_KERNEL_GS_BASE) == VECTOR_GP)
		return refused("swapgs57");
	asm volatile("swapgs" : : : "memory");
	return taken("swapgs57");
#else
	report_skip("swapgs57", "64-bit only");
	return 0;
#endif
}
