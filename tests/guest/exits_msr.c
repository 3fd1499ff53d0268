/* RDMSR and WRMSR: SDM Vol. 4, and #GP(0) as in Vol. 2B. */
#include "exits.h"

static void unknown_msr_faults(void)
{
	uint64_t value;

	try_rdmsr(0x40000fff, &value);
	expect_fault("RDMSR of an unknown one", VECTOR_GP);
	try_wrmsr(0x40000fff, 0);
	expect_fault("WRMSR of an unknown one", VECTOR_GP);
	try_rdmsr(0xc0001fff, &value);
	expect_fault("RDMSR of an unknown high one", VECTOR_GP);
	try_rdmsr(0x480, &value); /* VMX_BASIC, with VMX hidden */
	expect_fault("RDMSR of IA32_VMX_BASIC", VECTOR_GP);
	try_wrmsr(0x480, 0);
	expect_fault("WRMSR of IA32_VMX_BASIC", VECTOR_GP);
	try_wrmsr(MSR_DEBUGCTL, 1); /* LBR */
	expect_fault("WRMSR of a bit of IA32_DEBUGCTL that is not offered", VECTOR_GP);
	try_wrmsr(MSR_DEBUGCTL, 1ull << 40);
	expect_fault("WRMSR of a reserved bit of IA32_DEBUGCTL", VECTOR_GP);
}

/* LMA follows CR0.PG alone: what is written to it does not count (SDM Vol. 3A 2.2.1). */
static void efer_lma_is_not_written(void)
{
	uint64_t before = rdmsr(MSR_EFER);

	try_wrmsr(MSR_EFER, before ^ EFER_LMA);
	expect_fault("EFER with LMA changed", NO_TRAP);
	expect(rdmsr(MSR_EFER) == before, "EFER is 0x%llx after a write of LMA",
	       (unsigned long long)rdmsr(MSR_EFER));
}

static void efer(void)
{
	uint64_t before = rdmsr(MSR_EFER);

	expect((before & EFER_LMA) == (GUEST_BITS == 64 ? EFER_LMA : 0), "EFER is 0x%llx",
	       (unsigned long long)before);
	try_wrmsr(MSR_EFER, before | 0x2);
	expect_fault("EFER bit 1", VECTOR_GP);
	try_wrmsr(MSR_EFER, before | 1ull << 40);
	expect_fault("EFER bit 40", VECTOR_GP);
	try_wrmsr(MSR_EFER, before | 1ull << 12); /* SVME */
	expect_fault("EFER.SVME", VECTOR_GP);
	expect(rdmsr(MSR_EFER) == before, "EFER changed to 0x%llx",
	       (unsigned long long)rdmsr(MSR_EFER));
	wrmsr(MSR_EFER, before | EFER_SCE | EFER_NXE);
	expect(rdmsr(MSR_EFER) == (before | EFER_SCE | EFER_NXE), "EFER.SCE, NXE: 0x%llx",
	       (unsigned long long)rdmsr(MSR_EFER));
	if (GUEST_BITS == 64) {
		try_wrmsr(MSR_EFER, before & ~(uint64_t)EFER_LME);
		expect_fault("clearing EFER.LME with paging on", VECTOR_GP);
	} else {
		wrmsr(MSR_EFER, before | EFER_LME);
		expect(rdmsr(MSR_EFER) == (before | EFER_LME), "EFER.LME without paging");
	}
	wrmsr(MSR_EFER, before);
	efer_lma_is_not_written();
}

