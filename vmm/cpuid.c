#include <stddef.h>

#include "boot/clock.h"
#include "fpu/features.h"
#include "lib/string.h"
#include "vmm/chip/lapic_timer.h"
#include "vmm/cpuid.h"
#include "vmm/hypercall.h"
#include "vmx/capabilities.h"
#include "vmx/mitigate.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"

#define EXTENDED_FIRST	    0x80000000u
#define KVM_CPUID_SIGNATURE 0x40000100u
#define EXTENDED_LEAVES	    9 /* to 80000008h */
#define SUBLEAVES	    8 /* of leaf 4 */

/* Leaf 1 ECX: SSE3, PCLMULQDQ, SSSE3, FMA, CMPXCHG16B, PCID, SSE4.1, SSE4.2, MOVBE, POPCNT, AES,
 * XSAVE, AVX, F16C, RDRAND. Not: DTES64, MONITOR, DS-CPL, VMX, SMX, EIST, TM2, PDCM, DCA: what
 * they belong to is not there. x2APIC and TSC-Deadline are the guest's own. */
#define LEAF1_ECX                                                                                  \
	(BIT(0) | BIT(1) | BIT(9) | BIT(12) | BIT(13) | BIT(17) | BIT(19) | BIT(20) | BIT(22) |    \
	 BIT(23) | BIT(25) | BIT(26) | BIT(28) | BIT(29) | BIT(30))
#define LEAF1_ECX_X2APIC       BIT(21)
#define LEAF1_ECX_TSC_DEADLINE BIT(24)
#define LEAF1_ECX_HYPERVISOR   BIT(31)
#define LEAF1_ECX_NEEDS_XSAVE  (BIT(12) | BIT(26) | BIT(28) | BIT(29))

/* Leaf 1 EDX: FPU, VME, DE, PSE, TSC, MSR, PAE, CX8, SEP, PGE, CMOV, PAT, PSE-36, CLFSH, MMX, FXSR,
 * SSE, SSE2, SS. Not: MCE, MCA, MTRR, PSN, DS, ACPI, HTT, TM, PBE. APIC is the guest's own. */
#define LEAF1_EDX                                                                                  \
	(BIT(0) | BIT(1) | BIT(2) | BIT(3) | BIT(4) | BIT(5) | BIT(6) | BIT(8) | BIT(11) |         \
	 BIT(13) | BIT(15) | BIT(16) | BIT(17) | BIT(19) | BIT(23) | BIT(24) | BIT(25) | BIT(26) | \
	 BIT(27))

/* Leaf 7 EBX: FSGSBASE, BMI1, AVX2, FDP_EXCPTN, SMEP, BMI2, ERMS, INVPCID, no-FCS/FDS, AVX512F, DQ,
 * RDSEED, ADX, SMAP, AVX512-IFMA, CLFLUSHOPT, CLWB, AVX512-CD, SHA, AVX512-BW, VL. Not: SGX,
 * HLE, RTM, RDT, MPX, PT. TSC_ADJUST is the guest's own. */
#define LEAF7_EBX                                                                                  \
	(BIT(0) | BIT(3) | BIT(5) | BIT(6) | BIT(7) | BIT(8) | BIT(9) | BIT(10) | BIT(13) |        \
	 BIT(16) | BIT(17) | BIT(18) | BIT(19) | BIT(20) | BIT(21) | BIT(23) | BIT(24) | BIT(28) | \
	 BIT(29) | BIT(30) | BIT(31))
#define LEAF7_EBX_INVPCID    BIT(10)
#define LEAF7_EBX_TSC_ADJUST BIT(1)
#define LEAF7_EBX_AVX2	     BIT(5)
#define LEAF7_EBX_AVX512     (BIT(16) | BIT(17) | BIT(21) | BIT(28) | BIT(30) | BIT(31))

/* Leaf 7 ECX: AVX512-VBMI, UMIP, PKU, VBMI2, GFNI, VAES, VPCLMULQDQ, VNNI, BITALG, VPOPCNTDQ,
 * RDPID, MOVDIRI, MOVDIR64B. Not: OSPKE (the guest's own), WAITPKG, CET, LA57, KL, ENQCMD, SGX_LC,
 * PKS. */
