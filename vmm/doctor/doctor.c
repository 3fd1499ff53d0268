#include "vmm/doctor/doctor.h"

#include <stdbool.h>
#include <stddef.h>

#include "boot/bootinfo.h"
#include "boot/cpu.h"
#include "boot/machine.h"
#include "boot/paging.h"
#include "boot/power.h"
#include "boot/smp.h"
#include "fpu/features.h"
#include "fpu/lazyfp.h"
#include "lib/console.h"
#include "lib/format.h"
#include "lib/signature.h"
#include "lib/string.h"
#include "vmm/doctor/cpu.h"
#include "vmm/doctor/facts.h"
#include "vmm/doctor/findings.h"
#include "vmm/doctor/hazards.h"
#include "vmm/doctor/machine.h"
#include "vmm/doctor/page.h"
#include "vmm/doctor/speculation.h"
#include "vmm/options.h"
#include "vmm/pcpu.h"
#include "vmm/start.h"
#include "vmm/version.h"
#include "vmx/mitigate.h"
#include "vmx/multihit.h"

#define DIFFERENT_MAX 3 /* CPUs whose differences the page has room for */

/* Written by each CPU at its number, while the first one waits for it. */
static struct cpu_facts facts[MAX_CPUS];
static struct vmx_choice choice;

/* The first CPU's alone. */
static struct findings first, other, machine;

void doctor_look(const struct cpu *cpu, const struct boot_info *info)
{
	facts_read(&facts[0], cpu);
	doctor_look_at_memory(info);
}

static void note_preemption(void *arg, const struct vmx_requirement *row, uint64_t value)
{
	struct cpu_facts *own = (struct cpu_facts *)arg;

	(void)value;
	if (!strcmp(row->key, "preemption"))
		own->preemption_remedy = row->remedy;
}

/* What the boot makes of it. On its CPU. */
static void judge(struct cpu_facts *own)
{
	vmx_capabilities_derive(&own->capabilities, &own->vmx, &choice, note_preemption, own);
	own->lazyfp = lazyfp_affects(own->vendor, own->signature);
	own->multihit = multihit_affects(own->vendor, own->signature, own->arch_capabilities.value);
}

static void compare(struct cpu_facts *own)
{
	own->same_vmx =
		!memcmp(&own->capabilities, &facts[0].capabilities, sizeof(own->capabilities));
	own->same_mtrrs = own == &facts[0] || paging_same_types();
	own->same_speculation = mitigate_suits();
	if (!alike_missing(&facts[0].alike, &own->alike, &own->unlike_word, &own->unlike_bits))
		own->unlike_bits = 0;
}

static void other_cpu(struct cpu *cpu)
{
	struct cpu_facts *own = &facts[cpu->id];

	start_enter((struct pcpu *)cpu);
	paging_init_cpu();
	facts_read(own, cpu);
	judge(own);
	compare(own);
	own->tsc_measured = start_measure_tsc(cpu, &own->tsc_found, &own->tsc_ahead);
	smp_reach(cpu, CPU_STARTS, CPU_UP);
}

static void examine(struct findings *findings, uint32_t cpu)
{
	findings->count = 0;
	doctor_examine_cpu(findings, &facts[cpu], cpus_count() > 1);
}

static void record_row(const char *cpu, const struct finding *row)
{
	record("cap cpu=%s group=%s name=%s required=%u there=%u value=0x%lx%s%s verdict=%s", cpu,
	       row->group, row->name, row->kind == FINDING_REQUIRED, row->there, row->value,
	       row->text[0] ? " text=" : "", row->text, finding_verdict_name(row->verdict));
}

static bool same_everywhere(uint32_t index)
{
	for (uint32_t cpu = 1; cpu < cpus_count(); cpu++) {
		examine(&other, cpu);
		if (!finding_same(&first.row[index], &other.row[index]))
			return false;
	}
	return true;
}

/* What all CPUs have alike is one record. */
static void record_all(void)
{
	for (uint32_t i = 0; i < first.count; i++) {
		if (same_everywhere(i)) {
			record_row("all", &first.row[i]);
			continue;
		}
		for (uint32_t cpu = 0; cpu < cpus_count(); cpu++) {
			char number[8];

			format(number, sizeof(number), "%u", cpu);
			examine(&other, cpu);
			record_row(number, &other.row[i]);
		}
	}
	for (uint32_t i = 0; i < machine.count; i++)
		record_row("all", &machine.row[i]);
	doctor_record_memory();
}