static void pat(void)
{
	uint64_t before = rdmsr(MSR_PAT);

	wrmsr(MSR_PAT, 0x0001040506070001);
	expect(rdmsr(MSR_PAT) == 0x0001040506070001, "PAT is 0x%llx",
	       (unsigned long long)rdmsr(MSR_PAT));
	try_wrmsr(MSR_PAT, 0x0002040506070001);
	expect_fault("PAT type 2", VECTOR_GP);
	try_wrmsr(MSR_PAT, 0x0803040506070001);
	expect_fault("PAT type 8", VECTOR_GP);
	expect(rdmsr(MSR_PAT) == 0x0001040506070001, "PAT changed to 0x%llx",
	       (unsigned long long)rdmsr(MSR_PAT));
	wrmsr(MSR_PAT, before);
}

static void holds(uint32_t index, uint64_t value, const char *name)
{
	uint64_t before = rdmsr(index);

	if (try_wrmsr(index, value) != NO_TRAP) {
		fail("%s: writing 0x%llx raises %d", name, (unsigned long long)value, trap.vector);
		return;
	}
	expect(rdmsr(index) == value, "%s is 0x%llx instead of 0x%llx", name,
	       (unsigned long long)rdmsr(index), (unsigned long long)value);
	wrmsr(index, before);
}

#define CANONICAL_IN_57_BITS 0x0000800000000000ull

/*
 * For how many bits this CPU checks what is loaded, whatever paging is in use: 48, or 57 if it has
 * 5-level paging, which CPUID may hide. Its own check of KERNEL_GS_BASE tells.
 */
static unsigned address_bits(void)
{
	uint64_t before = rdmsr(MSR_KERNEL_GS_BASE);
	unsigned bits = try_wrmsr(MSR_KERNEL_GS_BASE, CANONICAL_IN_57_BITS) == NO_TRAP ? 57 : 48;

	if (bits == 57)
		wrmsr(MSR_KERNEL_GS_BASE, before);
	return bits;
}

static void noncanonical(uint32_t index, const char *name)
{
	try_wrmsr(index, 1ull << 56);
	expect_fault(name, VECTOR_GP);
	try_wrmsr(index, 0xfeffffffffffffff);
	expect_fault(name, VECTOR_GP);
	try_wrmsr(index, 0x1234000000000000);
	expect_fault(name, VECTOR_GP);
}

static void in_the_cpus_width(uint32_t index, const char *name)
{
	noncanonical(index, name);
	if (address_bits() == 57) {
		holds(index, CANONICAL_IN_57_BITS, name);
		return;
	}
	try_wrmsr(index, CANONICAL_IN_57_BITS);
	expect_fault(name, VECTOR_GP);
}

/* The same of registers that VM entry loads: one emulator then refuses what it took (guest bad). */
static void in_48_bits_at_least(uint32_t index, const char *name)
{
	noncanonical(index, name);
	if (address_bits() == 57)
		return;
	try_wrmsr(index, CANONICAL_IN_57_BITS);
	expect_fault(name, VECTOR_GP);
}

static bool have_long_mode(void)
{
	return cpuid(0x80000001, 0).edx & 1u << 29;
}

static void syscall_msrs(void)
{
	if (!have_long_mode()) {
		skip("no long mode here");
		return;
	}
	holds(MSR_STAR, 0x0023000811223344, "STAR");
	holds(MSR_LSTAR, 0xffff800012345678, "LSTAR");
	holds(MSR_CSTAR, 0x00007fff12345678, "CSTAR");
	holds(MSR_FMASK, 0x47700, "FMASK");
	in_the_cpus_width(MSR_LSTAR, "noncanonical LSTAR");
	in_the_cpus_width(MSR_CSTAR, "noncanonical CSTAR");
	/* emulators take it */
	try_wrmsr(MSR_FMASK, 1ull << 32);
	if (have_hypercalls())
		expect_fault("FMASK bit 32", VECTOR_GP);
	wrmsr(MSR_FMASK, 0);
}