#define LEAF7_ECX                                                                                  \
	(BIT(1) | BIT(2) | BIT(3) | BIT(6) | BIT(8) | BIT(9) | BIT(10) | BIT(11) | BIT(12) |       \
	 BIT(14) | BIT(22) | BIT(27) | BIT(28))
#define LEAF7_ECX_PKU	 BIT(3)
#define LEAF7_ECX_RDPID	 BIT(22)
#define LEAF7_ECX_AVX512 (BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14))
#define LEAF7_ECX_AVX	 (BIT(9) | BIT(10))

/* Leaf 7 EDX: FSRM, AVX512-VP2INTERSECT, AMX-BF16, AMX-TILE, AMX-INT8. Not: CET-IBT. What is of
 * speculation is chosen by vmx/mitigate.h. */
#define LEAF7_EDX	 (BIT(4) | BIT(8) | LEAF7_EDX_AMX)
#define LEAF7_EDX_AMX	 (BIT(22) | BIT(24) | BIT(25))
#define LEAF7_EDX_AVX512 BIT(8)

#define LEAF6_EAX_ARAT BIT(2)

#define LEAF7_1_EAX_WRMSRNS BIT(19)

/* Leaf Dh.1 EAX: XSAVEOPT; XSAVEC and XSAVES where they work. Not: XGETBV(1) (it would show an
 * armed guest a foreign XINUSE). XFD, with AMX. */
#define LEAFD1_EAX_XSAVEOPT BIT(0)
#define LEAFD1_EAX_XSAVEC   BIT(1)
#define LEAFD1_EAX_XSAVES   BIT(3)
#define LEAFD1_EAX_XFD	    BIT(4)
#define LEAFDI_ECX_ALIGNED  BIT(1)
#define LEAFDI_ECX_XFD	    BIT(2)

/* AMX: its palettes, and what its multiplier takes. */
#define LEAF_TILES	0x1d
#define LEAF_TMUL	0x1e
#define TILES_SUBLEAVES 2

/* 80000001h ECX: LAHF64, LZCNT, PREFETCHW. EDX: SYSCALL, NX, 1-GiB pages, RDTSCP, Intel 64. */
#define EXTENDED1_ECX	     (BIT(0) | BIT(5) | BIT(8))
#define EXTENDED1_EDX	     (BIT(11) | BIT(20) | BIT(26) | BIT(27) | BIT(29))
#define EXTENDED1_EDX_PAGE1G BIT(26)
#define EXTENDED1_EDX_RDTSCP BIT(27)

/* 80000008h EAX: widths of addresses. 5-level paging is hidden, and with it what it would need. */
#define EXTENDED8_EAX(physical, linear) ((linear) << 8 | (physical))
#define PHYSICAL_BITS(eax)		((eax)&0xff)
#define LINEAR_BITS(eax)		((eax) >> 8 & 0xff)
#define LINEAR_BITS_4_LEVEL		48u

/* Written by guest_cpuid_init() on the first CPU. */
struct cpuid_regs guest_cpuid_basic[GUEST_CPUID_LEAVES];
static struct cpuid_regs extended[EXTENDED_LEAVES];
static struct cpuid_regs cache[SUBLEAVES];
static struct cpuid_regs xsave[FPU_COMPONENTS];			   /* leaf Dh */
const struct cpuid_regs *guest_cpuid_constant[GUEST_CPUID_LEAVES]; /* of guest_cpuid_basic[] */
static uint32_t extended_max;
static unsigned int linear_bits;
static bool wrmsrns;
static uint64_t cr4_allowed;

static struct cpuid_regs host_leaf(uint32_t leaf)
{
	uint32_t max = cpuid(leaf & EXTENDED_FIRST).eax;

	return leaf <= max ? cpuid(leaf) : (struct cpuid_regs){};
}

static void filter_leaf1(struct cpuid_regs *r)
{
	r->ebx &= 0x0000ff00; /* CLFLUSH size; no APIC id, one logical processor */
	r->ecx &= LEAF1_ECX;
	r->ecx |= LEAF1_ECX_HYPERVISOR | LEAF1_ECX_X2APIC | LEAF1_ECX_TSC_DEADLINE;
	r->edx &= LEAF1_EDX;
	if (!fpu_features()->superset)
		r->ecx &= ~LEAF1_ECX_NEEDS_XSAVE;
	if (!(fpu_features()->superset & XCR0_AVX))
		r->ecx &= ~(LEAF1_ECX_NEEDS_XSAVE & ~BIT(26));
}

