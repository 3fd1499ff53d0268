#include "vmm/exit/entry_trial.h"

#include <stddef.h>

#include "boot/memory.h"
#include "boot/trap.h"
#include "lib/array.h"
#include "lib/console.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/string.h"
#include "lib/x86.h"
#include "vmm/exit/dispatch.h"
#include "vmm/pcpu.h"
#include "vmm/vcpu_vmcs.h"
#include "vmx/checks/entry_bases.h"
#include "vmx/checks/entry_breaks.h"
#include "vmx/checks/entry_checks.h"
#include "vmx/checks/entry_here.h"
#include "vmx/entry.h"
#include "vmx/mitigate.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"
#include "vmx/vmx.h"

#define SAMPLE 11 /* of so many rows one */

#define ENTERED 0 /* beside the numbers of enum entry_stage, or another error or exit reason */

/* Host fields that Resident itself does not use, and a row may load. */
static const uint32_t unused_host_fields[] = {
	VMCS_HOST_IA32_PERF_GLOBAL_CTRL,
	VMCS_HOST_IA32_PKRS,
	VMCS_HOST_IA32_SPEC_CTRL,
	VMCS_HOST_IA32_S_CET,
	VMCS_HOST_SSP,
	VMCS_HOST_SSP_TABLE_ADDRESS,
};

struct trial {
	struct pcpu *pcpu;
	struct entry_target target;
	struct entry_source source;
	uint64_t cr0, cr4;	      /* the hypervisor's own */
	uint32_t rows, absent, every; /* of so many one is tried */
};

static bool write_field(void *arg, uint32_t field, uint64_t value)
{
	(void)arg;
	return vmcs_write_if_present(field, value);
}

static int allocate(struct trial *trial)
{
	struct vmcs *vmcs = vmcs_create();

	for (unsigned int i = 0; i < ENTRY_PAGES; i++) {
		trial->target.memory[i] = memory_alloc_page();
		trial->target.page[i] = (uint64_t)trial->target.memory[i];
		if (!trial->target.memory[i])
			return -ENOMEM;
	}
	if (!vmcs)
		return -ENOMEM;
	vmcs_make_current(vmcs);
	return 0;
}

static bool write_valid(struct trial *trial, const struct entry_break *row)
{
	vcpu_write_host_state(trial->pcpu);
	for (unsigned int i = 0; i < ARRAY_SIZE(unused_host_fields); i++)
		vmcs_write_if_present(unused_host_fields[i], 0);
	return entry_base_write(&trial->target, (enum entry_base)row->base) &&
	       entry_changes_make(&trial->target, row->valid);
}

/* What came with the exit; the host state that was loaded may be a broken one. */
static void clean_up(const struct trial *trial, uint64_t reason)
{
	uint32_t info = vmcs_read(VMCS_EXIT_INTERRUPTION_INFO);

	write_cr0(trial->cr0);
	write_cr4(trial->cr4);
	if (reason == EXIT_REASON_EXTERNAL_INTERRUPT && (info & INTERRUPTION_VALID))
		interrupt_handle(info & INTERRUPTION_VECTOR);
}

static unsigned int enter(struct trial *trial)
{
	static struct vmx_guest guest;
	static bool launched;
	struct vmx_outcome outcome;

	do { /* an NMI puts it off */
		guest.entries_left = 1;
		outcome = vmx_way.enter(&guest, launched);
	} while (outcome.result == VMX_ASKED);
	if (outcome.result != VMX_EXITED)
		return vmcs_read(VMCS_INSTRUCTION_ERROR);
	clean_up(trial, outcome.reason);
	if (outcome.reason & EXIT_REASON_ENTRY_FAILURE)
		return outcome.reason & 0xffff;
	launched = true;
	return ENTERED;
}

/*
 * What the rules say: at which stage the entry fails, if it does; and the rule that is broken, the
 * one that is `wanted` if it is among them.
 */
