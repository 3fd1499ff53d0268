#include "vmx/requirements.h"

#include <stddef.h>

#include "lib/x86.h"
#include "vmx/vmcs_bits.h"

#define BASIC_STRING_IO_INFORMATION BIT(54)
#define BASIC_TRUE_CONTROLS	    BIT(55)
#define BASIC_MEMORY_TYPE	    (0xfull << 50)
#define BASIC_WRITE_BACK	    (6ull << 50)
#define CPUID1_VMX		    BIT(5)

#define NEWER_CPU                                                                                  \
	"an Intel Core of 2010 (Westmere) or later has it; under KVM use -cpu host and "           \
	"kvm_intel nested=1"
#define OTHER_CPU "use another CPU"

#define ALL(bits) .mask = (bits), .value = (bits)
#define MAY(bits) .mask = (uint64_t)(bits) << 32, .value = (uint64_t)(bits) << 32

#define CONTROL(KEY, NAME, WORD, BITS)                                                             \
	{                                                                                          \
		.key = KEY, .name = NAME, .word = VMX_WORD_##WORD, .need = VMX_REQUIRED,           \
		MAY(BITS), .remedy = NEWER_CPU,                                                    \
	}
#define OPTION(KEY, NAME, WORD, NEED, BITS, COMES)                                                 \
	{                                                                                          \
		.key = KEY, .name = NAME, .word = VMX_WORD_##WORD, .need = NEED, MAY(BITS),        \
		.remedy = COMES,                                                                   \
	}
#define EPT_ROW(KEY, NAME, NEED, BITS, ANY, REMEDY)                                                \
	{                                                                                          \
		.key = KEY, .name = NAME, .word = VMX_WORD_EPT_VPID, .need = NEED, ALL(BITS),      \
		.any = ANY, .remedy = REMEDY,                                                      \
	}