static void filter_leaf7(struct cpuid_regs *r)
{
	uint64_t superset = fpu_features()->superset;

	r->eax = mitigations_guest_leaf7_2_edx() ? 2 : 0;
	r->ebx &= LEAF7_EBX;
	r->ebx |= LEAF7_EBX_TSC_ADJUST;
	r->ecx &= LEAF7_ECX;
	r->edx &= LEAF7_EDX | mitigations_guest_leaf7_edx();
	if (!(superset & XCR0_OPMASK)) {
		r->ebx &= ~LEAF7_EBX_AVX512;
		r->ecx &= ~LEAF7_ECX_AVX512;
		r->edx &= ~LEAF7_EDX_AVX512;
	}
	if (!(superset & XCR0_AVX)) {
		r->ebx &= ~LEAF7_EBX_AVX2;
		r->ecx &= ~LEAF7_ECX_AVX;
	}
	if (!fpu_features()->tiles)
		r->edx &= ~LEAF7_EDX_AMX;
	if (!(superset & XCR0_PKRU))
		r->ecx &= ~LEAF7_ECX_PKU;
	if (!(vmx_capabilities()->secondary & SECONDARY_ENABLE_INVPCID))
		r->ebx &= ~LEAF7_EBX_INVPCID;
	if (!(vmx_capabilities()->secondary & SECONDARY_ENABLE_RDTSCP))
		r->ecx &= ~LEAF7_ECX_RDPID;
}

/*
 * Under another hypervisor the CPU cannot tell our load of an image from one that the guest did at
 * the same linear address: a guest's XSAVEOPT or XSAVES there would skip what its own area does not
 * have (fpu_method_obstacle).
 */
static bool may_skip_unmodified(void)
{
	return !fpu_features()->nested;
}

bool guest_has_xsaves(void)
{
	return fpu_features()->xsaves_works && may_skip_unmodified() &&
	       (vmx_capabilities()->secondary & SECONDARY_ENABLE_XSAVES);
}

static void fill_xsave_leaf(void)
{
	const struct fpu_features *f = fpu_features();

	if (!f->superset)
		return;
	xsave[0].eax = f->superset | f->tiles;
	xsave[0].ecx = fpu_standard_size(f->component, f->superset | f->tiles);
	if (may_skip_unmodified())
		xsave[1].eax = cpuid_count(0xd, 1).eax & LEAFD1_EAX_XSAVEOPT;
	if (f->xsavec_works)
		xsave[1].eax |= LEAFD1_EAX_XSAVEC;
	if (guest_has_xsaves())
		xsave[1].eax |= LEAFD1_EAX_XSAVES;
	for (uint32_t i = 2; i < FPU_COMPONENTS; i++)
		xsave[i] = (struct cpuid_regs){
			.eax = f->component[i].size,
			.ebx = f->component[i].offset,
			.ecx = f->component[i].aligned ? LEAFDI_ECX_ALIGNED : 0,
		};
	if (f->xfd) {
		xsave[1].eax |= LEAFD1_EAX_XFD;
		xsave[FPU_COMPONENT_TILEDATA].ecx |= LEAFDI_ECX_XFD;
	}
}

/* What CPUID says, if WRMSR knows of it: that of an emulator goes by the paging in use. */
static unsigned int measure_linear_bits(unsigned int bits)
{
	uint64_t before;

	if (bits <= LINEAR_BITS_4_LEVEL)
		return LINEAR_BITS_4_LEVEL;
	before = rdmsr(MSR_KERNEL_GS_BASE);
	if (!wrmsr_if_accepted(MSR_KERNEL_GS_BASE, BIT(LINEAR_BITS_4_LEVEL - 1)))
		return LINEAR_BITS_4_LEVEL;
	wrmsr(MSR_KERNEL_GS_BASE, before);
	return bits;
}

