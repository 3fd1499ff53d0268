#include "boot/options.h"

#include <stddef.h>

#include "boot/power.h"
#include "lib/cmdline.h"
#include "lib/format.h"
#include "lib/string.h"

#define ACCEPTED                                                                                   \
	"fpu xsave slice maxcpus console timer clock preemption multihit trace tracesize stats "   \
	"loglevel panic hostfpu crash"

/* A value that is a word, or for a list several of them, ORed. The table ends with name NULL. */
struct choice {
	const char *name;
	uint32_t value;
};

/* choices is NULL for a number between min and max. */
struct option {
	const char *key;
	const char *accepted;
	uint32_t offset; /* of the uint32_t in struct options */
	uint32_t initial;
	const struct choice *choices;
	bool list;
	uint32_t min;
	uint32_t max;
};

struct parser {
	struct options *options;
	void (*warn)(void *arg, const char *message);
	void *arg;
};

static const struct choice fpu_choices[] = {
	{"lazy", OPTION_FPU_LAZY},
	{"scrub", OPTION_FPU_SCRUB},
	{"eager", OPTION_FPU_EAGER},
	{"unload", OPTION_FPU_UNLOAD},
	{"swap", OPTION_FPU_SWAP},
	{"auto", OPTION_FPU_AUTO},
	{NULL, 0},
};

static const struct choice xsave_choices[] = {
	{"auto", OPTION_XSAVE_AUTO},
	{"xsaves", OPTION_XSAVE_XSAVES},
	{"xsaveopt", OPTION_XSAVE_XSAVEOPT},
	{"xsavec", OPTION_XSAVE_XSAVEC},
	{"xsave", OPTION_XSAVE_XSAVE},
	{"fxsave", OPTION_XSAVE_FXSAVE},
	{NULL, 0},
};

static const struct choice console_choices[] = {
	{"com1", OPTION_CONSOLE_COM1},
	{"vga", OPTION_CONSOLE_VGA},
	{"e9", OPTION_CONSOLE_E9},
	{NULL, 0},
};

static const struct choice switch_choices[] = {
	{"on", 1},
	{"off", 0},
	{NULL, 0},
};

static const struct choice panic_choices[] = {
	{"auto", POWER_PANIC_AUTO},
	{"reboot", POWER_PANIC_REBOOT},
	{"halt", POWER_PANIC_HALT},
	{"exit", POWER_PANIC_EXIT},
	{NULL, 0},
};

static const struct choice crash_choices[] = {
	{"none", OPTION_CRASH_NONE},
	/* at boot */
	{"pagefault", OPTION_CRASH_PAGEFAULT},
	{"textwrite", OPTION_CRASH_TEXTWRITE},
	{"stack", OPTION_CRASH_STACK},
	{"frame", OPTION_CRASH_FRAME},
	{"vector", OPTION_CRASH_VECTOR},
	{"vmentry", OPTION_CRASH_VMENTRY},
	{"section", OPTION_CRASH_SECTION},
	/* while guests run */
	{"nmi", OPTION_CRASH_NMI},
	{"nested", OPTION_CRASH_NESTED},
	{"memory", OPTION_CRASH_MEMORY},
	{"storm", OPTION_CRASH_STORM},
	{"idle", OPTION_CRASH_IDLE},
	{NULL, 0},
};

static const struct choice hostfpu_choices[] = {
	{"off", OPTION_HOSTFPU_OFF},
	{"exits", OPTION_HOSTFPU_EXITS},
	{NULL, 0},
};

static const struct choice timer_choices[] = {
	{"auto", OPTION_TIMER_AUTO},
	{"apic", OPTION_TIMER_APIC},
	{"pit", OPTION_TIMER_PIT},
	{NULL, 0},
};

static const struct choice clock_choices[] = {
	{"auto", OPTION_CLOCK_AUTO}, {"pit", OPTION_CLOCK_PIT},	    {"hpet", OPTION_CLOCK_HPET},
	{"pm", OPTION_CLOCK_PM},     {"cpuid", OPTION_CLOCK_CPUID}, {NULL, 0},
};

static const struct choice preemption_choices[] = {
	{"auto", OPTION_PREEMPTION_AUTO},
	{"vmx", OPTION_PREEMPTION_VMX},
	{"apic", OPTION_PREEMPTION_APIC},
	{NULL, 0},
};

static const struct choice multihit_choices[] = {
	{"auto", OPTION_MULTIHIT_AUTO},
	{"split", OPTION_MULTIHIT_SPLIT},
	{"off", OPTION_MULTIHIT_OFF},
	{NULL, 0},
};

#define FIELD(name) .key = #name, .offset = offsetof(struct options, name)

