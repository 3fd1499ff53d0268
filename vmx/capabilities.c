#include "boot/clock.h"
#include "lib/console.h"
#include "lib/errno.h"
#include "lib/signature.h"
#include "lib/string.h"
#include "lib/x86.h"
#include "vmx/capabilities.h"
#include "vmx/controls.h"
#include "vmx/multihit.h"
#include "vmx/vmcs_bits.h"

#define CPUID_1_ECX_HYPERVISOR BIT(31)

#define BASIC_STRING_IO_INFORMATION BIT(54)
#define BASIC_TRUE_CONTROLS	    BIT(55)
#define BASIC_MEMORY_TYPE(basic)    ((basic) >> 50 & 0xf)
#define MEMORY_TYPE_WB		    6

static const struct vmx_capabilities *machine; /* the first CPU's; written at boot */

struct named_bit {
	uint32_t bit;
	const char *name;
};

/* What each control is required for: named when a CPU lacks it. */
static const struct named_bit pin_required[] = {
	{PIN_EXTERNAL_INTERRUPT_EXITING, "external-interrupt exiting"},
	{PIN_NMI_EXITING, "NMI exiting"},
	{PIN_VIRTUAL_NMIS, "virtual NMIs"},
	{},
};
static const struct named_bit primary_required[] = {
	{PRIMARY_INTERRUPT_WINDOW_EXITING, "interrupt-window exiting"},
	{PRIMARY_USE_TSC_OFFSETTING, "TSC offsetting"},
	{PRIMARY_HLT_EXITING, "HLT exiting"},
	{PRIMARY_MWAIT_EXITING, "MWAIT exiting"},
	{PRIMARY_RDPMC_EXITING, "RDPMC exiting"},
	{PRIMARY_CR8_LOAD_EXITING, "CR8-load exiting"},
	{PRIMARY_CR8_STORE_EXITING, "CR8-store exiting"},
	{PRIMARY_NMI_WINDOW_EXITING, "NMI-window exiting"},
	{PRIMARY_USE_IO_BITMAPS, "I/O bitmaps"},
	{PRIMARY_USE_MSR_BITMAPS, "MSR bitmaps"},
	{PRIMARY_MONITOR_EXITING, "MONITOR exiting"},
	{PRIMARY_SECONDARY_CONTROLS, "secondary controls"},
	{},
};
static const struct named_bit secondary_required[] = {
	{SECONDARY_ENABLE_EPT, "EPT (extended page tables)"},
	{SECONDARY_UNRESTRICTED_GUEST, "unrestricted guest"},
	{},
};
static const struct named_bit exit_required[] = {
	{EXIT_SAVE_DEBUG_CONTROLS, "save debug controls"},
	{EXIT_HOST_ADDRESS_SPACE_SIZE, "64-bit host"},
	{EXIT_ACKNOWLEDGE_INTERRUPT, "acknowledge interrupt on exit"},
	{EXIT_SAVE_IA32_PAT, "save IA32_PAT"},
	{EXIT_LOAD_IA32_PAT, "load IA32_PAT"},
	{EXIT_SAVE_IA32_EFER, "save IA32_EFER"},
	{EXIT_LOAD_IA32_EFER, "load IA32_EFER"},
	{},
};
static const struct named_bit entry_required[] = {
	{ENTRY_LOAD_DEBUG_CONTROLS, "load debug controls"},
	{ENTRY_IA32E_MODE_GUEST, "IA-32e mode guest"},
	{ENTRY_LOAD_IA32_PAT, "load IA32_PAT at entry"},
	{ENTRY_LOAD_IA32_EFER, "load IA32_EFER at entry"},
	{},
};

/* Set only while in use; the CPU must merely offer them. */
#define PRIMARY_WINDOWS (PRIMARY_INTERRUPT_WINDOW_EXITING | PRIMARY_NMI_WINDOW_EXITING)

#define SECONDARY_OPTIONAL                                                                         \
	(SECONDARY_ENABLE_RDTSCP | SECONDARY_ENABLE_VPID | SECONDARY_WBINVD_EXITING |              \
	 SECONDARY_ENABLE_INVPCID | SECONDARY_ENCLS_EXITING | SECONDARY_ENCLV_EXITING |            \
	 SECONDARY_ENABLE_XSAVES | SECONDARY_BUS_LOCK_DETECTION)

static int missing(const char *what, const char *remedy)
{
	log_error("this CPU, or the hypervisor it is seen through, lacks %s: %s", what, remedy);
	return -ENODEV;
}

/* One control word; every required bit that the CPU lacks is named. */
static int compute(uint32_t msr, const struct named_bit *required, uint32_t optional,
		   uint32_t *value)
{
	uint32_t wanted = 0, lacking = 0;
	int error;

	for (const struct named_bit *bit = required; bit->bit; bit++)
		wanted |= bit->bit;
	error = vmx_controls_compute(rdmsr(msr), wanted, optional, value, &lacking);
	for (const struct named_bit *bit = required; bit->bit; bit++)
		if (lacking & bit->bit)
			missing(bit->name,
				"an Intel Core of 2010 (Westmere) or later has it; under "
				"KVM use -cpu host and kvm_intel nested=1");
	return error;
}