static void fill_extended(void)
{
	uint32_t host_max = cpuid(EXTENDED_FIRST).eax;

	extended_max = EXTENDED_FIRST + EXTENDED_LEAVES - 1;
	if (host_max < extended_max)
		extended_max = host_max;
	for (uint32_t i = 0; i < EXTENDED_LEAVES; i++)
		extended[i] = host_leaf(EXTENDED_FIRST + i);
	extended[0] = (struct cpuid_regs){.eax = extended_max};
	extended[1].ecx &= EXTENDED1_ECX;
	extended[1].edx &= EXTENDED1_EDX;
	if (!(vmx_capabilities()->secondary & SECONDARY_ENABLE_RDTSCP))
		extended[1].edx &= ~EXTENDED1_EDX_RDTSCP;
	extended[7] = (struct cpuid_regs){.edx = extended[7].edx & BIT(8)}; /* invariant TSC */
	linear_bits = measure_linear_bits(LINEAR_BITS(extended[8].eax));
	if (extended[8].eax)
		extended[8] = (struct cpuid_regs){
			.eax = EXTENDED8_EAX(PHYSICAL_BITS(extended[8].eax), LINEAR_BITS_4_LEVEL)};
}

static void choose_cr4(void)
{
	cr4_allowed = CR4_VME | CR4_PVI | CR4_TSD | CR4_DE | CR4_PSE | CR4_PAE | CR4_PGE | CR4_PCE |
		      CR4_OSFXSR | CR4_OSXMMEXCPT;
	if (guest_cpuid_basic[1].ecx & BIT(26))
		cr4_allowed |= CR4_OSXSAVE;
	if (guest_cpuid_basic[1].ecx & BIT(17))
		cr4_allowed |= CR4_PCIDE;
	if (guest_cpuid_basic[7].ebx & BIT(0))
		cr4_allowed |= CR4_FSGSBASE;
	if (guest_cpuid_basic[7].ebx & BIT(7))
		cr4_allowed |= CR4_SMEP;
	if (guest_cpuid_basic[7].ebx & BIT(20))
		cr4_allowed |= CR4_SMAP;
	if (guest_cpuid_basic[7].ecx & BIT(2))
		cr4_allowed |= CR4_UMIP;
	if (guest_cpuid_basic[7].ecx & LEAF7_ECX_PKU)
		cr4_allowed |= CR4_PKE;
	cr4_allowed &= vmx_capabilities()->cr4_fixed1;
}

