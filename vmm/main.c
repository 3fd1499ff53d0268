/*
 * From the boot loader's information to the first guest.
 */
#include <stddef.h>

#include "boot/acpi.h"
#include "boot/apic.h"
#include "boot/bootinfo.h"
#include "boot/clock.h"
#include "boot/cpu.h"
#include "boot/fault.h"
#include "boot/ioapic.h"
#include "boot/last_log.h"
#include "boot/leftovers.h"
#include "boot/machine.h"
#include "boot/memory.h"
#include "boot/multiboot.h"
#include "boot/paging.h"
#include "boot/pic.h"
#include "boot/power.h"
#include "boot/screen.h"
#include "boot/trap.h"
#include "boot/wall_clock.h"
#include "fpu/clobber.h"
#include "fpu/detect.h"
#include "fpu/features.h"
#include "fpu/lazyfp.h"
#include "fpu/policy.h"
#include "fpu/tiles_detect.h"
#include "lib/console.h"
#include "lib/panic.h"
#include "lib/x86.h"
#include "vmm/chip/pc.h"
#include "vmm/cpuid.h"
#include "vmm/doctor/doctor.h"
#include "vmm/entry_watch.h"
#include "vmm/exit/dispatch.h"
#include "vmm/exit/entry_trial.h"
#include "vmm/exit/provoke.h"
#include "vmm/fpu_policy.h"
#include "vmm/gdb/gdb.h"
#include "vmm/mitigations_report.h"
#include "vmm/needs.h"
#include "vmm/options.h"
#include "vmm/output.h"
#include "vmm/pcpu.h"
#include "vmm/sched/run.h"
#include "vmm/start.h"
#include "vmm/trace_records.h"
#include "vmm/version.h"
#include "vmm/vm.h"
#include "vmm/vms.h"
#include "vmx/bitmaps.h"
#include "vmx/capabilities.h"
#include "vmx/checks/entry_here.h"
#include "vmx/mitigate.h"
#include "vmx/multihit.h"

static struct pcpu first_pcpu = {.cpu.stacks = &first_stacks};
static struct boot_info boot_info;
static struct acpi acpi;
static struct last_log last_log;
static struct options options;

static void warn(void *arg, const char *message)
{
	(void)arg;
	log_warning("%s", message);
}

static void end_log_well(void)
{
	if (last_log.own)
		kept_log_end_well(last_log.own);
}

/* What it says is no boot that ended badly, whatever it is: the text of such a one stays. */
static _Noreturn void tell_as_doctor(const struct acpi *tables)
{
	end_log_well();
	doctor_tell(&options, &boot_info, tables);
}

static void keep_log(const struct boot_memory *window)
{
	last_log_find(&last_log, &boot_info, window);
	console_keep(last_log.own);
	power_at_good_end(end_log_well);
}

/* What a boot before said, and nothing more. */
static _Noreturn void show_last_log(void)
{
	if (!last_log.bad) {
		log_error("log=last: no boot that did not end well has left its text in memory: it "
			  "is lost where power was off, or where firmware clears memory");
		power_panic();
	}
	console_keep(NULL);
	last_log_print(&last_log);
	power_end_shown(0);
}

static void read_boot_information(uint32_t magic, uint64_t info)
{
	const struct boot_memory window = {NULL, 0, BIT(32), NULL};
	int error = multiboot_parse(&boot_info, &window, magic, info);

	screen_init(&boot_info);
	console_select(CONSOLE_COM1 | CONSOLE_VGA | CONSOLE_FRAMEBUFFER);
	if (!error)
		keep_log(&window);
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
	console_select(options.console);
	log_set_level((enum log_level)options.loglevel);
	power_set_panic((enum power_panic)options.panic);
	fault_print_also(print_on_fault);
}

