#include "vmx/checks/entry_here.h"

#include "lib/errno.h"
#include "lib/refusal.h"
#include "lib/x86.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"

#define BASIC_TRUE_CONTROLS BIT(55)
#define BITS_4_LEVELS	    48

#define SEVEN_EBX_SGX	   BIT(2)
#define SEVEN_EBX_RTM	   BIT(11)
#define SEVEN_EBX_PT	   BIT(25)
#define SEVEN_ECX_BUS_LOCK BIT(24)
#define SEVEN_1_EAX_LAM	   BIT(26)

/* What WRMSR takes (SDM Vol. 4, and Vol. 3B for the first and the last two). */
#define DEBUGCTL_BITS	      0xffc7ull
#define EFER_BITS	      (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)
#define S_CET_RESERVED	      0x3c0ull
#define SPEC_CTRL_BITS	      0x5ffull
#define PERF_METRICS	      BIT(48)
#define RTIT_CTL_RESERVED     (0x7full << 57)
#define LBR_CTL_BITS	      0x7f000full
#define PERFMON_FIXED(edx)    ((edx)&0x1f)
#define PERFMON_COUNTERS(eax) ((eax) >> 8 & 0xff)
#define PERFMON_VERSION(eax)  ((eax)&0xff)

static struct entry_cpu cpu; /* written at boot */

static uint64_t msr(uint32_t number)
{
	uint64_t value;

	return rdmsr_if_present(number, &value) ? value : 0;
}

static void read_capabilities(void)
{
	bool exact;

	cpu.basic = msr(MSR_IA32_VMX_BASIC);
	exact = cpu.basic & BASIC_TRUE_CONTROLS;
	cpu.misc = msr(MSR_IA32_VMX_MISC);
	cpu.pin = msr(exact ? MSR_IA32_VMX_TRUE_PIN : MSR_IA32_VMX_PINBASED);
	cpu.primary = msr(exact ? MSR_IA32_VMX_TRUE_PROC : MSR_IA32_VMX_PROCBASED);
	cpu.exit = msr(exact ? MSR_IA32_VMX_TRUE_EXIT : MSR_IA32_VMX_EXIT);
	cpu.entry = msr(exact ? MSR_IA32_VMX_TRUE_ENTRY : MSR_IA32_VMX_ENTRY);
	cpu.secondary = msr(MSR_IA32_VMX_PROCBASED2);
	cpu.ept_vpid = msr(MSR_IA32_VMX_EPT_VPID);
	if (cpu.secondary >> 32 & SECONDARY_ENABLE_VM_FUNCTIONS)
		cpu.vm_functions = msr(MSR_IA32_VMX_VMFUNC);
	if (cpu.primary >> 32 & PRIMARY_TERTIARY_CONTROLS)
		cpu.tertiary = msr(MSR_IA32_VMX_PROCBASED3);
	if (cpu.exit >> 32 & EXIT_SECONDARY_CONTROLS)
		cpu.exit2 = msr(MSR_IA32_VMX_EXIT2);
	cpu.cr0_fixed0 = msr(MSR_IA32_VMX_CR0_FIXED0);
	cpu.cr0_fixed1 = msr(MSR_IA32_VMX_CR0_FIXED1);
	cpu.cr4_fixed0 = msr(MSR_IA32_VMX_CR4_FIXED0);
	cpu.cr4_fixed1 = msr(MSR_IA32_VMX_CR4_FIXED1);
}

/* SDM Vol. 3B 18.2.2: the counters of architectural performance monitoring. */
static uint64_t perf_global_ctrl_reserved(void)
{
	struct cpuid_regs leaf = {};
	uint64_t value;

	if (!rdmsr_if_present(MSR_IA32_PERF_GLOBAL_CTRL, &value))
		return UINT64_MAX; /* as KVM offers the control without counters */
	if (cpuid_max_leaf() >= 0xa)
		leaf = cpuid(0xa);
	/* leaf 23H tells of counters that this one does not know */
	if (PERFMON_VERSION(leaf.eax) < 2 || cpuid_max_leaf() >= 0x23)
		return 0;
	return ~((BIT(PERFMON_COUNTERS(leaf.eax)) - 1) |
		 ((BIT(PERFMON_FIXED(leaf.edx)) - 1) | leaf.ecx) << 32 | PERF_METRICS);
}