static uint64_t greatest_divisor(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* The local APIC's timer runs in all states (ARAT), and the TSC at so many times its clock. */
static void fill_time_leaves(void)
{
	uint64_t hz = clock_tsc_khz() * 1000, crystal = lapic_hz(clock_tsc_khz());
	uint64_t divisor = greatest_divisor(hz, crystal), mhz = clock_tsc_khz() / 1000;

	guest_cpuid_basic[6] = (struct cpuid_regs){.eax = LEAF6_EAX_ARAT};
	guest_cpuid_basic[0x15] =
		(struct cpuid_regs){.eax = crystal / divisor, .ebx = hz / divisor, .ecx = crystal};
	guest_cpuid_basic[0x16] = (struct cpuid_regs){.eax = mhz, .ebx = mhz};
}

void guest_cpuid_init(void)
{
	/* leaves that are listed here are passed on, others read as zero */
	guest_cpuid_basic[0] = cpuid(0);
	guest_cpuid_basic[0].eax = fpu_features()->tiles ? LEAF_TMUL : GUEST_CPUID_LEAVES - 1;
	guest_cpuid_basic[1] = host_leaf(1);
	guest_cpuid_basic[2] = host_leaf(2);
	guest_cpuid_basic[7] = host_leaf(7);
	filter_leaf1(&guest_cpuid_basic[1]);
	filter_leaf7(&guest_cpuid_basic[7]);
	for (uint32_t i = 0; i < SUBLEAVES && cpuid(0).eax >= 4; i++) {
		cache[i] = cpuid_count(4, i);
		cache[i].eax &= 0x3fff; /* no other core or thread shares it */
	}
	wrmsrns = cpuid(0).eax >= 7 && cpuid(7).eax >= 1 &&
		  (cpuid_count(7, 1).eax & LEAF7_1_EAX_WRMSRNS);
	fill_time_leaves();
	for (uint32_t i = 0; i < GUEST_CPUID_LEAVES; i++)
		if (i != 1 && i != 4 && i != 7 && i != 0xb && i != 0xd)
			guest_cpuid_constant[i] = &guest_cpuid_basic[i];
	fill_xsave_leaf();
	fill_extended();
	choose_cr4();
}

/* The sizes of leaf Dh are those of what the guest has enabled. IA32_XSS is always 0. */
static struct cpuid_regs xsave_leaf(uint32_t subleaf, uint64_t xcr0)
{
	const struct fpu_features *f = fpu_features();
	struct cpuid_regs r = {};

	if (!f->superset || subleaf >= FPU_COMPONENTS)
		return r;
	r = xsave[subleaf];
	if (subleaf == 0)
		r.ebx = fpu_standard_size(f->component, xcr0);
	if (subleaf == 1 && (r.eax & (LEAFD1_EAX_XSAVEC | LEAFD1_EAX_XSAVES)))
		r.ebx = fpu_compacted_size(f->component, xcr0);
	return r;
}

/* The last leaf, and a name. */
static struct cpuid_regs signature_leaf(uint32_t last, const char signature[12])
{
	struct cpuid_regs r = {.eax = last};

	memcpy(&r.ebx, signature, 4);
	memcpy(&r.ecx, signature + 4, 4);
	memcpy(&r.edx, signature + 8, 4);
	return r;
}

static struct cpuid_regs hypervisor_leaf(uint32_t leaf)
{
	static const char signature[12] = HYPERCALL_SIGNATURE;

	if (leaf == HYPERCALL_CPUID_VERSION)
		return (struct cpuid_regs){.eax = HYPERCALL_VERSION};
	return signature_leaf(HYPERCALL_CPUID_VERSION, signature);
}

/* Each vCPU is a package: one thread, then one core (SDM Vol. 2A, CPUID). */
static struct cpuid_regs topology_leaf(uint32_t subleaf)
{
	if (subleaf > 1)
		return (struct cpuid_regs){.ecx = subleaf};
	return (struct cpuid_regs){.ebx = 1, .ecx = (subleaf + 1) << 8 | subleaf};
}

/* A signature that Linux takes x2APIC without interrupt remapping from, and no feature of KVM's. */
static struct cpuid_regs kvm_leaf(void)
{
	static const char signature[12] = "KVMKVMKVM";

	return signature_leaf(KVM_CPUID_SIGNATURE + 1, signature);
}

/* Palette 1 and the multiplier; further palettes and subleaves would be of other features. */
static struct cpuid_regs tiles_leaf(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid_regs r;

	if (!fpu_features()->tiles || subleaf >= (leaf == LEAF_TILES ? TILES_SUBLEAVES : 1))
		return (struct cpuid_regs){};
	r = cpuid_count(leaf, subleaf);
	if (subleaf == 0)
		r.eax = leaf == LEAF_TILES ? TILES_SUBLEAVES - 1 : 0;
	return r;
}

/* What is listed nowhere reads as zero. */
static struct cpuid_regs other_leaf(uint32_t leaf)
{
	if (leaf == KVM_CPUID_SIGNATURE)
		return kvm_leaf();
	if (leaf == HYPERCALL_CPUID_SIGNATURE || leaf == HYPERCALL_CPUID_VERSION)
		return hypervisor_leaf(leaf);
	if (leaf >= EXTENDED_FIRST && leaf <= extended_max)
		return extended[leaf - EXTENDED_FIRST];
	return (struct cpuid_regs){};
}

struct cpuid_regs guest_cpuid(uint32_t leaf, uint32_t subleaf, uint64_t xcr0)
{
	switch (leaf) {
	case 4:
		return subleaf < SUBLEAVES ? cache[subleaf] : (struct cpuid_regs){};
	case 7: /* but subleaf 0 */
		return (struct cpuid_regs){.edx = subleaf == 2 ? mitigations_guest_leaf7_2_edx()
							       : 0};
	case 0xb:
		return topology_leaf(subleaf);
	case 0xd:
		return xsave_leaf(subleaf, xcr0);
	case LEAF_TILES:
	case LEAF_TMUL:
		return tiles_leaf(leaf, subleaf);
	default:
		return other_leaf(leaf);
	}
}

uint64_t guest_cr4_allowed(void)
{
	return cr4_allowed;
}

bool guest_has_rdtscp(void)
{
	return extended[1].edx & EXTENDED1_EDX_RDTSCP;
}

unsigned int guest_physical_bits(void)
{
	return extended[8].eax ? PHYSICAL_BITS(extended[8].eax) : 36;
}

unsigned int host_linear_bits(void)
{
	return linear_bits;
}

bool host_has_wrmsrns(void)
{
	return wrmsrns;
}

bool guest_has_1g_pages(void)
{
	return extended[1].edx & EXTENDED1_EDX_PAGE1G;
}
