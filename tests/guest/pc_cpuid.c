/* What CPUID says of the PC, and the TSC. SDM Vol. 2A, CPUID; Vol. 3B 17.17. */
#include "pc.h"

#define LEAF1_EDX_APIC	       BIT(9)
#define LEAF1_ECX_X2APIC       BIT(21)
#define LEAF1_ECX_TSC_DEADLINE BIT(24)
#define LEAF7_EBX_TSC_ADJUST   BIT(1)
#define LEAF6_EAX_ARAT	       BIT(2)

static void apic(void)
{
	struct cpuid_result r = cpuid(1, 0);

	begin();
	expect(r.edx & LEAF1_EDX_APIC, "EDX 0x%x has no APIC", r.edx);
	expect(r.ecx & LEAF1_ECX_X2APIC, "ECX 0x%x has no x2APIC", r.ecx);
	expect(r.ecx & LEAF1_ECX_TSC_DEADLINE, "ECX 0x%x has no TSC-deadline", r.ecx);
	expect(r.ebx >> 24 == apic_read(APIC_ID) >> 24, "initial APIC ID %u, at the APIC 0x%x",
	       r.ebx >> 24, apic_read(APIC_ID));
	expect(cpuid(7, 0).ebx & LEAF7_EBX_TSC_ADJUST, "no IA32_TSC_ADJUST");
	expect(cpuid(6, 0).eax & LEAF6_EAX_ARAT, "no ARAT");
}

static void frequencies(void)
{
	struct cpuid_result ratio = cpuid(0x15, 0), mhz = cpuid(0x16, 0);

	expect(cpuid(0, 0).eax >= 0x16, "the last leaf is 0x%x", cpuid(0, 0).eax);
	expect(ratio.eax && ratio.ebx > ratio.eax, "15h: %u / %u", ratio.ebx, ratio.eax);
	expect(mhz.eax && mhz.ebx, "16h: %u MHz, at most %u MHz", mhz.eax, mhz.ebx);
}

/* By the 8254. */
static void right_frequencies(void)
{
	struct cpuid_result ratio = cpuid(0x15, 0), mhz = cpuid(0x16, 0);
	uint64_t hz = ratio.eax ? (uint64_t)ratio.ecx * ratio.ebx / ratio.eax : 0;
	uint64_t measured = tsc_per_ms() * 1000;

	expect(hz > measured * 9 / 10 && hz < measured * 11 / 10, "15h: %lu kHz, measured %lu kHz",
	       (unsigned long)(hz / 1000), (unsigned long)(measured / 1000));
	expect(mhz.eax == hz / 1000000, "16h: %u MHz, 15h: %lu kHz", mhz.eax,
	       (unsigned long)(hz / 1000));
}

static void platform_info(void)
{
	expect(rdmsr(MSR_PLATFORM_INFO) >> 8 & 0xff, "the ratio to 100 MHz is 0");
	expect(!rdmsr(MSR_PLATFORM_ID), "a platform for microcode: 0x%lx",
	       (unsigned long)rdmsr(MSR_PLATFORM_ID));
}

/* What Linux takes for KVM's leaves, which say that nothing of KVM is there. */
static void signature(void)
{
	struct cpuid_result r = cpuid(0x40000100, 0), features = cpuid(0x40000101, 0);

	expect(r.ebx == 0x4b4d564b && r.ecx == 0x564b4d56 && r.edx == 0x4d, "%x %x %x", r.ebx,
	       r.ecx, r.edx);
	expect(r.eax == 0x40000101, "the last leaf is 0x%x", r.eax);
	expect(!features.eax, "features 0x%x", features.eax);
}

#define HOUR (1ull << 44)

static void adjust(void)
{
	uint64_t before = rdmsr(MSR_TSC_ADJUST), start = rdtsc(), ahead, back;

	wrmsr(MSR_TSC_ADJUST, before + HOUR);
	ahead = rdtsc();
	expect(rdmsr(MSR_TSC_ADJUST) == before + HOUR, "it does not read what was written");
	wrmsr(MSR_TSC_ADJUST, before);
	back = rdtsc();
	expect(ahead - start >= HOUR && ahead - start < HOUR + HOUR / 4, "ahead by 0x%lx",
	       (unsigned long)((ahead - start) >> 12));
	expect(back - start < HOUR / 4, "back at 0x%lx", (unsigned long)((back - start) >> 12));
}

static void write_tsc(void)
{
	uint64_t before = rdmsr(MSR_TSC_ADJUST), start = rdtsc(), moved;

	wrmsr(MSR_TSC, start + HOUR);
	moved = rdmsr(MSR_TSC_ADJUST) - before;
	expect(rdtsc() - start >= HOUR, "the TSC has not moved");
	expect(moved > HOUR - HOUR / 4 && moved <= HOUR, "IA32_TSC_ADJUST has moved by 0x%lx << 12",
	       (unsigned long)(moved >> 12));
	wrmsr(MSR_TSC_ADJUST, before);
	expect(rdtsc() - start < HOUR / 4, "it is not back");
}

const struct check pc_cpuid_checks[] = {
	{"cpuid-apic", apic, 0},
	{"cpuid-frequencies", frequencies, 0},
	{"cpuid-right-frequencies", right_frequencies, NEEDS_HYPERCALL},
	{"platform-info", platform_info, NEEDS_HYPERCALL},
	{"cpuid-signature", signature, NEEDS_HYPERCALL},
	{"tsc-adjust", adjust, 0},
	{"tsc-write-adjusts", write_tsc, 0},
};
const size_t pc_cpuid_check_count = ARRAY_SIZE(pc_cpuid_checks);
