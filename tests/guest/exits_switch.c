/*
 * What VMX does not switch and the hypervisor must: it survives a turn of the guest `clobber`,
 * which writes all of it. peers=N waits for so many VMs first.
 */
#include "exits.h"

static void give_others_a_turn(void)
{
	wait_for_peers(option_number("peers", 1));
	yield();
	yield();
}

static void cr2_and_debug_registers(void)
{
	write_cr2(0x12345678);
	write_dr0(0x101010);
	write_dr1(0x202020);
	write_dr2(0x303030);
	write_dr3(0x404040);
	write_dr6(0xffff4ff0);
	give_others_a_turn();
	expect(read_cr2() == 0x12345678, "CR2 is 0x%lx", (unsigned long)read_cr2());
	expect(read_dr0() == 0x101010, "DR0 is 0x%lx", (unsigned long)read_dr0());
	expect(read_dr1() == 0x202020, "DR1 is 0x%lx", (unsigned long)read_dr1());
	expect(read_dr2() == 0x303030, "DR2 is 0x%lx", (unsigned long)read_dr2());
	expect(read_dr3() == 0x404040, "DR3 is 0x%lx", (unsigned long)read_dr3());
	expect((read_dr6() & 0xffffffff) == 0xffff4ff0, "DR6 is 0x%lx", (unsigned long)read_dr6());
	write_dr6(0xffff0ff0);
}

static void survives(uint32_t index, uint64_t value, const char *name)
{
	uint64_t before = rdmsr(index);

	wrmsr(index, value);
	give_others_a_turn();
	expect(rdmsr(index) == value, "%s is 0x%llx instead of 0x%llx", name,
	       (unsigned long long)rdmsr(index), (unsigned long long)value);
	wrmsr(index, before);
}

/* RDTSCP reads the register itself, RDMSR what the hypervisor remembers of it. */
static void rdtscp_survives(void)
{
	uint32_t low, high, aux;

	wrmsr(MSR_TSC_AUX, 0x13572468);
	for (unsigned i = 0; i < 4; i++)
		yield();
	asm volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(aux));
	expect(aux == 0x13572468, "RDTSCP gives 0x%x", aux);
}

static void msrs(void)
{
	if (cpuid(0x80000001, 0).edx & 1u << 29) {
		survives(MSR_STAR, 0x0023000800000000, "STAR");
		survives(MSR_LSTAR, 0xffff800011112222, "LSTAR");
		survives(MSR_CSTAR, 0x00007fff33334444, "CSTAR");
		survives(MSR_FMASK, 0x700, "FMASK");
		survives(MSR_KERNEL_GS_BASE, 0xffff800055556666, "KERNEL_GS_BASE");
	}
	if (cpuid(0x80000001, 0).edx & 1u << 27)
		survives(MSR_TSC_AUX, 0x77778888, "TSC_AUX");
	if (cpuid(0x80000001, 0).edx & 1u << 27)
		rdtscp_survives();
	survives(MSR_SYSENTER_EIP, 0x12341234, "SYSENTER_EIP");
	survives(MSR_PAT, 0x0007010600070106, "PAT");
}

static void xcr0(void)
{
	uint64_t all;

	if (!(fpu_components & FPU_XSAVE)) {
		skip("no XSAVE here");
		return;
	}
	all = xgetbv(0);
	for (uint64_t value = 1; value <= 3; value += 2) {
		xsetbv(0, value);
		give_others_a_turn();
		expect(xgetbv(0) == value, "XCR0 is 0x%llx instead of 0x%llx",
		       (unsigned long long)xgetbv(0), (unsigned long long)value);
	}
	xsetbv(0, all);
}

static void general_registers(void)
{
#ifdef __x86_64__
	uint64_t kept = 0;

	asm volatile("movq $0x1111, %%r8; movq $0x2222, %%r9; movq $0x3333, %%r10\n\t"
		     "movq $0x4444, %%r11; movq $0x5555, %%r12; movq $0x6666, %%r13\n\t"
		     "movq $0x7777, %%r14; movq $0x8888, %%r15\n\t"
		     "vmcall\n\t"
		     "addq %%r9, %%r8; addq %%r10, %%r8; addq %%r11, %%r8; addq %%r12, %%r8\n\t"
		     "addq %%r13, %%r8; addq %%r14, %%r8; addq %%r15, %%r8; movq %%r8, %0"
		     : "=&S"(kept)
		     : "a"((uint64_t)HYPERCALL_YIELD)
		     : "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory");
	expect(kept == 0x1111ull * 36, "R8 to R15 add up to 0x%llx", (unsigned long long)kept);
#else
	uint32_t a = HYPERCALL_YIELD, b = 1, c = 2, d = 3, si = 4, di = 5;

	asm volatile("vmcall"
		     : "+a"(a), "+b"(b), "+c"(c), "+d"(d), "+S"(si), "+D"(di)
		     :
		     : "memory");
	expect(b == 1 && c == 2 && d == 3 && si == 4 && di == 5, "%u %u %u %u %u", b, c, d, si, di);
#endif
}

const struct check switch_checks[] = {
	{"switch-cr2-and-debug-registers", cr2_and_debug_registers, NEEDS_HYPERCALL},
	{"switch-msrs", msrs, NEEDS_HYPERCALL},
	{"switch-xcr0", xcr0, NEEDS_HYPERCALL},
	{"switch-general-registers", general_registers, NEEDS_HYPERCALL},
};
const size_t switch_check_count = ARRAY_SIZE(switch_checks);
