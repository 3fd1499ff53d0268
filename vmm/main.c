/*
 * From the boot loader's information to the first guest.
 */
#include <stddef.h>

#include "boot/acpi.h"
#include "boot/alike.h"
#include "boot/apic.h"
#include "boot/bootinfo.h"
#include "boot/clock.h"
#include "boot/cpu.h"
#include "boot/fault.h"
#include "boot/ioapic.h"
#include "boot/leftovers.h"
#include "boot/machine.h"
#include "boot/layout.h"
#include "boot/machine_check.h"
#include "boot/madt.h"
#include "boot/memory.h"
#include "boot/mp_table.h"
#include "boot/multiboot.h"
#include "boot/paging.h"
#include "boot/pic.h"
#include "boot/power.h"
#include "boot/smp.h"
#include "boot/trap.h"
#include "boot/tsc_step.h"
#include "fpu/clobber.h"
#include "fpu/detect.h"
#include "fpu/features.h"
#include "fpu/lazyfp.h"
#include "fpu/policy.h"
#include "fpu/trace.h"
#include "lib/console.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "lib/string.h"
#include "lib/x86.h"
#include "vmm/cpuid.h"
#include "vmm/exit/dispatch.h"
#include "vmm/exit/provoke.h"
#include "vmm/fpu_policy.h"
#include "vmm/options.h"
#include "vmm/output.h"
#include "vmm/pcpu.h"
#include "vmm/sched/enter.h"
#include "vmm/sched/run.h"
#include "vmm/switch.h"
#include "vmm/trace_records.h"
#include "vmm/version.h"
#include "vmm/vm.h"
#include "vmm/vms.h"
#include "vmx/bitmaps.h"
#include "vmx/capabilities.h"
#include "vmx/multihit.h"
#include "vmx/vmx.h"

#define LOW_MEMORY_END 0x100000
#define APIC_IDS_MAX   1024 /* that firmware may name */

static struct pcpu first_pcpu = {.cpu.stacks = &first_stacks};
static struct boot_info boot_info;
static struct acpi acpi;
static struct options options;
static bool fpu_works;	       /* by fpu_detect() */
static struct alike first_has; /* of the first CPU, as what follows */
static uint64_t first_cr0, first_cr4;

static void warn(void *arg, const char *message)
{
	(void)arg;
	log_warning("%s", message);
}

static void read_boot_information(uint32_t magic, uint64_t info)
{
	const struct boot_memory window = {NULL, 0, BIT(32), NULL};
	int error = multiboot_parse(&boot_info, &window, magic, info);

	console_select(CONSOLE_COM1 | CONSOLE_VGA, boot_info.ega_text);
	for (uint32_t i = 0; i < boot_info.warning_count && i < BOOT_WARNINGS_MAX; i++)
		log_warning("%s", boot_info.warning[i]);
	machine_init();
	if (error)
		panic("the boot loader's information cannot be used (error %d): start Resident by "
		      "GRUB's multiboot2 or multiboot command",
		      error);
	acpi_find_rsdp(&boot_info, &window);
}

/* Firmware's tables may lie anywhere, also above 4 GiB, which only our own page tables reach. */
static void read_acpi_tables(void)
{
	const struct boot_memory window = {NULL, 0, paging_limit(), paging_map_firmware};

	acpi_parse(&acpi, &boot_info, &window);
	power_init(&acpi);
}

/* What a fault's report ends with. */
static void print_on_fault(void)
{
	trace_print_last();
	output_print_waiting();
}

static void apply_options(void)
{
	options_parse(&options, boot_info.cmdline, warn, NULL);
	console_select(options.console, boot_info.ega_text);
	log_set_level((enum log_level)options.loglevel);
	power_set_panic((enum power_panic)options.panic);
	fault_print_also(print_on_fault);
}

static void print_boot_record(void)
{
	const struct vmx_capabilities *c = vmx_capabilities();
	const struct fpu_features *f = fpu_features();

	record("boot version=%s machine=%s cpus=%u vmx=%u ept=%u ug=%u xsave=%s xcr0=0x%lx fpu=%s "
	       "lazyfp=%s multihit=%s ept_split=%s firmware=%s timer=%s preemption=%s "
	       "tsc_khz=%lu clock=%s",
	       RESIDENT_VERSION, machine_name(), cpus_count(), c->vmx, c->ept,
	       c->unrestricted_guest, f->method_name, f->superset,
	       fpu_policy_name((enum fpu_policy)options.fpu),
	       fpu_lazy_leaks() ? "affected" : "unaffected",
	       multihit_affects_this_cpu() ? "affected" : "unaffected", c->ept_split ? "on" : "off",
	       boot_info.efi ? "uefi" : "bios", clock_timer_name(clock_timer()),
	       preemption_name(c->preemption), clock_tsc_khz(), clock_source_name(clock_source()));
}

/*
 * Every CPU, before it needs anything of the machine. Says nothing. The page tables follow: the
 * first CPU makes them.
 */
static void enter_this_cpu(struct pcpu *pcpu)
{
	cpu_enter(&pcpu->cpu);
	trap_init_cpu();
	leftovers_undo_cpu(&pcpu->cpu.leftovers);
	apic_init_cpu();
}

