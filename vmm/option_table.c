#include "vmm/option_table.h"

#include <stddef.h>

#include "boot/clock.h"
#include "boot/power.h"
#include "fpu/method.h"
#include "fpu/policy.h"
#include "fpu/tiles_detect.h"
#include "lib/array.h"
#include "lib/console.h"
#include "vmm/exit/provoke.h"
#include "vmx/mitigations.h"
#include "vmx/multihit.h"
#include "vmx/preemption.h"

/* What has a name elsewhere is called by it here. */
#define NAMED(function, type)                                                                      \
	static const char *function##_of(uint32_t value)                                           \
	{                                                                                          \
		return function((type)value);                                                      \
	}
NAMED(fpu_policy_name, enum fpu_policy)
NAMED(fpu_method_name, enum fpu_save_method)
NAMED(clock_timer_name, enum clock_timer)
NAMED(clock_source_name, enum clock_source)
NAMED(preemption_name, enum preemption)
NAMED(mitigations_wanted_name, enum mitigations_wanted)

static const struct choice fpu_choices[] = {
	{FPU_LAZY, NULL},   {FPU_SCRUB, NULL}, {FPU_EAGER, NULL},
	{FPU_UNLOAD, NULL}, {FPU_SWAP, NULL},  {FPU_AUTO, NULL},
};

static const struct choice xsave_choices[] = {
	{FPU_METHOD_AUTO, "auto"}, {FPU_XSAVES, NULL}, {FPU_XSAVEOPT, NULL},
	{FPU_XSAVEC, NULL},	   {FPU_XSAVE, NULL},  {FPU_FXSAVE, NULL},
};

static const struct choice amx_choices[] = {
	{FPU_TILES_AUTO, "auto"},
	{FPU_TILES_OFF, "off"},
	{FPU_TILES_FORCE, "force"},
};

static const struct choice console_choices[] = {
	{CONSOLE_COM1, "com1"},
	{CONSOLE_VGA, "vga"},
	{CONSOLE_FRAMEBUFFER, "fb"},
	{CONSOLE_E9, "e9"},
};

static const struct choice timer_choices[] = {
	{CLOCK_TIMER_AUTO, NULL},
	{CLOCK_TIMER_APIC, NULL},
	{CLOCK_TIMER_PIT, NULL},
};

static const struct choice clock_choices[] = {
	{CLOCK_SOURCE_AUTO, NULL}, {CLOCK_SOURCE_PIT, NULL},   {CLOCK_SOURCE_HPET, NULL},
	{CLOCK_SOURCE_PM, NULL},   {CLOCK_SOURCE_CPUID, NULL},
};

static const struct choice preemption_choices[] = {
	{PREEMPTION_AUTO, NULL},
	{PREEMPTION_VMX, NULL},
	{PREEMPTION_APIC, NULL},
};

static const struct choice multihit_choices[] = {
	{MULTIHIT_AUTO, "auto"},
	{MULTIHIT_SPLIT, "split"},
	{MULTIHIT_OFF, "off"},
};

static const struct choice mitigations_choices[] = {
	{MITIGATIONS_AUTO, NULL},
	{MITIGATIONS_OFF, NULL},
	{MITIGATIONS_ALL, NULL},
};

static const struct choice apicv_choices[] = {
	{1, "auto"},
	{0, "off"},
};

static const struct choice switch_choices[] = {
	{1, "on"},
	{0, "off"},
};

static const struct choice panic_choices[] = {
	{POWER_PANIC_AUTO, "auto"},
	{POWER_PANIC_REBOOT, "reboot"},
	{POWER_PANIC_HALT, "halt"},
	{POWER_PANIC_EXIT, "exit"},
};

static const struct choice hostfpu_choices[] = {
	{0, "off"},
	{1, "exits"},
};

static const struct choice crash_choices[] = {
	{PROVOKE_NONE, "none"},
	/* at boot */
	{PROVOKE_PAGEFAULT, "pagefault"},
	{PROVOKE_TEXTWRITE, "textwrite"},
	{PROVOKE_STACK, "stack"},
	{PROVOKE_FRAME, "frame"},
	{PROVOKE_VECTOR, "vector"},
	{PROVOKE_VMENTRY, "vmentry"},
	{PROVOKE_SECTION, "section"},
	{PROVOKE_ENTRY_CHECKS, "entry-checks"},
	{PROVOKE_ENTRY_SAMPLE, "entry-sample"},
	/* while guests run */
	{PROVOKE_NMI, "nmi"},
	{PROVOKE_KICKS, "kicks"},
	{PROVOKE_NESTED, "nested"},
	{PROVOKE_MEMORY, "memory"},
	{PROVOKE_STORM, "storm"},
	{PROVOKE_INIT, "init"},
	{PROVOKE_IDLE, "idle"},
};