static void print_boot_record(void)
{
	const struct vmx_capabilities *c = vmx_capabilities();
	const struct fpu_features *f = fpu_features();

	record("boot version=%s machine=%s cpus=%u vmx=%u ept=%u ug=%u xsave=%s xcr0=0x%lx fpu=%s "
	       "lazyfp=%s multihit=%s ept_split=%s apicv=%s firmware=%s timer=%s preemption=%s "
	       "tsc_khz=%lu clock=%s amx=%s",
	       RESIDENT_VERSION, machine_name(), cpus_count(), c->vmx, c->ept,
	       c->unrestricted_guest, f->method_name, f->superset,
	       fpu_policy_name((enum fpu_policy)options.fpu),
	       fpu_lazy_leaks() ? "affected" : "unaffected",
	       multihit_affects_this_cpu() ? "affected" : "unaffected", c->ept_split ? "on" : "off",
	       c->apicv ? "on" : "off", boot_info.efi ? "uefi" : "bios",
	       clock_timer_name(clock_timer()), preemption_name(c->preemption), clock_tsc_khz(),
	       clock_source_name(clock_source()), f->tiles ? "on" : "off");
}

/* Once a machine, on the first CPU: from the boot loader's information to clocks that run. */
static void start_first_cpu(struct pcpu *pcpu, uint32_t magic, uint64_t info)
{
	read_boot_information(magic, info);
	apply_options();
	mitigate_init((enum mitigations_wanted)options.mitigations, machine_is_emulated());
	print("Resident " RESIDENT_VERSION ": a type-1 hypervisor\n");
	if (options.doctor)
		doctor_look(&pcpu->cpu, &boot_info);
	if (!leftovers_report(&pcpu->cpu.leftovers)) {
		if (options.doctor)
			tell_as_doctor(NULL);
		power_panic();
	}
	memory_init(&boot_info, paging_limit());
	paging_init(&boot_info);
	screen_map();
	read_acpi_tables();
	if (options.log == LOG_OPTION_LAST)
		show_last_log();
	last_log_report(&last_log);
	pic_init();
	if (apic_present())
		ioapic_init(acpi.madt, acpi.madt_length);
	clock_init((enum clock_source)options.clock, &acpi);
	clock_select((enum clock_timer)options.timer);
}

/* Once a machine: what the first CPU has is what guests find. */
static void judge_machine(int error)
{
	if (error) {
		print_boot_record();
		power_panic();
	}
	for (const struct machine_need *need = machine_needs; need->key; need++)
		if (!need->met())
			panic("%s", need->message);
	if (options.hostfpu && fpu_clobber_init())
		panic("no memory for hostfpu=exits");
	wall_clock_init();
	pc_init(clock_tsc_khz());
	guest_cpuid_init();
	bitmaps_init();
	entry_here_init();
	exit_init(options.verbose);
}

/* False: a module cannot be used. */
static bool start_guests(void)
{
	bool complete = vms_create(&boot_info);

	if (!vms_count())
		log_error("there are no guests: add a module2 line (module with multiboot 1) for "
			  "each to GRUB's menu entry, as README.md shows");
	for (uint32_t i = 0; i < vms_count(); i++)
		if (vm_is_shared(vm_at(i)))
			exit_share();
	gdb_init(options.gdb, options.gdbwait);
	fpu_policy_set((enum fpu_policy)options.fpu);
	return complete;
}

/* Called by boot/start.S. */
_Noreturn void resident_main(uint32_t magic, uint64_t info);
void resident_main(uint32_t magic, uint64_t info)
{
	struct pcpu *pcpu = &first_pcpu;

	console_select(CONSOLE_COM1);
	fault_init();
	trap_init();
	start_enter(pcpu);
	start_first_cpu(pcpu, magic, info);
	fpu_detect(options.xsave);
	fpu_tiles_detect((enum fpu_tiles_wanted)options.amx);
	entry_watch_init(options.entrycheck);
	if (options.doctor)
		tell_as_doctor(&acpi);
	judge_machine(start_check(pcpu, &options));
	if (start_this(pcpu, &options))
		power_panic();
	cpu_add(&pcpu->cpu);
	start_others(&options, &acpi, &boot_info);
	print_boot_record();
	mitigations_report((enum mitigations_wanted)options.mitigations);
	if (options.crash == PROVOKE_ENTRY_CHECKS || options.crash == PROVOKE_ENTRY_SAMPLE)
		power_end(entry_trial(pcpu, options.crash == PROVOKE_ENTRY_SAMPLE) ? 1 : 0);
	provoke((enum provoke)options.crash);
	run(&options, start_guests());
}
