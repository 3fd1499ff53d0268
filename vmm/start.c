#include "vmm/start.h"

#include "boot/acpi.h"
#include "boot/alike.h"
#include "boot/apic.h"
#include "boot/bootinfo.h"
#include "boot/clock.h"
#include "boot/layout.h"
#include "boot/leftovers.h"
#include "boot/machine_check.h"
#include "boot/madt.h"
#include "boot/memory.h"
#include "boot/mp_table.h"
#include "boot/paging.h"
#include "boot/protect.h"
#include "boot/smp.h"
#include "boot/trap.h"
#include "boot/tsc_step.h"
#include "fpu/detect.h"
#include "fpu/features.h"
#include "fpu/lazyfp.h"
#include "fpu/trace.h"
#include "lib/console.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "lib/x86.h"
#include "vmm/options.h"
#include "vmm/pcpu.h"
#include "vmm/sched/enter.h"
#include "vmm/sched/run.h"
#include "vmm/switch.h"
#include "vmx/capabilities.h"
#include "vmx/mitigate.h"
#include "vmx/vmx.h"

#define APIC_IDS_MAX 1024 /* that firmware may name */

/* Written by the first CPU, before it starts another. */
static const struct options *options;
static struct alike first_has; /* of the first CPU, as what follows */
static uint64_t first_cr0, first_cr4;

struct vmx_choice start_choice(const struct options *options)
{
	return (struct vmx_choice){
		.preemption = (enum preemption)options->preemption,
		.multihit = (enum multihit)options->multihit,
		.apicv = options->apicv,
		.ple = options->ple,
	};
}

void start_enter(struct pcpu *pcpu)
{
	cpu_enter(&pcpu->cpu);
	trap_init_cpu();
	leftovers_undo_cpu(&pcpu->cpu.leftovers);
	protect_cpu();
	apic_init_cpu();
}

int start_check(struct pcpu *pcpu, const struct options *options)
{
	const struct vmx_choice choice = start_choice(options);

	machine_check_init_cpu();
	fpu_init_hardware();
	if (!mitigate_this_cpu()) {
		log_error("APIC ID %u needs, or can do, something else about speculation than the "
			  "first CPU: their microcode must be the same, update the firmware",
			  pcpu->cpu.apic_id);
		return -ENODEV;
	}
	return vmx_capabilities_check(&pcpu->vmx, &choice);
}

int start_this(struct pcpu *pcpu, const struct options *options)
{
	if (vmx_on(&pcpu->vmxon))
		return -EIO;
	if (options->trace)
		fpu_trace_start(pcpu->cpu.id, options->tracesize);
	fpu_cpu_init(&pcpu->fpu, pcpu->cpu.id, (enum fpu_policy)options->fpu, fpu_lazy_leaks(),
		     fpu_features()->superset | fpu_features()->tiles);
	switch_read(&pcpu->loaded.registers);
	enter_init(pcpu, options->hostfpu);
	return 0;
}

/* Whether guests may move to it; what is wrong is told. */
static bool is_like_the_first(const struct cpu *cpu)
{
	struct alike own;
	uint32_t word, bits;

	if (!leftovers_report(&cpu->leftovers))
		return false;
	alike_read(&own);
	if (alike_missing(&first_has, &own, &word, &bits)) {
		log_error("APIC ID %u lacks what the first CPU has: bits 0x%x of %s", cpu->apic_id,
			  bits, alike_name(word));
		return false;
	}
	if (!paging_same_types()) {
		log_error("APIC ID %u has other MTRRs than the first CPU: firmware has to set them "
			  "alike",
			  cpu->apic_id);
		return false;
	}
	return true;
}

/* What VM exits load is written once for a vCPU, wherever it runs then. */
static bool has_same_control_registers(const struct cpu *cpu)
{
	if (read_cr0() == first_cr0 && read_cr4() == first_cr4)
		return true;
	log_error("APIC ID %u has CR0=0x%lx CR4=0x%lx, the first CPU 0x%lx and 0x%lx: they must "
		  "not differ",
		  cpu->apic_id, read_cr0(), read_cr4(), first_cr0, first_cr4);
	return false;
}

