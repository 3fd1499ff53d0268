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

static const struct vmx_capabilities *machine; /* the first CPU's; written at boot */

/* Set only while in use; the CPU must merely offer them. */
#define PRIMARY_WINDOWS (PRIMARY_INTERRUPT_WINDOW_EXITING | PRIMARY_NMI_WINDOW_EXITING)

/* Who is told what is missing. */
struct report {
	vmx_lacks *lacks;
	void *arg;
};

static int missing(const struct report *report, const struct vmx_requirement *row, uint64_t value)
{
	report->lacks(report->arg, row, value);
	return -ENODEV;
}

static int check_requirements(const struct vmx_words *words, const struct report *report)
{
	int error = 0;

	for (const struct vmx_requirement *row = vmx_requirements; row->key; row++)
		if (row->need == VMX_REQUIRED && vmx_word_known(words, row->word) &&
		    !vmx_requirement_met(row, words))
			error = missing(report, row, words->value[row->word]);
	return error;
}

/* What is required of a control word, and of the rest what the CPU offers. */
static uint32_t control(const struct vmx_words *words, enum vmx_word word, uint32_t chosen)
{
	uint32_t value, lacking;

	vmx_controls_compute(words->value[word], vmx_requirements_controls(word, VMX_REQUIRED),
			     vmx_requirements_controls(word, VMX_USED) | chosen, &value, &lacking);
	return value;
}

static void compute_controls(struct vmx_capabilities *c, const struct vmx_words *words)
{
	c->pin = control(words, VMX_WORD_PIN, PIN_PREEMPTION_TIMER);
	c->primary = control(words, VMX_WORD_PRIMARY, PRIMARY_MONITOR_TRAP_FLAG);
	c->exit = control(words, VMX_WORD_EXIT, EXIT_SAVE_PREEMPTION_TIMER);
	c->entry = control(words, VMX_WORD_ENTRY, 0);
	c->secondary = control(words, VMX_WORD_SECONDARY, 0);
	c->monitor_trap = c->primary & PRIMARY_MONITOR_TRAP_FLAG;
	c->primary &= ~(PRIMARY_WINDOWS | PRIMARY_MONITOR_TRAP_FLAG);
	c->entry &= ~ENTRY_IA32E_MODE_GUEST; /* guests start in protected mode */
	c->ept = c->secondary & SECONDARY_ENABLE_EPT;
	c->unrestricted_guest = c->secondary & SECONDARY_UNRESTRICTED_GUEST;
	if (!(c->ept_vpid & VPID_CAP_INVVPID) ||
	    !(c->ept_vpid & (VPID_CAP_INVVPID_SINGLE | VPID_CAP_INVVPID_ALL)))
		c->secondary &= ~SECONDARY_ENABLE_VPID;
}

static int lacks_preemption(const struct report *report, enum preemption wanted, bool broken)
{
	struct vmx_requirement row = {.key = "preemption", .remedy = "use preemption=auto"};

	if (wanted == PREEMPTION_VMX) {
		row.name = "the VMX-preemption timer of preemption=vmx";
	} else if (wanted == PREEMPTION_APIC) {
		row.name = "the local APIC timer of preemption=apic";
	} else {
		row.name = broken ? "a VMX-preemption timer that works, and a local APIC timer "
				    "instead"
				  : "the VMX-preemption timer, and a local APIC timer instead";
		row.remedy = "enable the local APIC in the BIOS setup, or use another CPU";
	}
	return missing(report, &row, 0);
}

/* What ends a guest's time: preemption=, or what works here. */
static int choose_preemption(struct vmx_capabilities *c, enum preemption wanted,
			     const struct report *report)
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
	return c->preemption == PREEMPTION_NONE ? lacks_preemption(report, wanted, broken) : 0;
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
static void choose_apicv(struct vmx_capabilities *c, const struct vmx_words *words, bool wanted)
{
	const uint32_t cr8 = PRIMARY_CR8_LOAD_EXITING | PRIMARY_CR8_STORE_EXITING;
	const uint32_t secondary = SECONDARY_VIRTUALIZE_APIC_ACCESSES |
				   SECONDARY_VIRTUALIZE_X2APIC_MODE |
				   SECONDARY_VIRTUAL_INTERRUPT_DELIVERY;
	uint64_t primary_msr = words->value[VMX_WORD_PRIMARY];
	uint64_t secondary_msr = words->value[VMX_WORD_SECONDARY];

	c->apicv = wanted && !c->nested && (primary_msr >> 32 & PRIMARY_USE_TPR_SHADOW) &&
		   !(primary_msr & cr8) && (secondary_msr >> 32 & secondary) == secondary;
	if (c->apicv)
		c->primary = (c->primary & ~cr8) | PRIMARY_USE_TPR_SHADOW;
}

int vmx_capabilities_derive(struct vmx_capabilities *c, const struct vmx_words *words,
			    const struct vmx_choice *choice, vmx_lacks *lacks, void *arg)
{
	const struct report report = {lacks, arg};
	int error = check_requirements(words, &report);

	c->vmx = vmx_word_known(words, VMX_WORD_BASIC);
	if (!c->vmx)
		return error;
	c->nested = words->value[VMX_WORD_CPUID] & CPUID_1_ECX_HYPERVISOR;
	c->revision = words->value[VMX_WORD_BASIC] & 0x7fffffff;
	c->preemption_shift = words->value[VMX_WORD_MISC] & 0x1f;
	c->cr0_fixed0 = words->value[VMX_WORD_CR0_FIXED0];
	c->cr0_fixed1 = words->value[VMX_WORD_CR0_FIXED1];
	c->cr4_fixed0 = words->value[VMX_WORD_CR4_FIXED0];
	c->cr4_fixed1 = words->value[VMX_WORD_CR4_FIXED1];
	c->ept_vpid = words->value[VMX_WORD_EPT_VPID];
	compute_controls(c, words);
	choose_apicv(c, words, choice->apicv);
	c->ple = choice->ple &&
		 (words->value[VMX_WORD_SECONDARY] >> 32 & SECONDARY_PAUSE_LOOP_EXITING);
	if (choose_preemption(c, choice->preemption, &report))
		error = -ENODEV;
	choose_ept_split(c, choice->multihit);
	return error;
}

static void tell(void *arg, const struct vmx_requirement *row, uint64_t value)
{
	(void)arg;
	if (row->word == VMX_WORD_FEATURE_CONTROL)
		log_error("VT-x is disabled by firmware: %s (IA32_FEATURE_CONTROL=0x%lx)",
			  row->remedy, value);
	else if (!strcmp(row->key, "vmx"))
		log_error("this machine has no VMX (CPUID.1:ECX.5=0): %s", row->remedy);
	else
		log_error("this CPU, or the hypervisor it is seen through, lacks %s: %s", row->name,
			  row->remedy);
}

/* SDM Vol. 3C 23.7: VMXON needs the lock bit and the enable bit. */
static void enable_in_feature_control(uint64_t value)
{
	if (!(value & FEATURE_CONTROL_LOCK))
		wrmsr(MSR_IA32_FEATURE_CONTROL,
		      value | FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX_OUTSIDE_SMX);
}

int vmx_capabilities_check(struct vmx_capabilities *own, const struct vmx_choice *choice)
{
	struct vmx_words words;
	int error;

	vmx_words_read(&words);
	error = vmx_capabilities_derive(own, &words, choice, tell, NULL);
	if (own->vmx)
		enable_in_feature_control(words.value[VMX_WORD_FEATURE_CONTROL]);
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