static const struct option option_table[] = {
	{
		FIELD(fpu),
		.accepted = "lazy, scrub, eager, unload, swap, auto",
		.initial = OPTION_FPU_AUTO,
		.choices = fpu_choices,
	},
	{
		FIELD(xsave),
		.accepted = "auto, xsaves, xsaveopt, xsavec, xsave, fxsave",
		.initial = OPTION_XSAVE_AUTO,
		.choices = xsave_choices,
	},
	{
		.key = "slice",
		.offset = offsetof(struct options, slice_us),
		.accepted = "100 to 1000000 microseconds",
		.initial = 2000,
		.min = 100,
		.max = 1000000,
	},
	{
		FIELD(maxcpus),
		.accepted = "1 to 64",
		.initial = 64,
		.min = 1,
		.max = 64,
	},
	{
		FIELD(console),
		.accepted = "com1, vga, e9, joined by + (fb is not built yet)",
		.initial = OPTION_CONSOLE_COM1 | OPTION_CONSOLE_VGA,
		.choices = console_choices,
		.list = true,
	},
	{
		FIELD(timer),
		.accepted = "auto, apic, pit",
		.initial = OPTION_TIMER_AUTO,
		.choices = timer_choices,
	},
	{
		FIELD(clock),
		.accepted = "auto, pit, hpet, pm, cpuid",
		.initial = OPTION_CLOCK_AUTO,
		.choices = clock_choices,
	},
	{
		FIELD(preemption),
		.accepted = "auto, vmx, apic",
		.initial = OPTION_PREEMPTION_AUTO,
		.choices = preemption_choices,
	},
	{
		FIELD(multihit),
		.accepted = "auto, split, off",
		.initial = OPTION_MULTIHIT_AUTO,
		.choices = multihit_choices,
	},
	{
		FIELD(trace),
		.accepted = "on, off",
		.initial = 0,
		.choices = switch_choices,
	},
	{
		FIELD(tracesize),
		.accepted = "16 to 1048576 entries for each CPU",
		.initial = 65536,
		.min = 16,
		.max = 1048576,
	},
	{
		FIELD(stats),
		.accepted = "on, off",
		.initial = 1,
		.choices = switch_choices,
	},
	{
		FIELD(loglevel),
		.accepted = "0 (errors), 1 (warnings), 2 (info), 3 (debug)",
		.initial = OPTION_LOG_INFO,
		.min = OPTION_LOG_ERRORS,
		.max = OPTION_LOG_DEBUG,
	},
	{
		FIELD(panic),
		.accepted = "auto, reboot, halt, exit",
		.initial = POWER_PANIC_AUTO,
		.choices = panic_choices,
	},
	{
		FIELD(hostfpu),
		.accepted = "off, exits",
		.initial = OPTION_HOSTFPU_OFF,
		.choices = hostfpu_choices,
	},
	{
		FIELD(crash),
		.accepted = "none, pagefault, textwrite, stack, frame, vector, vmentry, section, "
			    "nmi, nested, memory, storm, idle",
		.initial = OPTION_CRASH_NONE,
		.choices = crash_choices,
	},
};

#define OPTION_COUNT (sizeof(option_table) / sizeof(option_table[0]))

static uint32_t *field(struct options *options, const struct option *option)
{
	return (uint32_t *)((char *)options + option->offset);
}

static bool choose(const struct choice *choices, const char *word, uint32_t *value)
{
	for (; choices->name; choices++) {
		if (!strcmp(choices->name, word)) {
			*value = choices->value;
			return true;
		}
	}
	return false;
}

/* Takes text apart at + and comma. */
static bool choose_several(const struct choice *choices, char *text, uint32_t *value)
{
	uint32_t set = 0;

	for (bool more = true; more;) {
		char *end = text;
		uint32_t one;

		while (*end && *end != '+' && *end != ',')
			end++;
		more = *end != '\0';
		*end = '\0';
		if (!choose(choices, text, &one))
			return false;
		set |= one;
		text = end + 1;
	}
	*value = set;
	return true;
}

static bool parse_value(const struct option *option, char *text, uint32_t *value)
{
	uint64_t number;

	if (option->list)
		return choose_several(option->choices, text, value);
	if (option->choices)
		return choose(option->choices, text, value);
	if (cmdline_number(text, &number) || number < option->min || number > option->max)
		return false;
	*value = (uint32_t)number;
	return true;
}

static void parse_word(struct parser *p, char *word)
{
	char *value = cmdline_split(word);
	char message[192], given[48];

	for (uint32_t i = 0; value && i < OPTION_COUNT; i++) {
		const struct option *option = &option_table[i];

		if (strcmp(option->key, word))
			continue;
		copy_string(given, sizeof(given), value);
		if (parse_value(option, value, field(p->options, option)))
			return;
		format(message, sizeof(message), "option %s=%s is ignored: accepted is %s",
		       option->key, given, option->accepted);
		p->warn(p->arg, message);
		return;
	}
	format(message, sizeof(message), "option %.40s is not known: accepted are " ACCEPTED, word);
	p->warn(p->arg, message);
}

void options_parse(struct options *options, const char *cmdline,
		   void (*warn)(void *arg, const char *message), void *arg)
{
	struct parser p = {options, warn, arg};
	char word[128];
	int result;

	for (uint32_t i = 0; i < OPTION_COUNT; i++)
		*field(options, &option_table[i]) = option_table[i].initial;
	for (bool first = true; (result = cmdline_next(&cmdline, word, sizeof(word))) != 0;
	     first = false) {
		/* QEMU's -kernel puts the file's name first */
		if (first && !strchr(word, '=') && (strchr(word, '/') || strchr(word, '.')))
			continue;
		if (result < 0) {
			char message[192];

			format(message, sizeof(message),
			       "option %.40s is ignored: it is too long, or a quote is open", word);
			warn(arg, message);
			continue;
		}
		parse_word(&p, word);
	}
}
