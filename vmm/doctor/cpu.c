#include "vmm/doctor/cpu.h"

#include "boot/leftovers.h"
#include "lib/array.h"
#include "lib/signature.h"
#include "lib/string.h"
#include "vmm/doctor/speculation.h"
#include "vmx/preemption.h"

#define APIC_BASE_FIRST	 BIT(8) /* it is the CPU that firmware began on */
#define APIC_BASE_X2APIC BIT(10)
#define APIC_BASE_ENABLE BIT(11)

#define MISC_ENABLE_LIMIT_CPUID BIT(22)
#define MISC_ENABLE_XD_DISABLE	BIT(34)

static void examine_identity(struct findings *f, const struct cpu_facts *facts)
{
	uint32_t signature = facts->signature;

	finding_say(f, "cpu", "vendor", 1, "%s", facts->vendor);
	finding_say(f, "cpu", "family", signature_family(signature), "%u",
		    signature_family(signature));
	finding_say(f, "cpu", "model", signature_model(signature), "0x%x",
		    signature_model(signature));
	finding_say(f, "cpu", "stepping", signature & 0xf, "%u", signature & 0xf);
	finding_say(f, "cpu", "microcode", facts->microcode.value, "0x%lx", facts->microcode.value);
	if (!facts->microcode.there)
		f->row[f->count - 1].verdict = VERDICT_UNKNOWN;
	finding_add(f, "cpu", "nested", FINDING_TOLD, facts->leaf1.ecx & CPUID_1_ECX_HYPERVISOR);
	finding_say(f, "cpu", "physical-bits", facts->extended8.eax & 0xff, "%u",
		    facts->extended8.eax & 0xff);
}

static void examine_vmx(struct findings *f, const struct cpu_facts *facts, bool required)
{
	for (const struct vmx_requirement *row = vmx_requirements; row->key; row++) {
		struct finding *finding;

		if ((row->need == VMX_REQUIRED) != required)
			continue;
		finding = finding_add(f, required ? "required" : "optional", row->key,
				      required ? FINDING_REQUIRED : FINDING_OPTIONAL,
				      vmx_requirement_met(row, &facts->vmx));
		finding->value = facts->vmx.value[row->word];
		finding->remedy = row->remedy;
		if (!vmx_word_known(&facts->vmx, row->word))
			finding->verdict = VERDICT_UNKNOWN;
		else if (!finding->there && row->word == VMX_WORD_FEATURE_CONTROL)
			finding->verdict = VERDICT_OFF;
	}
}

static void examine_preemption(struct findings *f, const struct cpu_facts *facts)
{
	struct finding *row = finding_add(f, "required", "preemption", FINDING_REQUIRED,
					  facts->capabilities.preemption != PREEMPTION_NONE);

	row->value = facts->capabilities.preemption;
	row->remedy = facts->preemption_remedy;
	if (!facts->capabilities.vmx)
		row->verdict = VERDICT_UNKNOWN;
	else
		copy_string(row->text, sizeof(row->text),
			    preemption_name(facts->capabilities.preemption));
}

static void examine_required(struct findings *f, const struct cpu_facts *facts)
{
	finding_add(f, "required", "nx", FINDING_REQUIRED, facts->nx)->remedy =
		"enable Execute Disable in the firmware setup, or use a CPU that has NX";
	examine_vmx(f, facts, true);
	examine_preemption(f, facts);
}

static void examine_apic(struct findings *f, const struct cpu_facts *facts)
{
	bool on = facts->apic_base & APIC_BASE_ENABLE, x2apic = facts->apic_base & APIC_BASE_X2APIC;
	uint32_t mode = on + 2 * x2apic;
	static const char *const name[] = {"off", "xapic", "bad", "x2apic"};

	finding_say(f, "apic", "apic", mode, "%s", name[mode]);
	finding_add(f, "apic", "x2apic", FINDING_OPTIONAL, facts->leaf1.ecx & BIT(21));
	finding_add(f, "apic", "deadline", FINDING_OPTIONAL, facts->leaf1.ecx & BIT(24));
	finding_say(f, "apic", "id", facts->apic_id, "%u", facts->apic_id);
	f->row[f->count - 1].own = true;
}

static void examine_tsc(struct findings *f, const struct cpu_facts *facts)
{
	finding_add(f, "tsc", "invariant", FINDING_OPTIONAL, facts->extended7.edx & BIT(8))
		->remedy = "it may change its speed, and time in guests with it";
	finding_add(f, "tsc", "adjust", FINDING_OPTIONAL, facts->tsc_adjust.there)->quiet = true;
}

/* Registers that no guest is shown, and the bytes of their state. */
static void add_hidden(struct findings *f, const char *name, bool there, uint32_t bytes)
{
	if (there)
		finding_say(f, "fpu", name, bytes, "%u", bytes);
	else
		finding_add(f, "fpu", name, FINDING_TOLD, false);
}