static void base_msrs(void)
{
	if (!have_long_mode()) {
		skip("no long mode here");
		return;
	}
	holds(MSR_KERNEL_GS_BASE, 0xffff8000aabbccdd, "KERNEL_GS_BASE");
	in_the_cpus_width(MSR_KERNEL_GS_BASE, "noncanonical KERNEL_GS_BASE");
	in_48_bits_at_least(MSR_FS_BASE, "noncanonical FS_BASE");
	in_48_bits_at_least(MSR_GS_BASE, "noncanonical GS_BASE");
#ifdef __x86_64__
	static uint64_t there = 0x1122334455667788;
	uint64_t got;

	holds(MSR_FS_BASE, 0x7fff00001234, "FS_BASE");
	holds(MSR_GS_BASE, 0xffff800000001234, "GS_BASE");
	if (address_bits() == 57 && have_hypercalls()) {
		wrmsr(MSR_KERNEL_GS_BASE, CANONICAL_IN_57_BITS);
		yield();
		expect(rdmsr(MSR_KERNEL_GS_BASE) == CANONICAL_IN_57_BITS,
		       "KERNEL_GS_BASE is 0x%llx after a yield",
		       (unsigned long long)rdmsr(MSR_KERNEL_GS_BASE));
	}
	wrmsr(MSR_KERNEL_GS_BASE, (uintptr_t)&there);
	wrmsr(MSR_GS_BASE, 0);
	asm volatile("swapgs; mov %%gs:0, %0; swapgs" : "=r"(got) : : "memory");
	expect(got == there, "through SWAPGS: 0x%llx", (unsigned long long)got);
	cpuid(0, 0);
	asm volatile("swapgs" : : : "memory");
	expect(rdmsr(MSR_GS_BASE) == (uintptr_t)&there, "GS_BASE is 0x%llx after SWAPGS",
	       (unsigned long long)rdmsr(MSR_GS_BASE));
	expect(rdmsr(MSR_KERNEL_GS_BASE) == 0, "KERNEL_GS_BASE is 0x%llx after SWAPGS",
	       (unsigned long long)rdmsr(MSR_KERNEL_GS_BASE));
	asm volatile("swapgs" : : : "memory");
#endif
}

static void sysenter_msrs(void)
{
	holds(MSR_SYSENTER_CS, 0x1234, "SYSENTER_CS");
	holds(MSR_SYSENTER_ESP, 0x12345678, "SYSENTER_ESP");
	holds(MSR_SYSENTER_EIP, 0x87654321 & 0x7fffffff, "SYSENTER_EIP");
	if (have_long_mode()) {
		in_48_bits_at_least(MSR_SYSENTER_ESP, "noncanonical SYSENTER_ESP");
		in_48_bits_at_least(MSR_SYSENTER_EIP, "noncanonical SYSENTER_EIP");
	}
}

static void tsc(void)
{
	uint64_t before = rdtsc(), after;

	after = rdmsr(MSR_TSC);
	expect(after >= before && after - before < 1000000000,
	       "RDMSR of the TSC 0x%llx, RDTSC 0x%llx", (unsigned long long)after,
	       (unsigned long long)before);
	if (try_wrmsr(MSR_TSC, 0x100000000000) != NO_TRAP) {
		fail("writing the TSC raises %d", trap.vector);
		return;
	}
	after = rdtsc();
	expect(after >= 0x100000000000 && after < 0x100000000000 + 1000000000,
	       "the TSC is 0x%llx after it was set to 0x100000000000", (unsigned long long)after);
	wrmsr(MSR_TSC, before + 1000000);
	after = rdtsc();
	expect(after >= before + 1000000 && after < before + 1000000000, "the TSC cannot go back");
}