const struct vmx_requirement vmx_requirements[] = {
	{
		.key = "vmx",
		.name = "VMX",
		.word = VMX_WORD_CPUID,
		ALL(CPUID1_VMX),
		.remedy = "Resident needs an Intel CPU with VT-x; in QEMU use -accel kvm -cpu host "
			  "with kvm_intel nested=1, or boot in Bochs",
	},
	{
		/* the lock bit alone is in the way; left open, it is set at boot */
		.key = "vt-x",
		.name = "VT-x enabled by firmware",
		.word = VMX_WORD_FEATURE_CONTROL,
		ALL(FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX_OUTSIDE_SMX),
		.remedy = "enable it in the BIOS setup and switch the machine off and on",
	},
	{
		.key = "vmcs-wb",
		.name = "write-back VMCS memory",
		.word = VMX_WORD_BASIC,
		.mask = BASIC_MEMORY_TYPE,
		.value = BASIC_WRITE_BACK,
		.remedy = OTHER_CPU,
	},
	{
		.key = "ins-outs",
		.name = "instruction information for INS and OUTS",
		.word = VMX_WORD_BASIC,
		ALL(BASIC_STRING_IO_INFORMATION),
		.remedy = OTHER_CPU,
	},

	CONTROL("ept", "EPT (extended page tables)", SECONDARY, SECONDARY_ENABLE_EPT),
	CONTROL("ug", "unrestricted guest", SECONDARY, SECONDARY_UNRESTRICTED_GUEST),
	CONTROL("ext-int", "external-interrupt exiting", PIN, PIN_EXTERNAL_INTERRUPT_EXITING),
	CONTROL("nmi", "NMI exiting", PIN, PIN_NMI_EXITING),
	CONTROL("vnmi", "virtual NMIs", PIN, PIN_VIRTUAL_NMIS),

	CONTROL("int-window", "interrupt-window exiting", PRIMARY,
		PRIMARY_INTERRUPT_WINDOW_EXITING),
	CONTROL("tsc-offset", "TSC offsetting", PRIMARY, PRIMARY_USE_TSC_OFFSETTING),
	CONTROL("hlt", "HLT exiting", PRIMARY, PRIMARY_HLT_EXITING),
	CONTROL("mwait", "MWAIT exiting", PRIMARY, PRIMARY_MWAIT_EXITING),
	CONTROL("rdpmc", "RDPMC exiting", PRIMARY, PRIMARY_RDPMC_EXITING),
	CONTROL("cr8-load", "CR8-load exiting", PRIMARY, PRIMARY_CR8_LOAD_EXITING),
	CONTROL("cr8-store", "CR8-store exiting", PRIMARY, PRIMARY_CR8_STORE_EXITING),
	CONTROL("nmi-window", "NMI-window exiting", PRIMARY, PRIMARY_NMI_WINDOW_EXITING),
	CONTROL("io-bitmap", "I/O bitmaps", PRIMARY, PRIMARY_USE_IO_BITMAPS),
	CONTROL("msr-bitmap", "MSR bitmaps", PRIMARY, PRIMARY_USE_MSR_BITMAPS),
	CONTROL("monitor", "MONITOR exiting", PRIMARY, PRIMARY_MONITOR_EXITING),
	CONTROL("secondary", "secondary controls", PRIMARY, PRIMARY_SECONDARY_CONTROLS),

	CONTROL("save-debug", "save debug controls", EXIT, EXIT_SAVE_DEBUG_CONTROLS),
	CONTROL("host-64", "64-bit host", EXIT, EXIT_HOST_ADDRESS_SPACE_SIZE),
	CONTROL("ack-int", "acknowledge interrupt on exit", EXIT, EXIT_ACKNOWLEDGE_INTERRUPT),
	CONTROL("save-pat", "save IA32_PAT", EXIT, EXIT_SAVE_IA32_PAT),
	CONTROL("load-pat", "load IA32_PAT", EXIT, EXIT_LOAD_IA32_PAT),
	CONTROL("save-efer", "save IA32_EFER", EXIT, EXIT_SAVE_IA32_EFER),
	CONTROL("load-efer", "load IA32_EFER", EXIT, EXIT_LOAD_IA32_EFER),

	CONTROL("entry-debug", "load debug controls", ENTRY, ENTRY_LOAD_DEBUG_CONTROLS),
	CONTROL("ia32e", "IA-32e mode guest", ENTRY, ENTRY_IA32E_MODE_GUEST),
	CONTROL("entry-pat", "load IA32_PAT at entry", ENTRY, ENTRY_LOAD_IA32_PAT),
	CONTROL("entry-efer", "load IA32_EFER at entry", ENTRY, ENTRY_LOAD_IA32_EFER),

	EPT_ROW("ept-4-level", "EPT with 4 levels and write-back tables", VMX_REQUIRED,
		EPT_CAP_WALK_LENGTH_4 | EPT_CAP_WRITE_BACK, 0, OTHER_CPU),
	EPT_ROW("ept-2m", "EPT pages of 2 MiB", VMX_REQUIRED, EPT_CAP_2M_PAGES, 0, OTHER_CPU),
	EPT_ROW("invept", "INVEPT", VMX_REQUIRED, EPT_CAP_INVEPT,
		EPT_CAP_INVEPT_SINGLE | EPT_CAP_INVEPT_ALL, OTHER_CPU),

	OPTION("rdtscp", "RDTSCP", SECONDARY, VMX_USED, SECONDARY_ENABLE_RDTSCP,
	       "guests have no RDTSCP"),
	OPTION("vpid", "VPIDs", SECONDARY, VMX_USED, SECONDARY_ENABLE_VPID,
	       "translations are forgotten at each entry and exit"),
	OPTION("wbinvd", "WBINVD exiting", SECONDARY, VMX_USED, SECONDARY_WBINVD_EXITING,
	       "a guest's WBINVD empties the caches of all"),
	OPTION("invpcid", "INVPCID", SECONDARY, VMX_USED, SECONDARY_ENABLE_INVPCID,
	       "guests have no INVPCID"),
	OPTION("encls", "ENCLS exiting", SECONDARY, VMX_USED, SECONDARY_ENCLS_EXITING,
	       "there is no SGX to be hidden"),
	OPTION("enclv", "ENCLV exiting", SECONDARY, VMX_USED, SECONDARY_ENCLV_EXITING,
	       "there is no ENCLV to be hidden"),
	OPTION("xsaves", "XSAVES in guests", SECONDARY, VMX_USED, SECONDARY_ENABLE_XSAVES,
	       "guests have no XSAVES"),
	OPTION("bus-lock", "bus-lock detection", SECONDARY, VMX_USED, SECONDARY_BUS_LOCK_DETECTION,
	       "a guest can slow the others down by bus locks"),
	OPTION("mtf", "monitor trap flag", PRIMARY, VMX_CHOSEN, PRIMARY_MONITOR_TRAP_FLAG,
	       "an access to memory that is not there, by an odd instruction, ends the VM"),
	OPTION("vmx-timer", "VMX-preemption timer", PIN, VMX_CHOSEN, PIN_PREEMPTION_TIMER,
	       "the local APIC's timer takes the CPU back from guests"),
	OPTION("save-timer", "save VMX-preemption timer", EXIT, VMX_CHOSEN,
	       EXIT_SAVE_PREEMPTION_TIMER, "the timer is set at each entry"),
	OPTION("tpr", "TPR shadow", PRIMARY, VMX_CHOSEN, PRIMARY_USE_TPR_SHADOW,
	       "a guest's accesses to TPR and CR8 take exits"),
	OPTION("virt-apic", "virtualized APIC accesses", SECONDARY, VMX_CHOSEN,
	       SECONDARY_VIRTUALIZE_APIC_ACCESSES, "a guest's EOI takes an exit"),
	OPTION("virt-x2apic", "virtualized x2APIC mode", SECONDARY, VMX_CHOSEN,
	       SECONDARY_VIRTUALIZE_X2APIC_MODE, "a guest's EOI takes an exit"),
	OPTION("virt-int", "virtual-interrupt delivery", SECONDARY, VMX_CHOSEN,
	       SECONDARY_VIRTUAL_INTERRUPT_DELIVERY, "a guest's EOI takes an exit"),
	OPTION("ple", "PAUSE-loop exiting", SECONDARY, VMX_CHOSEN, SECONDARY_PAUSE_LOOP_EXITING,
	       "a vCPU that spins for another of its VM keeps its turn"),
	EPT_ROW("ept-1g", "EPT pages of 1 GiB", VMX_CHOSEN, EPT_CAP_1G_PAGES, 0,
		"guests' memory is mapped by pages of 2 MiB"),
	EPT_ROW("invvpid", "INVVPID", VMX_CHOSEN, VPID_CAP_INVVPID,
		VPID_CAP_INVVPID_SINGLE | VPID_CAP_INVVPID_ALL, "VPIDs are not used"),
	{},
};

