/*
 * x86 instructions and architectural bit names, one inline function or constant each.
 * Names and numbers: Intel SDM Vol. 3A (2.5 control registers), Vol. 4 (MSRs).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define BIT(n) (1ull << (n))

#define CR0_PE BIT(0)
#define CR0_MP BIT(1)
#define CR0_EM BIT(2)
#define CR0_TS BIT(3)
#define CR0_ET BIT(4)
#define CR0_NE BIT(5)
#define CR0_WP BIT(16)
#define CR0_AM BIT(18)
#define CR0_NW BIT(29)
#define CR0_CD BIT(30)
#define CR0_PG BIT(31)

#define CR4_VME	       BIT(0)
#define CR4_PVI	       BIT(1)
#define CR4_TSD	       BIT(2)
#define CR4_DE	       BIT(3)
#define CR4_PSE	       BIT(4)
#define CR4_PAE	       BIT(5)
#define CR4_MCE	       BIT(6)
#define CR4_PGE	       BIT(7)
#define CR4_PCE	       BIT(8)
#define CR4_OSFXSR     BIT(9)
#define CR4_OSXMMEXCPT BIT(10)
#define CR4_UMIP       BIT(11)
#define CR4_LA57       BIT(12)
#define CR4_VMXE       BIT(13)
#define CR4_FSGSBASE   BIT(16)
#define CR4_PCIDE      BIT(17)
#define CR4_OSXSAVE    BIT(18)
#define CR4_SMEP       BIT(20)
#define CR4_SMAP       BIT(21)
#define CR4_PKE	       BIT(22)
#define CR4_CET	       BIT(23)

#define EFER_SCE BIT(0)
#define EFER_LME BIT(8)
#define EFER_LMA BIT(10)
#define EFER_NXE BIT(11)

#define RFLAGS_FIXED BIT(1)
#define RFLAGS_CF    BIT(0)
#define RFLAGS_PF    BIT(2)
#define RFLAGS_AF    BIT(4)
#define RFLAGS_ZF    BIT(6)
#define RFLAGS_SF    BIT(7)
#define RFLAGS_TF    BIT(8)
#define RFLAGS_IF    BIT(9)
#define RFLAGS_DF    BIT(10)
#define RFLAGS_OF    BIT(11)
#define RFLAGS_RF    BIT(16)
#define RFLAGS_VM    BIT(17)
#define RFLAGS_AC    BIT(18)

#define XCR0_X87       BIT(0)
#define XCR0_SSE       BIT(1)
#define XCR0_AVX       BIT(2)
#define XCR0_OPMASK    BIT(5)
#define XCR0_ZMM_HI256 BIT(6)
#define XCR0_HI16_ZMM  BIT(7)
#define XCR0_PKRU      BIT(9)
#define XCR0_TILECFG   BIT(17)
#define XCR0_TILEDATA  BIT(18)
#define XCR0_TILES     (XCR0_TILECFG | XCR0_TILEDATA)
#define XCR0_AVX512    (XCR0_OPMASK | XCR0_ZMM_HI256 | XCR0_HI16_ZMM)

#define MSR_IA32_TSC		 0x10
#define MSR_IA32_PLATFORM_ID	 0x17
#define MSR_IA32_APIC_BASE	 0x1b
#define MSR_IA32_FEATURE_CONTROL 0x3a
#define MSR_IA32_TSC_ADJUST	 0x3b
#define MSR_IA32_BIOS_SIGN_ID	 0x8b
#define MSR_PLATFORM_INFO	 0xce
#define MSR_IA32_MTRRCAP	 0xfe
#define MSR_IA32_MCG_CAP	 0x179
#define MSR_IA32_MISC_ENABLE	 0x1a0
#define MSR_IA32_XFD		 0x1c4
#define MSR_IA32_XFD_ERR	 0x1c5
#define MSR_IA32_TSC_DEADLINE	 0x6e0
#define MSR_IA32_MCG_STATUS	 0x17a
#define MSR_IA32_MCG_CTL	 0x17b
#define MSR_IA32_SYSENTER_CS	 0x174
#define MSR_IA32_SYSENTER_ESP	 0x175
#define MSR_IA32_SYSENTER_EIP	 0x176
#define MSR_IA32_MTRR_PHYSBASE0	 0x200
#define MSR_IA32_MTRR_PHYSMASK0	 0x201
#define MSR_IA32_PAT		 0x277
#define MSR_IA32_MTRR_DEF_TYPE	 0x2ff
#define MSR_IA32_MC0_CTL	 0x400
#define MSR_IA32_VMX_BASIC	 0x480
#define MSR_IA32_VMX_PINBASED	 0x481
#define MSR_IA32_VMX_PROCBASED	 0x482
#define MSR_IA32_VMX_EXIT	 0x483
#define MSR_IA32_VMX_ENTRY	 0x484
#define MSR_IA32_VMX_MISC	 0x485
#define MSR_IA32_VMX_CR0_FIXED0	 0x486
#define MSR_IA32_VMX_CR0_FIXED1	 0x487
#define MSR_IA32_VMX_CR4_FIXED0	 0x488
#define MSR_IA32_VMX_CR4_FIXED1	 0x489
#define MSR_IA32_VMX_PROCBASED2	 0x48b
#define MSR_IA32_VMX_EPT_VPID	 0x48c
#define MSR_IA32_VMX_TRUE_PIN	 0x48d
#define MSR_IA32_VMX_TRUE_PROC	 0x48e
#define MSR_IA32_VMX_TRUE_EXIT	 0x48f
#define MSR_IA32_VMX_TRUE_ENTRY	 0x490
#define MSR_IA32_VMX_VMFUNC	 0x491
#define MSR_IA32_VMX_PROCBASED3	 0x492
#define MSR_IA32_VMX_EXIT2	 0x493
#define MSR_IA32_MCG_EXT_CTL	 0x4d0
#define MSR_IA32_RTIT_CTL	 0x570
#define MSR_IA32_XSS		 0xda0
#define MSR_EFER		 0xc0000080
#define MSR_STAR		 0xc0000081
#define MSR_LSTAR		 0xc0000082
#define MSR_CSTAR		 0xc0000083
#define MSR_FMASK		 0xc0000084
#define MSR_FS_BASE		 0xc0000100
#define MSR_GS_BASE		 0xc0000101
#define MSR_KERNEL_GS_BASE	 0xc0000102
#define MSR_TSC_AUX		 0xc0000103

#define MSR_IA32_PERF_GLOBAL_CTRL 0x38f

#define FEATURE_CONTROL_LOCK		BIT(0)
#define FEATURE_CONTROL_VMX_OUTSIDE_SMX BIT(2)
#define FEATURE_CONTROL_LMCE_ON		BIT(20)

#define VECTOR_DB  1
#define VECTOR_NMI 2
#define VECTOR_BP  3
#define VECTOR_UD  6
#define VECTOR_NM  7
#define VECTOR_DF  8
#define VECTOR_TS  10
#define VECTOR_NP  11
#define VECTOR_SS  12
#define VECTOR_GP  13
#define VECTOR_PF  14
#define VECTOR_AC  17
#define VECTOR_MC  18

struct cpuid_regs {
	uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid_regs cpuid_count(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid_regs r;

	__asm__ volatile("cpuid"
			 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
			 : "a"(leaf), "c"(subleaf));
	return r;
}

static inline struct cpuid_regs cpuid(uint32_t leaf)
{
	return cpuid_count(leaf, 0);
}

/* The highest basic leaf; every leaf above it reads as another leaf's data (SDM Vol. 2, CPUID). */
static inline uint32_t cpuid_max_leaf(void)
{
	return cpuid(0).eax;
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (uint64_t)high << 32 | low;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr"
			 :
			 : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
			 : "memory");
}

