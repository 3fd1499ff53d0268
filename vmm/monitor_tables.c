#include "vmm/monitor_tables.h"

#include <stddef.h>
#include <stdint.h>

#include "boot/clock.h"
#include "fpu/policy.h"
#include "lib/array.h"
#include "lib/console.h"
#include "lib/format.h"
#include "lib/string.h"
#include "vmm/focus.h"
#include "vmm/monitor_guests.h"
#include "vmm/online.h"
#include "vmm/output.h"
#include "vmm/pcpu.h"
#include "vmm/vm.h"

#define ROWS_MAX  16 /* a call: some ten microseconds */
#define NAME_SIZE (VM_NAME_SIZE + 8)

/* A value that another CPU may change: it is read here, and not again. */
#define ONCE(value) (*(volatile __typeof__(value) *)&(value))

/* vCPUs and CPUs are never freed, so a pointer to one stays good, whatever it pointed to before. */
static const char *vcpu_name(char *name, const struct vcpu *vcpu)
{
	if (!vcpu)
		return "-";
	format(name, NAME_SIZE, "%s/%u", vcpu->vm->config.name, vcpu->id);
	return name;
}

static const char *cpu_number(char *number, size_t size, const struct pcpu *pcpu)
{
	if (!pcpu)
		return "-";
	format(number, size, "%u", pcpu->cpu.id);
	return number;
}

static bool vms_row(uint32_t index)
{
	struct vm *vm = vm_at(index);
	uint64_t ran = 0, khz = clock_tsc_khz();

	if (index >= vms_count())
		return false;
	for (uint32_t i = 0; i < vm->vcpu_count; i++)
		ran += ONCE(vm->vcpu[i]->ran);
	print("%-16s %-9s %7lu %5u %5u %9lu %9lu %s\n", vm->config.name, vm_state_name(vm),
	      vm->config.memory >> 20, vm->vcpu_count, ONCE(vm->runs), ran / khz,
	      ONCE(vm->debt) * 1000 / khz, vm == focus_vm() ? "focus" : "-");
	return true;
}

static struct vcpu *vcpu_by_index(uint32_t index)
{
	for (uint32_t i = 0; i < vms_count(); i++) {
		struct vm *vm = vm_at(i);

		if (index < vm->vcpu_count)
			return vm->vcpu[index];
		index -= vm->vcpu_count;
	}
	return NULL;
}

static bool vcpus_row(uint32_t index)
{
	static const char *const states[] = {"stopped", "runnable", "halted", "waits"};
	static const char *const fpu_states[] = {"open", "armed", "guarded"};
	struct vcpu *vcpu = vcpu_by_index(index);
	const struct fpu_cpu *home;
	char name[NAME_SIZE], at[8], here[8], home_id[8];

	if (!vcpu)
		return false;
	home = ONCE(vcpu->fpu.context.home);
	format(home_id, sizeof(home_id), "%u", home ? home->id : 0);
	print("%-18s %-8s %3s %3s %4s %-7s %8lu %8lu\n", vcpu_name(name, vcpu),
	      states[ONCE(vcpu->state)], cpu_number(at, sizeof(at), vcpu->at),
	      cpu_number(here, sizeof(here), ONCE(vcpu->pcpu)), home ? home_id : "-",
	      fpu_states[ONCE(vcpu->fpu.context.state)], ONCE(vcpu->switches), ONCE(vcpu->moves));
	return true;
}

static bool cpus_row(uint32_t index)
{
	struct vcpu *runs;
	struct pcpu *pcpu;
	char name[NAME_SIZE];

	if (index >= cpus_count())
		return false;
	pcpu = pcpu_at(index);
	runs = pcpu->turn;
	runs = runs ? runs : ONCE(pcpu->scheduled);
	print("%3u %4u %-7s %-18s %7u %8u %10lu %9lu %7lu %7lu %7lu\n", index, pcpu->cpu.apic_id,
	      online_is(pcpu) ? "online" : "offline", vcpu_name(name, runs),
	      ONCE(pcpu->queue.waiting), ONCE(pcpu->queue.sleepers),
	      ONCE(pcpu->fpu.counters.entries), ONCE(pcpu->switches), ONCE(pcpu->moves_in),
	      ONCE(pcpu->mail.nmis), ONCE(pcpu->idles));
	return true;
}

/* Whose registers a CPU's are. */
static const char *owner_name(char *name, struct pcpu *pcpu)
{
	const struct fpu_context *owner = ONCE(pcpu->fpu.owner);

	if (owner == &pcpu->fpu.host)
		return "host";
	if (owner)
		owner = (const struct fpu_context *)((const char *)owner -
						     offsetof(struct vcpu, fpu.context));
	return vcpu_name(name, (const struct vcpu *)owner);
}

static bool fpu_row(uint32_t index)
{
	struct pcpu *pcpu;
	struct fpu_counters *c;
	char name[NAME_SIZE], residue[16] = "initial";
	uint32_t domain;

	if (index >= cpus_count())
		return false;
	pcpu = pcpu_at(index);
	c = &pcpu->fpu.counters;
	domain = ONCE(pcpu->fpu.residue);
	if (domain == FPU_DOMAIN_HOST)
		copy_string(residue, sizeof(residue), "host");
	else if (domain != FPU_RESIDUE_INITIAL)
		format(residue, sizeof(residue), "%u", domain);
	print("%3u %-18s %-5s %-7s %-6s %8lu %8lu %8lu\n", index, owner_name(name, pcpu),
	      ONCE(pcpu->fpu.dirty) ? "yes" : "no", residue,
	      fpu_policy_name(ONCE(pcpu->fpu.policy)), ONCE(c->saves), ONCE(c->loads),
	      ONCE(c->flushes));
	return true;
}

static const struct table {
	const char *name, *heading;
	bool (*row)(uint32_t index); /* prints it; false: there are no more */
	void (*begin)(void); /* what follows is NULL for a table that has nothing to wait for */
	bool (*ready)(void); /* for the next row */
} tables[] = {
	{"vms", "vm               state      mem_mb vcpus  runs    cpu_ms   debt_us focus\n",
	 vms_row, NULL, NULL},
	{"vcpus", "vcpu               state     at has home fpu     switches    moves\n", vcpus_row,
	 NULL, NULL},
	{"cpus",
	 "cpu apic state   runs               waiting sleeping    entries  switches   moves   "
	 "kicks   idles\n",
	 cpus_row, NULL, NULL},
	{"fpu", "cpu owner              dirty residue policy    saves    loads  flushes\n", fpu_row,
	 NULL, NULL},
	{"guests", "Watching all guests for some milliseconds\n", monitor_guests_row,
	 monitor_guests_begin, monitor_guests_ready},
};

/* That is being printed, or NULL; by the first CPU. */
static const struct table *table;
static uint32_t next_row;

bool monitor_table_waits(void)
{
	return table;
}

void monitor_table_go_on(void)
{
	for (int i = 0; table && i < ROWS_MAX && output_own_has_room(); i++) {
		if (table->ready && !table->ready())
			return;
		if (!table->row(next_row++))
			table = NULL;
	}
}

void monitor_table_begin(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		if (!strcmp(name, tables[i].name))
			table = &tables[i];
	print("%s", table->heading);
	next_row = 0;
	if (table->begin)
		table->begin();
	monitor_table_go_on();
}
