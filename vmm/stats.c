#include "fpu/policy.h"
#include "lib/console.h"
#include "lib/format.h"
#include "lib/x86.h"
#include "vmm/hypercall.h"
#include "vmm/pcpu.h"
#include "vmm/stats.h"
#include "vmm/vm.h"
#include "vmx/names.h"

/* What tells of others. */
static void add_whole_cpu(const struct pcpu *pcpu, struct hypercall_stats *stats)
{
	const struct fpu_counters *cpu = &pcpu->fpu.counters;

	stats->cpu_entries = cpu->entries;
	stats->cpu_resident = fpu_resident_entries(cpu);
	stats->cpu_armed = cpu->armed;
	stats->cpu_nm = cpu->nm;
	stats->cpu_saves = cpu->saves;
	stats->cpu_loads = cpu->loads;
	stats->cpu_host = cpu->host;
	stats->cpu_xcr0 = cpu->xcr0;
	stats->cpu_ts_writes = cpu->ts_writes;
	stats->cpu_bytes = cpu->bytes;
	stats->cpu_switches = pcpu->switches;
	stats->cpu_scrubs = cpu->scrubs;
	stats->cpu_preloads = cpu->preloads;
	stats->cpu_samples = cpu->samples;
	stats->cpu_tiles = pcpu->tile_moves;
	stats->cpu_policy = pcpu->fpu.policy;
	stats->cpu_tsc = rdtsc();
	stats->cpu_guest_tsc = pcpu->guest_tsc;
	stats->vms_running = vms_in_state(VM_RUNNING);
	stats->vms_settling =
		vms_in_state(VM_CLEARING) + vms_in_state(VM_RESETTING) + vms_in_state(VM_ENDING);
}

void stats_snapshot(const struct pcpu *pcpu, const struct vcpu *vcpu, struct hypercall_stats *stats)
{
	const struct fpu_counters *own = &vcpu->fpu.context.counters;

	*stats = (struct hypercall_stats){
		.own_entries = own->entries,
		.own_nm = own->nm,
		.own_saves = own->saves,
		.own_loads = own->loads,
		.own_state = (uint64_t)vcpu->fpu.context.state,
		.own_switches = vcpu->switches,
	};
	if (vcpu->vm->config.control)
		add_whole_cpu(pcpu, stats);
}

/* The part that all @fpu records share. `where` names what it is a record of. */
static void print_fpu_record(const struct pcpu *pcpu, const char *where)
{
	const struct fpu_counters *c = &pcpu->fpu.counters;

	record("fpu cpu=%u%s policy=%s entries=%lu resident=%lu armed=%lu nm=%lu saves=%lu "
	       "loads=%lu scrubs=%lu preloads=%lu samples=%lu host=%lu xcr0=%lu "
	       "ts_writes=%lu flushes=%lu bytes=%lu switches=%lu",
	       pcpu->cpu.id, where, fpu_policy_name(pcpu->fpu.policy), c->entries,
	       fpu_resident_entries(c), c->armed, c->nm, c->saves, c->loads, c->scrubs, c->preloads,
	       c->samples, c->host, c->xcr0, c->ts_writes, c->flushes, c->bytes, pcpu->switches);
}

void stats_print_snapshot(const struct pcpu *pcpu, const struct vcpu *vcpu, uint32_t label)
{
	char where[64];

	format(where, sizeof(where), " snapshot=%u vm=%s", label, vcpu->vm->config.name);
	print_fpu_record(pcpu, where);
}

static void print_row(const char *name, const struct fpu_counters *c)
{
	print("%-16s %10lu %10lu %10lu %8lu %8lu %8lu %10lu\n", name, c->entries,
	      fpu_resident_entries(c), c->armed, c->nm, c->saves, c->loads, c->ts_writes);
}

