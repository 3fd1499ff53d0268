/*
 * From the boot loader's information to the first guest.
 */
#include <stddef.h>

#include "boot/acpi.h"
#include "boot/apic.h"
#include "boot/bootinfo.h"
#include "boot/clock.h"
#include "boot/fault.h"
#include "boot/ioapic.h"
#include "boot/leftovers.h"
#include "boot/machine.h"
#include "boot/mce.h"
#include "boot/memory.h"
#include "boot/options.h"
#include "boot/paging.h"
#include "boot/pic.h"
#include "boot/power.h"
#include "boot/trap.h"
#include "fpu/clobber.h"
#include "fpu/detect.h"
#include "fpu/features.h"
#include "fpu/instructions.h"
#include "fpu/lazyfp.h"
#include "fpu/policy.h"
#include "fpu/trace.h"
#include "lib/console.h"
#include "lib/x86.h"
#include "vmm/cpuid.h"
#include "vmm/crash.h"
#include "vmm/exit.h"
#include "vmm/fpu_policy.h"
#include "vmm/output.h"
#include "vmm/pcpu.h"
#include "vmm/run.h"
#include "vmm/trace_records.h"
#include "vmm/version.h"
#include "vmm/vm.h"
#include "vmx/bitmaps.h"
#include "vmx/capabilities.h"
#include "vmx/multihit.h"
#include "vmx/vmx.h"

static struct pcpu boot_pcpu;
static struct boot_info boot_info;
static struct acpi acpi;
static struct options options;

_Static_assert((int)OPTION_FPU_LAZY == (int)FPU_LAZY && (int)OPTION_FPU_SCRUB == (int)FPU_SCRUB &&
		       (int)OPTION_FPU_EAGER == (int)FPU_EAGER &&
		       (int)OPTION_FPU_UNLOAD == (int)FPU_UNLOAD &&
		       (int)OPTION_FPU_SWAP == (int)FPU_SWAP &&
		       (int)OPTION_FPU_AUTO == (int)FPU_AUTO,
	       "boot/options.h names the policies of fpu/owner.h");
_Static_assert(OPTION_CONSOLE_COM1 == (int)CONSOLE_COM1 && OPTION_CONSOLE_VGA == (int)CONSOLE_VGA &&
		       OPTION_CONSOLE_E9 == (int)CONSOLE_E9,
	       "boot/options.h names the devices of lib/console.h");

static void warn(void *arg, const char *message)
{
	(void)arg;
	log_warning("%s", message);
}

static void read_boot_information(uint32_t magic, uint64_t info)
{
	const struct boot_memory window = {NULL, 0, BIT(32), NULL};
	int error = boot_info_parse(&boot_info, &window, magic, info);

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
	machine_set_panic(options.panic);
	fault_print_also(print_on_fault);
}

static void print_boot_record(void)
{
	const struct vmx_capabilities *c = vmx_capabilities();
	const struct fpu_features *f = fpu_features();

	record("boot version=%s machine=%s cpus=1 vmx=%u ept=%u ug=%u xsave=%s xcr0=0x%lx fpu=%s "
	       "lazyfp=%s multihit=%s ept_split=%s firmware=%s timer=%s preemption=%s "
	       "tsc_khz=%lu clock=%s",
	       RESIDENT_VERSION, machine_name(), c->vmx, c->ept, c->unrestricted_guest,
	       f->method_name, f->superset, fpu_policy_name((enum fpu_policy)options.fpu),
	       fpu_lazy_leaks() ? "affected" : "unaffected",
	       multihit_affects_this_cpu() ? "affected" : "unaffected", c->ept_split ? "on" : "off",
	       boot_info.efi ? "uefi" : "bios", clock_timer_name(), preemption_name(c->preemption),
	       clock_tsc_khz(), clock_source_name());
}

static void init_pcpu(struct pcpu *pcpu)
{
	pcpu->cpu.apic_id = apic_id();
	if (options.trace)
		fpu_trace_start(pcpu->cpu.id, options.tracesize);
	fpu_cpu_init(&pcpu->fpu, pcpu->cpu.id, (enum fpu_policy)options.fpu, fpu_lazy_leaks(),
		     fpu_features()->superset);
	pcpu->msr[SWITCHED_STAR] = rdmsr(MSR_STAR);
	pcpu->msr[SWITCHED_LSTAR] = rdmsr(MSR_LSTAR);
	pcpu->msr[SWITCHED_CSTAR] = rdmsr(MSR_CSTAR);
	pcpu->msr[SWITCHED_FMASK] = rdmsr(MSR_FMASK);
	if (guest_has_rdtscp())
		pcpu->msr[SWITCHED_TSC_AUX] = rdmsr(MSR_TSC_AUX);
	if (fpu_features()->superset & XCR0_PKRU)
		pcpu->pkru = fpu_rdpkru();
}

/* Called by boot/start.S. */
_Noreturn void resident_main(uint32_t magic, uint64_t info);
void resident_main(uint32_t magic, uint64_t info)
{
	bool complete, fpu_works;
	int error;

	cpu_set_this(&boot_pcpu.cpu);
	console_select(CONSOLE_COM1, false);
	trap_init_cpu();
	read_boot_information(magic, info);
	apply_options();
	print("Resident " RESIDENT_VERSION ": a type-1 hypervisor\n");
	if (!leftovers_undo_cpu())
		machine_panic();
	memory_init(&boot_info);
	apic_init();
	paging_init(&boot_info);
	read_acpi_tables();
	pic_init();
	if (apic_present())
		ioapic_init(acpi.madt, acpi.madt_length);
	clock_init(options.clock, &acpi);
	clock_select(options.timer);
	machine_check_init_cpu();
	fpu_works = fpu_detect(options.xsave);
	error = vmx_capabilities_check(&options);
	print_boot_record();
	if (error)
		machine_panic();
	if (!fpu_works)
		panic("the FPU does not keep a pattern through FXSAVE and FXRSTOR");
	if (!clock_can_wake())
		panic("neither the local APIC's timer nor the 8254 interrupts: an idle CPU would "
		      "never wake. Enable one of them in the firmware's setup");
	guest_cpuid_init();
	bitmaps_init();
	exit_init();
	if (vmx_on())
		machine_panic();
	init_pcpu(&boot_pcpu);
	if (options.hostfpu == OPTION_HOSTFPU_EXITS) {
		if (fpu_clobber_init())
			panic("no memory for hostfpu=exits");
		boot_pcpu.clobber_at_exits = true;
	}
	crash_provoke(options.crash);
	complete = vms_create(&boot_info);
	if (!vms_count())
		log_error("there are no guests: add a module2 line (module with multiboot 1) for "
			  "each to GRUB's menu entry, as README.md shows");
	fpu_policy_set(&boot_pcpu.fpu, (enum fpu_policy)options.fpu);
	run(&options, complete);
}