/*
 * An MSR that CPUID promises and an emulator may lack. False: #GP. The table of addresses where one
 * is expected, and where to go on, is searched by boot/trap.c.
 */
static inline bool rdmsr_if_present(uint32_t msr, uint64_t *value)
{
	uint32_t low = 0, high = 0;
	bool present = false;

	__asm__ volatile("1: rdmsr\n"
			 "   mov $1, %b0\n"
			 "2:\n"
			 "   .pushsection .fixups, \"a\"\n"
			 "   .quad 1b, 2b\n"
			 "   .popsection"
			 : "+r"(present), "+a"(low), "+d"(high)
			 : "c"(msr));
	*value = (uint64_t)high << 32 | low;
	return present;
}

/* A value that the CPU may refuse. False: #GP, and the MSR is what it was. */
static inline bool wrmsr_if_accepted(uint32_t msr, uint64_t value)
{
	bool accepted = false;

	__asm__ volatile("1: wrmsr\n"
			 "   mov $1, %b0\n"
			 "2:\n"
			 "   .pushsection .fixups, \"a\"\n"
			 "   .quad 1b, 2b\n"
			 "   .popsection"
			 : "+r"(accepted)
			 : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
			 : "memory");
	return accepted;
}

/* Memory that may not be mapped. False: #PF, or #GP. */
static inline bool load_if_mapped(const void *address, uint8_t *value)
{
	bool loaded = false;

	*value = 0;
	__asm__ volatile("1: mov %2, %1\n"
			 "   mov $1, %b0\n"
			 "2:\n"
			 "   .pushsection .fixups, \"a\"\n"
			 "   .quad 1b, 2b\n"
			 "   .popsection"
			 : "+r"(loaded), "+r"(*value)
			 : "m"(*(const uint8_t *)address));
	return loaded;
}