static void read_features(void)
{
	struct cpuid_regs seven = {};

	if (cpuid_max_leaf() >= 7)
		seven = cpuid_count(7, 0);
	cpu.sgx = seven.ebx & SEVEN_EBX_SGX;
	cpu.rtm = seven.ebx & SEVEN_EBX_RTM;
	cpu.lam = seven.eax >= 1 && (cpuid_count(7, 1).eax & SEVEN_1_EAX_LAM);
	cpu.bus_lock_debug = seven.ecx & SEVEN_ECX_BUS_LOCK;
	cpu.pt_enabled = (seven.ebx & SEVEN_EBX_PT) && (msr(MSR_IA32_RTIT_CTL) & 1);
	cpu.physical_bits = cpuid(0x80000008).eax & 0xff;
	cpu.linear_bits = cpuid(0x80000008).eax >> 8 & 0xff;
	cpu.long_mode = true;
}

void entry_here_init(void)
{
	read_capabilities();
	read_features();
	cpu.efer_reserved = ~EFER_BITS;
	cpu.debugctl_reserved = ~DEBUGCTL_BITS;
	cpu.s_cet_reserved = S_CET_RESERVED;
	cpu.spec_ctrl_reserved = ~SPEC_CTRL_BITS;
	cpu.rtit_ctl_reserved = RTIT_CTL_RESERVED;
	cpu.lbr_ctl_reserved = ~LBR_CTL_BITS;
	cpu.perf_global_ctrl_reserved = perf_global_ctrl_reserved();
}

static uint64_t read_field(void *arg, uint32_t field)
{
	(void)arg;
	return vmcs_read_if_present(field);
}

/* An address is its physical address here, where it is mapped: boot/paging.h. */
static bool read_mapped(void *arg, uint64_t physical, void *to, size_t length)
{
	uint8_t *byte = to;

	(void)arg;
	for (size_t i = 0; i < length; i++)
		if (!load_if_mapped((const void *)(physical + i), &byte[i]))
			return false;
	return true;
}

static uint64_t current_vmcs(void)
{
	uint64_t address;

	__asm__ volatile("vmptrst %0" : "=m"(address) : : "cc");
	return address;
}

void entry_here_source(struct entry_source *source, bool failed)
{
	*source = (struct entry_source){
		.read = read_field,
		.read_memory = read_mapped,
		.current_vmcs = current_vmcs(),
		.failed = failed,
		.cpu = cpu,
	};
}

bool entry_here_explain(struct refusal *refusal, uint32_t number)
{
	struct entry_source source;
	struct entry_finding found;

	entry_here_source(&source, true);
	if (!entry_checks_cause(&source, number, &found))
		return false;
	refuse(refusal, -EINVAL, "%s is 0x%lx: %s [SDM Vol. 3C %s]", found.rule->field_name,
	       found.value, found.rule->should, found.rule->section);
	return true;
}

bool entry_here_explain_48_bits(struct refusal *refusal, uint32_t number)
{
	struct entry_source source;
	struct entry_finding found;

	entry_here_source(&source, true);
	source.cpu.linear_bits = BITS_4_LEVELS;
	if (cpu.linear_bits == BITS_4_LEVELS || !entry_checks_cause(&source, number, &found))
		return false;
	refuse(refusal, -EINVAL,
	       "%s 0x%lx is not canonical in %u bits, though what loads it allows %u here [SDM "
	       "Vol. 3C %s]",
	       found.rule->field_name, found.value, BITS_4_LEVELS, cpu.linear_bits,
	       found.rule->section);
	return true;
}