bool start_measure_tsc(struct cpu *cpu, int64_t *found, int64_t *ahead)
{
	if (!smp_reach(cpu, CPU_STARTS, CPU_MEASURES))
		return false;
	*ahead = tsc_step_other(found);
	return smp_reach(cpu, CPU_MEASURES, CPU_STARTS);
}

static bool tsc_is_in_step(struct cpu *cpu)
{
	int64_t found, ahead;

	if (!start_measure_tsc(cpu, &found, &ahead))
		return false;
	if (ahead)
		log_error("the TSC of APIC ID %u is %ld ticks ahead of the first CPU's, and does "
			  "not let itself be set",
			  cpu->apic_id, ahead);
	return !ahead;
}

/* All but the first. */
static void other_cpu(struct cpu *cpu)
{
	struct pcpu *pcpu = (struct pcpu *)cpu;

	start_enter(pcpu);
	paging_init_cpu();
	if (!is_like_the_first(cpu) || start_check(pcpu, options) || !tsc_is_in_step(cpu) ||
	    start_this(pcpu, options) || !has_same_control_registers(cpu)) {
		if (cpu->stage == CPU_STARTS)
			log_error("the CPU with APIC ID %u is left out", cpu->apic_id);
		smp_reach(cpu, CPU_STARTS, CPU_LEFT_OUT);
		return;
	}
	if (cpu->mcg_cap != cpu_at(0)->mcg_cap)
		log_info("CPU %u has other machine-check banks than CPU 0: IA32_MCG_CAP is 0x%lx, "
			 "not 0x%lx",
			 cpu->id, cpu->mcg_cap, cpu_at(0)->mcg_cap);
	if (!smp_reach(cpu, CPU_STARTS, CPU_UP))
		return; /* it came too late: another has its number */
	run_here(options);
}

static struct cpu *new_cpu(void)
{
	struct pcpu *pcpu = (struct pcpu *)memory_alloc_low(sizeof(*pcpu), PAGE_SIZE);
	struct cpu_stacks *stacks = pcpu ? cpu_make_stacks() : NULL;

	if (!stacks) {
		log_error("no memory for CPU %u: it and those behind it are left out",
			  cpus_count());
		return NULL;
	}
	paging_guard(stacks);
	memset(pcpu, 0, sizeof(*pcpu));
	pcpu->cpu.id = cpus_count();
	pcpu->cpu.stacks = stacks;
	return &pcpu->cpu;
}

void start_others(const struct options *wanted, const struct acpi *acpi,
		  const struct boot_info *info)
{
	options = wanted;
	alike_read(&first_has);
	first_cr0 = read_cr0();
	first_cr4 = read_cr4();
	start_each(other_cpu, wanted->maxcpus, acpi, info);
}

void start_each(void (*main)(struct cpu *cpu), uint32_t max, const struct acpi *acpi,
		const struct boot_info *info)
{
	static uint32_t apic_id[APIC_IDS_MAX];
	const struct boot_memory low = {NULL, 0, LOW_MEMORY_END, paging_map_firmware};
	struct smp_plan plan = {.apic_id = apic_id, .max = max, .new_cpu = new_cpu, .main = main};

	if (plan.max == 1 || !apic_present())
		return;
	if (clock_timer() != CLOCK_TIMER_APIC) {
		log_warning("no other CPU is started: without a local APIC timer it could not "
			    "idle");
		return;
	}
	if (acpi->madt)
		plan.count = madt_cpus(acpi->madt, acpi->madt_length, apic_id, APIC_IDS_MAX);
	if (!plan.count && !info->efi)
		plan.count = mp_table_cpus(&low, apic_id, APIC_IDS_MAX);
	if (plan.count > APIC_IDS_MAX)
		plan.count = APIC_IDS_MAX;
	smp_start(&plan);
}