static void read(struct vmx_words *words, enum vmx_word word, uint32_t msr)
{
	words->value[word] = rdmsr(msr);
	words->known |= BIT(word);
}

static bool offers(const struct vmx_words *words, enum vmx_word word, uint32_t control)
{
	return words->value[word] >> 32 & control;
}

void vmx_words_read(struct vmx_words *words)
{
	bool exact; /* A.2: other MSRs tell what may really be 0 */

	*words = (struct vmx_words){
		.value[VMX_WORD_CPUID] = cpuid(1).ecx,
		.known = BIT(VMX_WORD_CPUID),
	};
	if (!(words->value[VMX_WORD_CPUID] & CPUID1_VMX))
		return;
	read(words, VMX_WORD_FEATURE_CONTROL, MSR_IA32_FEATURE_CONTROL);
	read(words, VMX_WORD_BASIC, MSR_IA32_VMX_BASIC);
	exact = words->value[VMX_WORD_BASIC] & BASIC_TRUE_CONTROLS;
	read(words, VMX_WORD_PIN, exact ? MSR_IA32_VMX_TRUE_PIN : MSR_IA32_VMX_PINBASED);
	read(words, VMX_WORD_PRIMARY, exact ? MSR_IA32_VMX_TRUE_PROC : MSR_IA32_VMX_PROCBASED);
	read(words, VMX_WORD_EXIT, exact ? MSR_IA32_VMX_TRUE_EXIT : MSR_IA32_VMX_EXIT);
	read(words, VMX_WORD_ENTRY, exact ? MSR_IA32_VMX_TRUE_ENTRY : MSR_IA32_VMX_ENTRY);
	read(words, VMX_WORD_MISC, MSR_IA32_VMX_MISC);
	read(words, VMX_WORD_CR0_FIXED0, MSR_IA32_VMX_CR0_FIXED0);
	read(words, VMX_WORD_CR0_FIXED1, MSR_IA32_VMX_CR0_FIXED1);
	read(words, VMX_WORD_CR4_FIXED0, MSR_IA32_VMX_CR4_FIXED0);
	read(words, VMX_WORD_CR4_FIXED1, MSR_IA32_VMX_CR4_FIXED1);
	if (offers(words, VMX_WORD_PRIMARY, PRIMARY_SECONDARY_CONTROLS))
		read(words, VMX_WORD_SECONDARY, MSR_IA32_VMX_PROCBASED2);
	if (offers(words, VMX_WORD_SECONDARY, SECONDARY_ENABLE_EPT))
		read(words, VMX_WORD_EPT_VPID, MSR_IA32_VMX_EPT_VPID);
}

bool vmx_requirement_met(const struct vmx_requirement *row, const struct vmx_words *words)
{
	uint64_t value = words->value[row->word];

	if (!vmx_word_known(words, row->word))
		return false;
	if (row->word == VMX_WORD_FEATURE_CONTROL && !(value & FEATURE_CONTROL_LOCK))
		return true;
	return (value & row->mask) == row->value && (!row->any || (value & row->any));
}

uint32_t vmx_requirements_controls(enum vmx_word word, enum vmx_need need)
{
	uint32_t controls = 0;

	for (const struct vmx_requirement *row = vmx_requirements; row->key; row++)
		if (row->word == word && row->need == need)
			controls |= row->mask >> 32;
	return controls;
}