static const struct choice log_choices[] = {
	{LOG_OPTION_KEEP, "keep"},
	{LOG_OPTION_LAST, "last"},
};

#define FIELD(name)    .key = #name, .offset = offsetof(struct options, name)
#define CHOICES(array) .choices = (array), .choice_count = ARRAY_SIZE(array)

const struct option option_table[] = {
	{
		FIELD(fpu),
		.initial = FPU_AUTO,
		CHOICES(fpu_choices),
		.name = fpu_policy_name_of,
	},
	{
		FIELD(xsave),
		.initial = FPU_METHOD_AUTO,
		CHOICES(xsave_choices),
		.name = fpu_method_name_of,
	},
	{
		FIELD(amx),
		.initial = FPU_TILES_AUTO,
		CHOICES(amx_choices),
	},
	{
		FIELD(migrate),
		.note = " turns on one CPU, then the next; 0: only for want of work",
		.initial = 0,
		.min = 0,
		.max = 1000000,
	},
	{
		.key = "slice",
		.offset = offsetof(struct options, slice_us),
		.note = " microseconds",
		.initial = 2000,
		.min = 100,
		.max = 1000000,
	},
	{
		FIELD(maxcpus),
		.initial = 64,
		.min = 1,
		.max = 64,
	},
	{
		FIELD(console),
		.note = ", joined by +",
		.initial = CONSOLE_COM1 | CONSOLE_VGA | CONSOLE_FRAMEBUFFER,
		CHOICES(console_choices),
		.list = true,
	},
	{
		FIELD(timer),
		.initial = CLOCK_TIMER_AUTO,
		CHOICES(timer_choices),
		.name = clock_timer_name_of,
	},
	{
		FIELD(clock),
		.initial = CLOCK_SOURCE_AUTO,
		CHOICES(clock_choices),
		.name = clock_source_name_of,
	},
	{
		FIELD(preemption),
		.initial = PREEMPTION_AUTO,
		CHOICES(preemption_choices),
		.name = preemption_name_of,
	},
	{
		FIELD(multihit),
		.initial = MULTIHIT_AUTO,
		CHOICES(multihit_choices),
	},
	{
		FIELD(mitigations),
		.initial = MITIGATIONS_AUTO,
		CHOICES(mitigations_choices),
		.name = mitigations_wanted_name_of,
	},
	{
		FIELD(apicv),
		.initial = 1,
		CHOICES(apicv_choices),
	},
	{
		FIELD(ple),
		.initial = 1,
		CHOICES(apicv_choices),
	},
	{
		FIELD(trace),
		.initial = 0,
		CHOICES(switch_choices),
	},
	{
		FIELD(tracesize),
		.note = " entries for each CPU",
		.initial = 65536,
		.min = 16,
		.max = 1048576,
	},
	{
		FIELD(stats),
		.initial = 1,
		CHOICES(switch_choices),
	},
	{
		FIELD(loglevel),
		.accepted = "0 (errors), 1 (warnings), 2 (info), 3 (debug)",
		.initial = LOG_INFO,
		.min = LOG_ERROR,
		.max = LOG_DEBUG,
	},
	{
		FIELD(panic),
		.initial = POWER_PANIC_AUTO,
		CHOICES(panic_choices),
	},
	{
		FIELD(verbose),
		.initial = 0,
		CHOICES(switch_choices),
	},
	{
		FIELD(hostfpu),
		.initial = 0,
		CHOICES(hostfpu_choices),
	},
	{
		FIELD(entrycheck),
		.initial = 0,
		CHOICES(switch_choices),
	},
	{
		FIELD(crash),
		.initial = PROVOKE_NONE,
		CHOICES(crash_choices),
	},
	{
		FIELD(doctor),
		.initial = 0,
		CHOICES(switch_choices),
		.alone = true,
	},
	{
		FIELD(gdb),
		.accepted = "the name of a VM, of up to 31 characters",
		.text = true,
	},
	{
		FIELD(gdbwait),
		.initial = 1,
		CHOICES(switch_choices),
	},
	{
		FIELD(log),
		.initial = LOG_OPTION_KEEP,
		CHOICES(log_choices),
	},
	{},
};