static void tsc_aux(void)
{
	uint32_t low, high, aux;

	if (!(cpuid(0x80000001, 0).edx & 1u << 27)) {
		skip("no RDTSCP here");
		return;
	}
	wrmsr(MSR_TSC_AUX, 0xabcd1234);
	cpuid(0, 0);
	asm volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(aux));
	expect(aux == 0xabcd1234, "RDTSCP gives TSC_AUX 0x%x", aux);
	expect(rdmsr(MSR_TSC_AUX) == 0xabcd1234, "RDMSR gives TSC_AUX 0x%llx",
	       (unsigned long long)rdmsr(MSR_TSC_AUX));
	/* one emulator takes it */
	try_wrmsr(MSR_TSC_AUX, 0x100000000);
	if (have_hypercalls())
		expect_fault("TSC_AUX bit 32", VECTOR_GP);
	wrmsr(MSR_TSC_AUX, 0);
}

/* Its bits are supervisor state, of which none is offered. */
/* And the CPU, which a hypervisor then has to leave, is as it was. */
static void xfd_hidden(void)
{
	static const uint32_t number[] = {0x1c4, 0x1c5};
	uint64_t value;

	if ((fpu_components & FPU_XSAVE) && (cpuid(0xd, 1).eax & 1u << 4)) {
		skip("IA32_XFD is offered");
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(number); i++) {
		try_rdmsr(number[i], &value);
		expect_fault("RDMSR of IA32_XFD or IA32_XFD_ERR", VECTOR_GP);
		try_wrmsr(number[i], 0);
		expect_fault("WRMSR of IA32_XFD or IA32_XFD_ERR", VECTOR_GP);
		yield();
	}
}

static void xss(void)
{
	uint64_t value = 1;

	if (!(fpu_components & FPU_XSAVE) || !(cpuid(0xd, 1).eax & 1u << 3)) {
		try_rdmsr(MSR_XSS, &value);
		expect_fault("RDMSR of IA32_XSS without XSAVES", VECTOR_GP);
		try_wrmsr(MSR_XSS, 0);
		expect_fault("WRMSR of IA32_XSS without XSAVES", VECTOR_GP);
		TRY("xsaves %0", : : "m"(*(char *)0x1000), "a"(1), "d"(0) : "memory");
		expect_fault("XSAVES that is not offered", VECTOR_UD);
		return;
	}
	expect(rdmsr(MSR_XSS) == 0, "IA32_XSS is 0x%llx", (unsigned long long)rdmsr(MSR_XSS));
	try_wrmsr(MSR_XSS, 0);
	expect_fault("IA32_XSS = 0", NO_TRAP);
	for (unsigned bit = 0; bit < 64; bit++) {
		try_wrmsr(MSR_XSS, 1ull << bit);
		expect_fault("a bit of IA32_XSS", VECTOR_GP);
	}
	expect(!(cpuid(0xd, 1).ecx | cpuid(0xd, 1).edx), "CPUID.D.1 offers supervisor state");
}

USER_CODE(user_rdmsr, "movl $0x277, %ecx; rdmsr")
USER_CODE(user_wrmsr, "movl $0x277, %ecx; wrmsr")

static void not_in_user_mode(void)
{
	user_call(user_rdmsr, 0);
	expect(trap.vector == VECTOR_GP, "RDMSR at CPL 3 raises %d", trap.vector);
	user_call(user_wrmsr, 0);
	expect(trap.vector == VECTOR_GP, "WRMSR at CPL 3 raises %d", trap.vector);
}

const struct check msr_checks[] = {
	{"msr-unknown-faults", unknown_msr_faults, NEEDS_HYPERCALL},
	{"msr-efer", efer, 0},
	{"msr-pat", pat, 0},
	{"msr-syscall", syscall_msrs, 0},
	{"msr-bases", base_msrs, 0},
	{"msr-sysenter", sysenter_msrs, 0},
	{"msr-tsc", tsc, 0},
	{"msr-tsc-aux", tsc_aux, 0},
	{"msr-xss", xss, NEEDS_HYPERCALL},
	{"msr-xfd-hidden", xfd_hidden, NEEDS_HYPERCALL},
	{"msr-not-in-user-mode", not_in_user_mode, 0},
};
const size_t msr_check_count = ARRAY_SIZE(msr_checks);