static void print_table(void)
{
	char name[VM_NAME_SIZE + 16];
	uint64_t sections = 0, switches = 0, moves = 0;

	print("\nFPU ownership, policy %s: what each physical CPU and each guest cost\n",
	      fpu_policy_name(this_pcpu()->fpu.policy));
	print("%-16s %10s %10s %10s %8s %8s %8s %10s\n", "", "entries", "resident", "armed", "#NM",
	      "saves", "loads", "TS toggles");
	for (uint32_t i = 0; i < cpus_count(); i++) {
		const struct pcpu *pcpu = pcpu_at(i);

		format(name, sizeof(name), "CPU %u", i);
		print_row(name, &pcpu->fpu.counters);
		sections += pcpu->fpu.counters.host;
		switches += pcpu->switches;
		moves += pcpu->moves_in;
	}
	for (uint32_t i = 0; i < vms_count(); i++) {
		const struct vm *vm = vm_at(i);

		for (uint32_t n = 0; n < vm->vcpu_count; n++) {
			format(name, sizeof(name), n ? "  %s/%u" : "  %s", vm->config.name, n);
			print_row(name, &vm->vcpu[n]->fpu.context.counters);
		}
	}
	print("entries: VM entries; resident: of these, with the guest's state found in the "
	      "registers;\narmed: with CR0.TS forced; #NM: exits that a forced TS caused; "
	      "saves, loads: XSAVE and\nXRSTOR; TS toggles: VMCS writes for CR0.TS and the #NM "
	      "intercept.\n");
	if (cpus_count() == 1)
		print("The CPU ran %lu host sections (the hypervisor's own vector code) and "
		      "switched %lu times\nfrom one guest to another.\n\n",
		      sections, switches);
	else
		print("The CPUs ran %lu host sections (the hypervisor's own vector code), switched "
		      "%lu times\nfrom one guest to another, and took %lu times a guest over from "
		      "another CPU.\n\n",
		      sections, switches, moves);
}

static void print_vm_records(const struct vm *vm)
{
	if (vm->unhandled_io)
		record("io vm=%s unhandled=%lu", vm->config.name, vm->unhandled_io);
	if (vm->holes.accesses)
		record("holes vm=%s accesses=%lu pages=%u", vm->config.name, vm->holes.accesses,
		       vm->holes.count);
	if (vm->ept.splits)
		record("ept vm=%s splits=%lu pages_1g=%lu pages_2m=%lu pages_4k=%lu",
		       vm->config.name, vm->ept.splits, vm->ept.pages_1g, vm->ept.pages_2m,
		       vm->ept.pages_4k);
}

static void print_context_record(const struct vm *vm, const struct vcpu *vcpu)
{
	const struct fpu_counters *c = &vcpu->fpu.context.counters;

	record("fpuctx vm=%s vcpu=%u moves=%lu flushes=%lu entries=%lu resident=%lu armed=%lu "
	       "nm=%lu loads=%lu "
	       "saves=%lu scrubs=%lu preloads=%lu samples=%lu ts_writes=%lu",
	       vm->config.name, vcpu->id, vcpu->moves, c->flushes, c->entries,
	       fpu_resident_entries(c), c->armed, c->nm, c->loads, c->saves, c->scrubs, c->preloads,
	       c->samples, c->ts_writes);
}

#define STEPS (EXIT_REASON_COUNT + 1) /* for each vCPU: its exits, and the rest */

bool stats_print_vm_next(const struct vm *vm, unsigned int *next)
{
	while (*next < vm->vcpu_count * STEPS) {
		const struct vcpu *vcpu = vm->vcpu[*next / STEPS];
		unsigned int reason = (*next)++ % STEPS;

		if (reason == EXIT_REASON_COUNT) {
			if (!vcpu->id)
				print_vm_records(vm);
			print_context_record(vm, vcpu);
			return true;
		}
		if (!vcpu->guest.exits[reason])
			continue;
		record("exit vm=%s vcpu=%u reason=%s count=%lu", vm->config.name, vcpu->id,
		       exit_reason_name(reason), vcpu->guest.exits[reason]);
		return true;
	}
	return false;
}

static void print_vm(const struct vm *vm)
{
	unsigned int next = 0;

	while (stats_print_vm_next(vm, &next))
		;
}

static void print_cpu(const struct pcpu *pcpu)
{
	record("cpu cpu=%u tsc=%lu guest_tsc=%lu idles=%lu interrupts=%lu nmis=%lu nmi_exits=%lu "
	       "nmi_first=%lu kicks=%lu moves=%lu pulls=%lu spared=%lu tiles=%lu",
	       pcpu->cpu.id, rdtsc(), pcpu->guest_tsc, pcpu->idles, pcpu->cpu.interrupt_count,
	       pcpu->cpu.nmi_count, pcpu->nmi_exits, pcpu->nmi_first, pcpu->mail.nmis,
	       pcpu->moves_in, pcpu->pulls, pcpu->spared, pcpu->tile_moves);
	print_fpu_record(pcpu, "");
}

void stats_print(bool table)
{
	if (table)
		print_table();
	for (uint32_t i = 0; i < vms_count(); i++)
		print_vm(vm_at(i));
	for (uint32_t i = 0; i < cpus_count(); i++)
		print_cpu(pcpu_at(i));
}