/* SDM Vol. 3C 23.7: VMXON needs the lock bit and the enable bit. */
static int enable_in_feature_control(void)
{
	uint64_t wanted = FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX_OUTSIDE_SMX;
	uint64_t value = rdmsr(MSR_IA32_FEATURE_CONTROL);

	if ((value & wanted) == wanted)
		return 0;
	if (value & FEATURE_CONTROL_LOCK) {
		log_error(
			"VT-x is disabled by firmware: enable it in the BIOS setup and switch the "
			"machine off and on (IA32_FEATURE_CONTROL=0x%lx)",
			value);
		return -ENODEV;
	}
	wrmsr(MSR_IA32_FEATURE_CONTROL, value | wanted);
	return 0;
}

static int check_ept(uint64_t ept_vpid)
{
	int error = 0;

	if (!(ept_vpid & EPT_CAP_WALK_LENGTH_4) || !(ept_vpid & EPT_CAP_WRITE_BACK))
		error = missing("EPT with 4 levels and write-back tables", "use another CPU");
	if (!(ept_vpid & EPT_CAP_2M_PAGES))
		error = missing("EPT pages of 2 MiB", "use another CPU");
	if (!(ept_vpid & EPT_CAP_INVEPT) ||
	    !(ept_vpid & (EPT_CAP_INVEPT_SINGLE | EPT_CAP_INVEPT_ALL)))
		error = missing("INVEPT", "use another CPU");
	return error;
}

static void read_fixed_bits(struct vmx_capabilities *c)
{
	c->cr0_fixed0 = rdmsr(MSR_IA32_VMX_CR0_FIXED0);
	c->cr0_fixed1 = rdmsr(MSR_IA32_VMX_CR0_FIXED1);
	c->cr4_fixed0 = rdmsr(MSR_IA32_VMX_CR4_FIXED0);
	c->cr4_fixed1 = rdmsr(MSR_IA32_VMX_CR4_FIXED1);
}

static int compute_controls(struct vmx_capabilities *c, bool true_controls)
{
	int error = 0;

	error |= compute(true_controls ? MSR_IA32_VMX_TRUE_PIN : MSR_IA32_VMX_PINBASED,
			 pin_required, PIN_PREEMPTION_TIMER, &c->pin);
	error |= compute(true_controls ? MSR_IA32_VMX_TRUE_PROC : MSR_IA32_VMX_PROCBASED,
			 primary_required, PRIMARY_MONITOR_TRAP_FLAG, &c->primary);
	error |= compute(true_controls ? MSR_IA32_VMX_TRUE_EXIT : MSR_IA32_VMX_EXIT, exit_required,
			 EXIT_SAVE_PREEMPTION_TIMER, &c->exit);
	error |= compute(true_controls ? MSR_IA32_VMX_TRUE_ENTRY : MSR_IA32_VMX_ENTRY,
			 entry_required, 0, &c->entry);
	if (!(c->primary & PRIMARY_SECONDARY_CONTROLS))
		return -ENODEV;
	error |= compute(MSR_IA32_VMX_PROCBASED2, secondary_required, SECONDARY_OPTIONAL,
			 &c->secondary);
	c->monitor_trap = c->primary & PRIMARY_MONITOR_TRAP_FLAG;
	c->primary &= ~(PRIMARY_WINDOWS | PRIMARY_MONITOR_TRAP_FLAG);
	c->entry &= ~ENTRY_IA32E_MODE_GUEST; /* guests start in protected mode */
	c->ept = c->secondary & SECONDARY_ENABLE_EPT;
	c->unrestricted_guest = c->secondary & SECONDARY_UNRESTRICTED_GUEST;
	return error ? -ENODEV : 0;
}

/* What ends a guest's time: preemption=, or what works here. */
static int choose_preemption(struct vmx_capabilities *c, enum preemption wanted)
{
	bool offered = c->pin & PIN_PREEMPTION_TIMER, broken;
	char vendor[12];

	cpuid_vendor(vendor);
	broken = preemption_timer_broken(vendor, cpuid(1).eax);
	c->preemption =
		preemption_choose(wanted, offered, broken, clock_has_apic_timer(), c->nested);
	if (c->preemption != PREEMPTION_VMX) {
		c->pin &= ~PIN_PREEMPTION_TIMER;
		c->exit &= ~EXIT_SAVE_PREEMPTION_TIMER;
	}
	if (c->preemption == PREEMPTION_VMX && broken && !machine)
		log_warning("preemption=vmx: the VMX-preemption timer of this CPU is known to "
			    "count wrong, and slices may be far too long: use preemption=auto");
	if (c->preemption != PREEMPTION_NONE)
		return 0;
	if (wanted == PREEMPTION_VMX)
		return missing("the VMX-preemption timer of preemption=vmx", "use preemption=auto");
	if (wanted == PREEMPTION_APIC)
		return missing("the local APIC timer of preemption=apic", "use preemption=auto");
	return missing(broken ? "a VMX-preemption timer that works, and a local APIC timer instead"
			      : "the VMX-preemption timer, and a local APIC timer instead",
		       "enable the local APIC in the BIOS setup, or use another CPU");
}