static void explain(void)
{
	for (uint32_t i = 0; i < first.count; i++) {
		const struct finding *row = &first.row[i];

		if (row->kind == FINDING_OPTIONAL && row->verdict == VERDICT_MISSING &&
		    row->remedy && strcmp(row->group, "speculation"))
			print("without %s: %s\n", row->name, row->remedy);
	}
	doctor_explain_speculation(&facts[0]);
	doctor_explain_hazards(mitigations());
}

/* How many, and which is the first. */
static uint32_t count_forbidding(const struct findings *findings, const struct finding **reason)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < findings->count; i++) {
		if (!finding_forbids(&findings->row[i]))
			continue;
		if (!*reason)
			*reason = &findings->row[i];
		count++;
	}
	return count;
}

/* CPUs that are not like the first, or lack something, are left out. */
static bool is_left_out(const struct findings *findings)
{
	for (uint32_t i = 0; i < findings->count; i++)
		if (finding_forbids(&findings->row[i]) ||
		    (!strcmp(findings->row[i].group, "alike") && !findings->row[i].there))
			return true;
	return false;
}

static bool differs(void)
{
	for (uint32_t i = 0; i < first.count; i++)
		if (finding_tells_apart(&first.row[i], &other.row[i]))
			return true;
	return false;
}

/* Of the first few, for want of room; returns how many CPUs guests can have. */
static uint32_t print_differences(void)
{
	uint32_t usable = 1, different = 0;

	for (uint32_t cpu = 1; cpu < cpus_count(); cpu++) {
		bool left_out;

		examine(&other, cpu);
		left_out = is_left_out(&other);
		usable += !left_out;
		if (differs() && different++ < DIFFERENT_MAX)
			page_print_difference(cpu, left_out, &first, &other);
	}
	if (different > DIFFERENT_MAX)
		print("%u CPUs more are different: see the @cap records\n",
		      different - DIFFERENT_MAX);
	return usable;
}

/* What a user pastes into docs/machines.md. True: guests would run. */
static bool print_line(const struct boot_info *info, uint32_t usable)
{
	const struct cpu_facts *own = &facts[0];
	const struct vmx_capabilities *c = &own->capabilities;
	const struct finding *reason = NULL;
	uint32_t lacking = count_forbidding(&first, &reason) + count_forbidding(&machine, &reason);

	print("Resident " RESIDENT_VERSION " doctor: cpu=\"%s\" family=%u model=0x%x stepping=%u "
	      "microcode=0x%lx cpus=%u vmx=%u ept=%u ug=%u apicv=%u xsave=%s lazyfp=%u "
	      "multihit=%u firmware=%s machine=%s verdict=",
	      own->brand[0] ? own->brand : own->vendor, signature_family(own->signature),
	      signature_model(own->signature), own->signature & 0xf, own->microcode.value, usable,
	      c->vmx, c->ept, c->unrestricted_guest, c->apicv,
	      fpu_features()->works ? fpu_features()->method_name : "none", own->lazyfp,
	      own->multihit, info->efi ? "uefi" : "bios", machine_name());
	if (!reason) {
		print("runs\n");
		return true;
	}
	print("\"does not run: %s is %s", reason->name, finding_verdict_name(reason->verdict));
	if (lacking > 1)
		print(", and %u more", lacking - 1);
	print("\"\n");
	return false;
}

void doctor_tell(const struct options *options, const struct boot_info *info,
		 const struct acpi *acpi)
{
	uint32_t usable;

	choice = start_choice(options);
	judge(&facts[0]);
	compare(&facts[0]);
	facts[0].tsc_measured = true;
	cpu_add(this_cpu());
	if (acpi)
		start_each(other_cpu, options->maxcpus, acpi, info);
	examine(&first, 0);
	doctor_examine_machine(&machine, info, acpi);
	doctor_examine_hazards(&machine, mitigations());
	record_all();
	explain();
	print("What this machine has. !x: missing, and needed; -x: missing; ?3: 3 not known;\n"
	      "+3: 3 that are needed are there; -3: 3 are missing\n");
	page_print(&first, &machine);
	usable = print_differences();
	page_print_remedies(&first);
	page_print_remedies(&machine);
	power_end_shown(!print_line(info, usable));
}