static void examine_fpu(struct findings *f, const struct cpu_facts *facts)
{
	static const struct {
		const char *name;
		uint32_t bit;
	} forms[] = {{"xsaveopt", 0}, {"xsavec", 1}, {"xsaves", 3}, {"xfd", 4}};
	uint64_t components = (uint64_t)facts->leaf_d.edx << 32 | facts->leaf_d.eax;

	finding_add(f, "fpu", "xsave", FINDING_OPTIONAL, facts->leaf1.ecx & BIT(26))->remedy =
		"guests have x87 and SSE only, saved by FXSAVE";
	for (uint32_t i = 0; i < ARRAY_SIZE(forms); i++)
		finding_add(f, "fpu", forms[i].name,
			    forms[i].bit < 4 ? FINDING_OPTIONAL : FINDING_TOLD,
			    facts->leaf_d1.eax >> forms[i].bit & 1);
	finding_say(f, "fpu", "has", components, "0x%lx", components);
	finding_say(f, "fpu", "bytes", facts->leaf_d.ecx, "%u", facts->leaf_d.ecx);
	add_hidden(f, "amx", facts->leaf7.edx & BIT(24), facts->amx_size);
	add_hidden(f, "apx", facts->leaf7_1.edx & BIT(21), facts->apx_size);
}

static void add_affected(struct findings *f, const char *name, bool affected)
{
	finding_say(f, "errata", name, affected, "%s", affected ? "affected" : "unaffected");
}

static void examine_errata(struct findings *f, const struct cpu_facts *facts)
{
	add_affected(f, "lazyfp", facts->lazyfp);
	add_affected(f, "multihit", facts->multihit);
	finding_add(f, "errata", "timer-counts-wrong", FINDING_TOLD,
		    preemption_timer_broken(facts->vendor, facts->signature));
}

static void add_left(struct findings *f, const char *name, bool left, uint64_t value)
{
	struct finding *row = finding_add(f, "left-on", name, FINDING_TOLD, left);

	row->value = value;
	row->has_value = true;
}

/* Each is undone at boot, or does no harm. */
static void examine_leftovers(struct findings *f, const struct cpu_facts *facts)
{
	uint64_t control = facts->vmx.value[VMX_WORD_FEATURE_CONTROL];
	uint64_t apic = facts->apic_base & ~APIC_BASE_FIRST;

	add_left(f, "nx-off", facts->misc_enable & MISC_ENABLE_XD_DISABLE, facts->misc_enable);
	add_left(f, "cpuid-limit", facts->misc_enable & MISC_ENABLE_LIMIT_CPUID,
		 facts->misc_enable);
	add_left(f, "apic-off", !(apic & APIC_BASE_ENABLE), apic);
	add_left(f, "x2apic", apic & APIC_BASE_X2APIC, apic);
	add_left(f, "vt-x-open",
		 vmx_word_known(&facts->vmx, VMX_WORD_FEATURE_CONTROL) &&
			 !(control & FEATURE_CONTROL_LOCK),
		 control);
	add_left(f, "tsc-adjust", facts->tsc_adjust.value, facts->tsc_adjust.value);
	add_left(f, "xss", facts->xss.value, facts->xss.value);
	add_left(f, "debugctl", facts->debugctl.value, facts->debugctl.value);
	add_left(f, "counters", facts->perf_global_ctrl.value, facts->perf_global_ctrl.value);
}

static void examine_likeness(struct findings *f, const struct cpu_facts *facts)
{
	struct finding *row;

	row = finding_add(f, "alike", "features", FINDING_OPTIONAL, !facts->unlike_bits);
	row->value = facts->unlike_bits;
	row->remedy = "a CPU that lacks features of the first one is left out";
	finding_add(f, "alike", "vmx", FINDING_OPTIONAL, facts->same_vmx)->remedy =
		"a CPU with other VMX than the first one is left out";
	finding_add(f, "alike", "mtrrs", FINDING_OPTIONAL, facts->same_mtrrs)->remedy =
		"a CPU with other MTRRs is left out: firmware has to set them alike";
	finding_add(f, "alike", "speculation", FINDING_OPTIONAL, facts->same_speculation)->remedy =
		"a CPU with other microcode is left out: update the firmware";
	row = finding_add(f, "alike", "tsc", FINDING_OPTIONAL,
			  facts->tsc_measured && !facts->tsc_ahead);
	row->value = (uint64_t)facts->tsc_ahead;
	row->remedy = "a CPU whose TSC cannot be set is left out";
	finding_say(f, "alike", "tsc-skew", (uint64_t)facts->tsc_found, "%ld", facts->tsc_found);
}

void doctor_examine_cpu(struct findings *findings, const struct cpu_facts *facts, bool several)
{
	examine_identity(findings, facts);
	examine_required(findings, facts);
	examine_vmx(findings, facts, false);
	finding_add(findings, "optional", "apicv", FINDING_OPTIONAL, facts->capabilities.apicv)
		->remedy = "a guest's EOI and accesses to TPR take exits";
	examine_apic(findings, facts);
	examine_tsc(findings, facts);
	examine_fpu(findings, facts);
	examine_errata(findings, facts);
	doctor_examine_speculation(findings, facts);
	examine_leftovers(findings, facts);
	if (several)
		examine_likeness(findings, facts);
}