static void choose_ept_split(struct vmx_capabilities *c, enum multihit wanted)
{
	bool affected = multihit_affects_this_cpu();

	c->ept_split = wanted == MULTIHIT_AUTO ? affected : wanted == MULTIHIT_SPLIT;
	if (affected && !c->ept_split && !machine)
		log_warning("multihit=off: a guest can stop this machine by a machine check "
			    "(CVE-2018-12207): run guests that you trust, or use multihit=auto");
}

/*
 * All or nothing: with the TPR shadow MOV to and from CR8 need no exit. Another hypervisor below
 * has to look at all of it at each entry and exit, which there costs more than the exits that it
 * saves.
 */
static void choose_apicv(struct vmx_capabilities *c, bool true_controls, bool wanted)
{
	const uint32_t cr8 = PRIMARY_CR8_LOAD_EXITING | PRIMARY_CR8_STORE_EXITING;
	const uint32_t secondary = SECONDARY_VIRTUALIZE_APIC_ACCESSES |
				   SECONDARY_VIRTUALIZE_X2APIC_MODE |
				   SECONDARY_VIRTUAL_INTERRUPT_DELIVERY;
	uint64_t primary_msr =
		rdmsr(true_controls ? MSR_IA32_VMX_TRUE_PROC : MSR_IA32_VMX_PROCBASED);
	uint64_t secondary_msr = rdmsr(MSR_IA32_VMX_PROCBASED2);

	c->apicv = wanted && !c->nested && (primary_msr >> 32 & PRIMARY_USE_TPR_SHADOW) &&
		   !(primary_msr & cr8) && (secondary_msr >> 32 & secondary) == secondary;
	if (c->apicv)
		c->primary = (c->primary & ~cr8) | PRIMARY_USE_TPR_SHADOW;
}

static int check(struct vmx_capabilities *c, enum preemption preemption, enum multihit multihit,
		 bool apicv)
{
	uint64_t basic;
	int error;

	if (!(cpuid(1).ecx & BIT(5))) {
		log_error("this machine has no VMX (CPUID.1:ECX.5=0): Resident needs an Intel CPU "
			  "with VT-x; in QEMU use -accel kvm -cpu host with kvm_intel nested=1, or "
			  "boot in Bochs");
		return -ENODEV;
	}
	c->vmx = true;
	c->nested = cpuid(1).ecx & CPUID_1_ECX_HYPERVISOR;
	error = enable_in_feature_control();
	basic = rdmsr(MSR_IA32_VMX_BASIC);
	c->revision = basic & 0x7fffffff;
	if (BASIC_MEMORY_TYPE(basic) != MEMORY_TYPE_WB)
		error = missing("write-back VMCS memory", "use another CPU");
	if (!(basic & BASIC_STRING_IO_INFORMATION))
		error = missing("instruction information for INS and OUTS", "use another CPU");
	c->preemption_shift = rdmsr(MSR_IA32_VMX_MISC) & 0x1f;
	read_fixed_bits(c);
	if (compute_controls(c, basic & BASIC_TRUE_CONTROLS))
		error = -ENODEV;
	else
		choose_apicv(c, basic & BASIC_TRUE_CONTROLS, apicv);
	if (choose_preemption(c, preemption))
		error = -ENODEV;
	choose_ept_split(c, multihit);
	if (c->ept) {
		c->ept_vpid = rdmsr(MSR_IA32_VMX_EPT_VPID);
		if (check_ept(c->ept_vpid))
			error = -ENODEV;
	}
	if (!(c->ept_vpid & VPID_CAP_INVVPID) ||
	    !(c->ept_vpid & (VPID_CAP_INVVPID_SINGLE | VPID_CAP_INVVPID_ALL)))
		c->secondary &= ~SECONDARY_ENABLE_VPID;
	return error;
}

int vmx_capabilities_check(struct vmx_capabilities *own, enum preemption preemption,
			   enum multihit multihit, bool apicv)
{
	int error = check(own, preemption, multihit, apicv);

	if (!machine)
		machine = own;
	if (memcmp(own, machine, sizeof(*own))) {
		log_error("this CPU's VMX is not the first CPU's: guests could not change from one "
			  "to the other");
		return -ENODEV;
	}
	return error;
}

const struct vmx_capabilities *vmx_capabilities(void)
{
	return machine;
}