/* Once a machine, on the first CPU: from the boot loader's information to clocks that run. */
static void start_first_cpu(struct pcpu *pcpu, uint32_t magic, uint64_t info)
{
	read_boot_information(magic, info);
	apply_options();
	print("Resident " RESIDENT_VERSION ": a type-1 hypervisor\n");
	if (!leftovers_report(&pcpu->cpu.leftovers))
		power_panic();
	memory_init(&boot_info, paging_limit());
	paging_init(&boot_info);
	read_acpi_tables();
	pic_init();
	if (apic_present())
		ioapic_init(acpi.madt, acpi.madt_length);
	clock_init((enum clock_source)options.clock, &acpi);
	clock_select((enum clock_timer)options.timer);
}

/* Every CPU: what it has. An error was told of, and keeps it from running guests. */
static int check_this_cpu(struct pcpu *pcpu)
{
	machine_check_init_cpu();
	if (pcpu == &first_pcpu)
		fpu_works = fpu_detect(options.xsave);
	fpu_init_hardware();
	return vmx_capabilities_check(&pcpu->vmx, (enum preemption)options.preemption,
				      (enum multihit)options.multihit);
}

/* Once a machine: what the first CPU has is what guests find. */
static void judge_machine(int error)
{
	if (error) {
		print_boot_record();
		power_panic();
	}
	if (!fpu_works)
		panic("the FPU does not keep a pattern through FXSAVE and FXRSTOR");
	if (!clock_can_wake())
		panic("neither the local APIC's timer nor the 8254 interrupts: an idle CPU would "
		      "never wake. Enable one of them in the firmware's setup");
	if (options.hostfpu && fpu_clobber_init())
		panic("no memory for hostfpu=exits");
	guest_cpuid_init();
	bitmaps_init();
	exit_init();
}

/* Every CPU: from now on it can run guests. */
static int start_this_cpu(struct pcpu *pcpu)
{
	if (vmx_on(&pcpu->vmxon))
		return -EIO;
	if (options.trace)
		fpu_trace_start(pcpu->cpu.id, options.tracesize);
	fpu_cpu_init(&pcpu->fpu, pcpu->cpu.id, (enum fpu_policy)options.fpu, fpu_lazy_leaks(),
		     fpu_features()->superset);
	switch_read(&pcpu->loaded.registers);
	enter_init(pcpu, options.hostfpu);
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

static bool tsc_is_in_step(struct cpu *cpu)
{
	int64_t ahead;

	if (!smp_reach(cpu, CPU_STARTS, CPU_MEASURES))
		return false;
	ahead = tsc_step_other();
	if (!smp_reach(cpu, CPU_MEASURES, CPU_STARTS))
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

	enter_this_cpu(pcpu);
	paging_init_cpu();
	if (!is_like_the_first(cpu) || check_this_cpu(pcpu) || !tsc_is_in_step(cpu) ||
	    start_this_cpu(pcpu) || !has_same_control_registers(cpu)) {
		if (cpu->stage == CPU_STARTS)
			log_error("the CPU with APIC ID %u is left out", cpu->apic_id);
		smp_reach(cpu, CPU_STARTS, CPU_LEFT_OUT);
		return;
	}
	if (cpu->mcg_cap != first_pcpu.cpu.mcg_cap)
		log_info("CPU %u has other machine-check banks than CPU 0: IA32_MCG_CAP is 0x%lx, "
			 "not 0x%lx",
			 cpu->id, cpu->mcg_cap, first_pcpu.cpu.mcg_cap);
	if (!smp_reach(cpu, CPU_STARTS, CPU_UP))
		return; /* it came too late: another has its number */
	run_here(&options);
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

static void start_other_cpus(void)
{
	static uint32_t apic_id[APIC_IDS_MAX];
	const struct boot_memory low = {NULL, 0, LOW_MEMORY_END, paging_map_firmware};
	struct smp_plan plan = {
		.apic_id = apic_id, .max = options.maxcpus, .new_cpu = new_cpu, .main = other_cpu};

	alike_read(&first_has);
	first_cr0 = read_cr0();
	first_cr4 = read_cr4();
	if (plan.max == 1 || !apic_present())
		return;
	if (clock_timer() != CLOCK_TIMER_APIC) {
		log_warning("no other CPU is started: without a local APIC timer it could not "
			    "idle");
		return;
	}
	if (acpi.madt)
		plan.count = madt_cpus(acpi.madt, acpi.madt_length, apic_id, APIC_IDS_MAX);
	if (!plan.count && !boot_info.efi)
		plan.count = mp_table_cpus(&low, apic_id, APIC_IDS_MAX);
	if (plan.count > APIC_IDS_MAX)
		plan.count = APIC_IDS_MAX;
	smp_start(&plan);
}

/* False: a module cannot be used. */
static bool start_guests(void)
{
	bool complete = vms_create(&boot_info);

	if (!vms_count())
		log_error("there are no guests: add a module2 line (module with multiboot 1) for "
			  "each to GRUB's menu entry, as README.md shows");
	fpu_policy_set((enum fpu_policy)options.fpu);
	return complete;
}

/* Called by boot/start.S. */
_Noreturn void resident_main(uint32_t magic, uint64_t info);
void resident_main(uint32_t magic, uint64_t info)
{
	struct pcpu *pcpu = &first_pcpu;

	console_select(CONSOLE_COM1, false);
	fault_init();
	trap_init();
	enter_this_cpu(pcpu);
	start_first_cpu(pcpu, magic, info);
	judge_machine(check_this_cpu(pcpu));
	if (start_this_cpu(pcpu))
		power_panic();
	cpu_add(&pcpu->cpu);
	start_other_cpus();
	print_boot_record();
	provoke((enum provoke)options.crash);
	run(&options, start_guests());
}