static const struct entry_rule *judge(struct trial *trial, const char *wanted, unsigned int *stage)
{
	struct entry_finding found[16];
	size_t count = entry_checks_find(&trial->source, found, ARRAY_SIZE(found));

	*stage = count ? found[0].rule->stage : ENTERED;
	for (size_t i = 0; i < count && i < ARRAY_SIZE(found); i++)
		if (!strcmp(found[i].rule->name, wanted))
			return found[i].rule;
	return count ? found[0].rule : NULL;
}

/* As in the records: "enters", or the error or exit reason. */
static const char *verdict(char text[16], unsigned int number)
{
	if (number == ENTERED)
		return "enters";
	format(text, 16, "%u", number);
	return text;
}

static const struct entry_rule *rule_called(const char *name)
{
	const struct entry_rule *rule;

	for (size_t i = 0; (rule = entry_rule_at(i)); i++)
		if (!strcmp(rule->name, name))
			break;
	return rule;
}

/* False: the CPU does not have what it takes to break this rule. */
static bool try_row(struct trial *trial, const struct entry_break *row,
		    const struct entry_rule *rule, unsigned int way)
{
	const struct entry_rule *before, *fired;
	unsigned int cpu_before, cpu, rules;
	char text[3][16];
	uint64_t value;

	if (!entry_fact_holds(trial->target.cpu, (enum entry_fact)row->fact) ||
	    !write_valid(trial, row))
		return false;
	trial->source.failed = false;
	before = judge(trial, row->rule, &rules);
	cpu_before = enter(trial);
	write_valid(trial, row); /* the exit has written the guest's state */
	if (!entry_changes_make(&trial->target, row->broken))
		return false;
	trial->source.failed = true;
	fired = judge(trial, row->rule, &rules);
	value = vmcs_read_if_present(rule->field);
	cpu = enter(trial);
	record("entry-check rule=%s way=%u section=%s field=%s value=0x%lx before=%s "
	       "before_rule=%s fired=%s rules=%s cpu=%s",
	       row->rule, way, rule->section, rule->field_name, value, verdict(text[0], cpu_before),
	       before ? before->name : "none", fired ? fired->name : "none",
	       verdict(text[1], rules), verdict(text[2], cpu));
	return true;
}

/* Some rules have several rows: by number, from 1 on. */
static unsigned int way_of(size_t number)
{
	const struct entry_break *row = entry_break_at(number);
	unsigned int way = 1;

	for (size_t i = 0; i < number; i++)
		way += !strcmp(entry_break_at(i)->rule, row->rule);
	return way;
}

static void try_all(struct trial *trial)
{
	const struct entry_break *row;

	for (size_t i = 0; (row = entry_break_at(i)); i++) {
		const struct entry_rule *rule = rule_called(row->rule);

		if (i % trial->every)
			continue;
		trial->rows++;
		if (try_row(trial, row, rule, way_of(i)))
			continue;
		trial->absent++;
		record("entry-check rule=%s way=%u section=%s field=%s cpu=absent", row->rule,
		       way_of(i), rule->section, rule->field_name);
	}
}

static void print_rules(void)
{
	const struct entry_rule *rule;

	for (size_t i = 0; (rule = entry_rule_at(i)); i++)
		print("rule %s: %s\n", rule->name, rule->should);
}

int entry_trial(struct pcpu *pcpu, bool sample)
{
	struct trial trial = {
		.pcpu = pcpu,
		.cr0 = read_cr0(),
		.cr4 = read_cr4(),
		.every = sample ? SAMPLE : 1,
	};

	if (allocate(&trial)) {
		log_error("no memory to try VM entries");
		return -ENOMEM;
	}
	entry_here_source(&trial.source, false);
	trial.target.cpu = &trial.source.cpu;
	trial.target.current_vmcs = trial.source.current_vmcs;
	trial.target.write = write_field;
	trial.target.read = trial.source.read;
	exit_watch(true); /* every exit comes back from vmx_enter() */
	if (!sample)
		print_rules();
	try_all(&trial);
	record("entry-trial rows=%u absent=%u", trial.rows, trial.absent);
	return 0;
}