static inline uint64_t rdtsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

#define X86_REGISTER(name)                                                                         \
	static inline uint64_t read_##name(void)                                                   \
	{                                                                                          \
		uint64_t value;                                                                    \
		__asm__ volatile("mov %%" #name ", %0" : "=r"(value));                             \
		return value;                                                                      \
	}                                                                                          \
	static inline void write_##name(uint64_t value)                                            \
	{                                                                                          \
		__asm__ volatile("mov %0, %%" #name : : "r"(value) : "memory");                    \
	}

X86_REGISTER(cr0)
X86_REGISTER(cr2)
X86_REGISTER(cr3)
X86_REGISTER(cr4)
X86_REGISTER(dr0)
X86_REGISTER(dr1)
X86_REGISTER(dr2)
X86_REGISTER(dr3)
X86_REGISTER(dr6)

/*
 * Ends VMX operation, if the CPU is in it: elsewhere VMXOFF is #UD. In it INIT signals are blocked
 * (SDM Vol. 3C 23.8), and to some chipsets a reset is one.
 */
static inline void vmxoff_if_on(void)
{
	if (read_cr4() & CR4_VMXE)
		__asm__ volatile("1: vmxoff\n"
				 "2:\n"
				 "   .pushsection .fixups, \"a\"\n"
				 "   .quad 1b, 2b\n"
				 "   .popsection"
				 :
				 :
				 : "cc", "memory");
}

static inline uint8_t inb(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline void outb(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint16_t inw(uint16_t port)
{
	uint16_t value;

	__asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline void outw(uint16_t port, uint16_t value)
{
	__asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint32_t inl(uint16_t port)
{
	uint32_t value;

	__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline void cpu_relax(void)
{
	__asm__ volatile("pause");
}

static inline void interrupts_on(void)
{
	__asm__ volatile("sti" : : : "memory");
}

static inline void interrupts_off(void)
{
	__asm__ volatile("cli" : : : "memory");
}

/* Writes back, and drops, the line of the caches that an address is in. SDM Vol. 2A CLFLUSH. */
static inline void clflush(const void *address)
{
	__asm__ volatile("clflush %0" : : "m"(*(const char *)address) : "memory");
}

static inline void wbinvd(void)
{
	__asm__ volatile("wbinvd" : : : "memory");
}

/* In the width of 4-level paging, 48 bits, or of 5-level paging, 57 (SDM Vol. 1 3.3.7.1). */
static inline bool is_canonical(uint64_t address, unsigned int bits)
{
	unsigned int upper = 64 - bits;

	return (uint64_t)((int64_t)(address << upper) >> upper) == address;
}
