/* Instructions that leave the guest for a verdict: told off with #UD or #GP, or done. */
#include "exits.h"

static uint64_t pointer;

static void vmx_undefined(void)
{
#ifdef __x86_64__
	typedef uint64_t word;
#else
	typedef uint32_t word;
#endif
	word value = 0;
	static uint8_t descriptor[16];

	TRY("vmxon %0", : : "m"(pointer) : "memory");
	expect_fault("VMXON", VECTOR_UD);
	TRY("vmxoff", : : : "memory");
	expect_fault("VMXOFF", VECTOR_UD);
	TRY("vmclear %0", : : "m"(pointer) : "memory");
	expect_fault("VMCLEAR", VECTOR_UD);
	TRY("vmptrld %0", : : "m"(pointer) : "memory");
	expect_fault("VMPTRLD", VECTOR_UD);
	TRY("vmptrst %0", : "=m"(pointer) : : "memory");
	expect_fault("VMPTRST", VECTOR_UD);
	TRY("vmlaunch", : : : "memory");
	expect_fault("VMLAUNCH", VECTOR_UD);
	TRY("vmresume", : : : "memory");
	expect_fault("VMRESUME", VECTOR_UD);
	TRY("vmread %1, %0", : "+r"(value) : "r"(value) : "memory");
	expect_fault("VMREAD", VECTOR_UD);
	TRY("vmwrite %0, %1", : : "r"(value), "r"(value) : "memory");
	expect_fault("VMWRITE", VECTOR_UD);
	TRY("invept %0, %1", : : "m"(descriptor), "r"(value) : "memory");
	expect_fault("INVEPT", VECTOR_UD);
	TRY("invvpid %0, %1", : : "m"(descriptor), "r"(value) : "memory");
	expect_fault("INVVPID", VECTOR_UD);
	TRY("vmfunc", : : "a"(0), "c"(0) : "memory");
	expect_fault("VMFUNC", VECTOR_UD);
}

static void getsec_undefined(void)
{
	TRY("getsec", : : "a"(0) : "memory");
	expect_fault("GETSEC", VECTOR_UD);
}

static void monitor_mwait_undefined(void)
{
	TRY("monitor", : : "a"(&pointer), "c"(0), "d"(0) : "memory");
	expect_fault("MONITOR", VECTOR_UD);
	TRY("mwait", : : "a"(0), "c"(0) : "memory");
	expect_fault("MWAIT", VECTOR_UD);
}

static void rdpmc_faults(void)
{
	TRY("rdpmc", : : "c"(0x7fffffff) : "eax", "edx", "memory");
	expect_fault("RDPMC", VECTOR_GP);
}

static void rsm_undefined(void)
{
	TRY("rsm", : : : "memory");
	expect_fault("RSM", VECTOR_UD);
}

static void caches(void)
{
	uint32_t before = 0x12345678;

	asm volatile("wbinvd" : : : "memory");
	asm volatile("invd" : : : "memory");
	/* the hypervisor must not let INVD throw away what was written */
	expect(*(volatile uint32_t *)&before == 0x12345678, "INVD lost data");
	asm volatile("invlpg %0" : : "m"(before) : "memory");
}

static void rdtsc_monotonic(void)
{
	uint64_t last = rdtsc();

	for (unsigned i = 0; i < 1000; i++) {
		uint64_t now = rdtsc();

		if (!expect(now > last, "the TSC went from 0x%llx to 0x%llx",
			    (unsigned long long)last, (unsigned long long)now))
			return;
		last = now;
		if (i % 100 == 0)
			cpuid(0, 0);
	}
}

static void rdtsc_across_switches(void)
{
	uint64_t last = rdtsc();

	for (unsigned i = 0; i < 50; i++) {
		yield();

		uint64_t now = rdtsc();

		if (!expect(now > last, "the TSC went from 0x%llx to 0x%llx",
			    (unsigned long long)last, (unsigned long long)now))
			return;
		last = now;
	}
}

USER_CODE(user_rdtsc, "rdtsc")
USER_CODE(user_hlt, "hlt")
USER_CODE(user_in, "inb $0x80, %al")
USER_CODE(user_invd, "invd")
USER_CODE(user_clts, "clts")
USER_CODE(user_cpuid, "xorl %eax, %eax; cpuid")

static void user_mode(void)
{
	uintptr_t cr4 = read_cr4();

	user_call(user_cpuid, 0);
	expect(trap.vector == USER_EXIT_VECTOR, "CPUID at CPL 3 raises %d", trap.vector);
	user_call(user_rdtsc, 0);
	expect(trap.vector == USER_EXIT_VECTOR, "RDTSC at CPL 3 raises %d", trap.vector);
	write_cr4(cr4 | CR4_TSD);
	user_call(user_rdtsc, 0);
	expect(trap.vector == VECTOR_GP, "RDTSC at CPL 3 with TSD raises %d", trap.vector);
	write_cr4(cr4);
	user_call(user_hlt, 0);
	expect(trap.vector == VECTOR_GP, "HLT at CPL 3 raises %d", trap.vector);
	user_call(user_in, 0);
	expect(trap.vector == VECTOR_GP, "IN at CPL 3, IOPL 0 raises %d", trap.vector);
	user_call(user_invd, 0);
	expect(trap.vector == VECTOR_GP, "INVD at CPL 3 raises %d", trap.vector);
	user_call(user_clts, 0);
	expect(trap.vector == VECTOR_GP, "CLTS at CPL 3 raises %d", trap.vector);
}

static void descriptor_tables(void)
{
	struct descriptor_pointer at;

	asm volatile("sgdt %0" : "=m"(at) : : "memory");
	expect(at.base == (uintptr_t)gdt && at.limit == GDT_BYTES - 1, "SGDT gives 0x%lx:0x%x",
	       (unsigned long)at.base, at.limit);
	asm volatile("sidt %0" : "=m"(at) : : "memory");
	expect(at.base == (uintptr_t)idt && at.limit == 256 * sizeof(idt[0]) - 1,
	       "SIDT gives 0x%lx:0x%x", (unsigned long)at.base, at.limit);
}

/* SDM Vol. 3A table 9-1: what a CPU starts with, FNINIT being the guest's own business. */
static void fpu_after_reset(void)
{
	expect(fpu_at_start[0] == 0x0040, "FCW was 0x%x", fpu_at_start[0]);
	expect(fpu_at_start[2] == 0, "FSW was 0x%x", fpu_at_start[2]);
	expect(fpu_at_start[4] == 0xffff, "the tags were 0x%x", fpu_at_start[4]);
}

const struct check instruction_checks[] = {
	{"instruction-fpu-after-reset", fpu_after_reset, NEEDS_HYPERCALL},
	{"instruction-vmx-undefined", vmx_undefined, NEEDS_HYPERCALL},
	{"instruction-getsec-undefined", getsec_undefined, NEEDS_HYPERCALL},
	{"instruction-monitor-mwait-undefined", monitor_mwait_undefined, NEEDS_HYPERCALL},
	{"instruction-rdpmc-faults", rdpmc_faults, NEEDS_HYPERCALL},
	{"instruction-rsm-undefined", rsm_undefined, 0},
	{"instruction-caches", caches, 0},
	{"instruction-rdtsc-monotonic", rdtsc_monotonic, 0},
	{"instruction-rdtsc-across-switches", rdtsc_across_switches, NEEDS_HYPERCALL},
	{"instruction-user-mode", user_mode, 0},
	{"instruction-descriptor-tables", descriptor_tables, 0},
};
const size_t instruction_check_count = ARRAY_SIZE(instruction_checks);
