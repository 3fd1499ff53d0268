#include "vmm/options.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "boot/clock.h"
#include "boot/power.h"
#include "fpu/method.h"
#include "fpu/policy.h"
#include "lib/array.h"
#include "lib/cmdline.h"
#include "lib/console.h"
#include "lib/format.h"
#include "lib/string.h"
#include "vmm/exit/provoke.h"
#include "vmx/multihit.h"
#include "vmx/preemption.h"

/* A word that is accepted; NULL: the option's name() has it. */
struct choice {
	uint32_t value;
	const char *word;
};

/*
 * A value that is one of some words, or for a list several of them, ORed; without choices a number
 * between min and max. What is accepted is said from that, with a note in the end, or in words of
 * its own.
 */
struct option {
	const char *key;
	uint32_t offset; /* of the uint32_t in struct options */
	uint32_t initial;
	const struct choice *choices;
	uint32_t choice_count;
	const char *(*name)(uint32_t value);
	bool list;
	uint32_t min;
	uint32_t max;
	const char *accepted, *note;
};

struct parser {
	struct options *options;
	void (*warn)(void *arg, const char *message);
	void *arg;
};

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

static const struct choice fpu_choices[] = {
	{FPU_LAZY, NULL},   {FPU_SCRUB, NULL}, {FPU_EAGER, NULL},
	{FPU_UNLOAD, NULL}, {FPU_SWAP, NULL},  {FPU_AUTO, NULL},
};

static const struct choice xsave_choices[] = {
	{FPU_METHOD_AUTO, "auto"}, {FPU_XSAVES, NULL}, {FPU_XSAVEOPT, NULL},
	{FPU_XSAVEC, NULL},	   {FPU_XSAVE, NULL},  {FPU_FXSAVE, NULL},
};

static const struct choice console_choices[] = {
	{CONSOLE_COM1, "com1"},
	{CONSOLE_VGA, "vga"},
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
	/* while guests run */
	{PROVOKE_NMI, "nmi"},
	{PROVOKE_KICKS, "kicks"},
	{PROVOKE_NESTED, "nested"},
	{PROVOKE_MEMORY, "memory"},
	{PROVOKE_STORM, "storm"},
	{PROVOKE_IDLE, "idle"},
};

#define FIELD(name)    .key = #name, .offset = offsetof(struct options, name)
#define CHOICES(array) .choices = (array), .choice_count = ARRAY_SIZE(array)

static const struct option option_table[] = {
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
		.note = ", joined by + (fb is not built yet)",
		.initial = CONSOLE_COM1 | CONSOLE_VGA,
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
		FIELD(apicv),
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
};

#define OPTION_COUNT ARRAY_SIZE(option_table)

static uint32_t *field(struct options *options, const struct option *option)
{
	return (uint32_t *)((char *)options + option->offset);
}

static const char *word_of(const struct option *option, const struct choice *choice)
{
	return choice->word ? choice->word : option->name(choice->value);
}

static bool choose(const struct option *option, const char *word, uint32_t *value)
{
	for (uint32_t i = 0; i < option->choice_count; i++) {
		if (!strcmp(word_of(option, &option->choices[i]), word)) {
			*value = option->choices[i].value;
			return true;
		}
	}
	return false;
}

/* Takes text apart at + and comma. */
static bool choose_several(const struct option *option, char *text, uint32_t *value)
{
	uint32_t set = 0;

	for (bool more = true; more;) {
		char *end = text;
		uint32_t one;

		while (*end && *end != '+' && *end != ',')
			end++;
		more = *end != '\0';
		*end = '\0';
		if (!choose(option, text, &one))
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
		return choose_several(option, text, value);
	if (option->choices)
		return choose(option, text, value);
	if (cmdline_number(text, &number) || number < option->min || number > option->max)
		return false;
	*value = (uint32_t)number;
	return true;
}

/* Each message is built up piece by piece, and cut where there is no room. */
struct message {
	char text[256];
	size_t length;
};

static void add(struct message *message, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void add(struct message *message, const char *fmt, ...)
{
	size_t room = sizeof(message->text) - message->length;
	va_list args;
	int length;

	va_start(args, fmt);
	length = format_v(message->text + message->length, room, fmt, args);
	va_end(args);
	message->length += (size_t)length < room ? (size_t)length : room - 1;
}

static void add_accepted(struct message *message, const struct option *option)
{
	if (option->accepted)
		add(message, "%s", option->accepted);
	else if (!option->choices)
		add(message, "%u to %u", option->min, option->max);
	for (uint32_t i = 0; i < option->choice_count; i++)
		add(message, "%s%s", i ? ", " : "", word_of(option, &option->choices[i]));
	if (option->note)
		add(message, "%s", option->note);
}

static void parse_word(struct parser *p, char *word)
{
	char *value = cmdline_split(word), given[48];
	struct message message = {};

	for (uint32_t i = 0; value && i < OPTION_COUNT; i++) {
		const struct option *option = &option_table[i];

		if (strcmp(option->key, word))
			continue;
		copy_string(given, sizeof(given), value);
		if (parse_value(option, value, field(p->options, option)))
			return;
		add(&message, "option %s=%s is ignored: accepted is ", option->key, given);
		add_accepted(&message, option);
		p->warn(p->arg, message.text);
		return;
	}
	add(&message, "option %.40s is not known: accepted are", word);
	for (uint32_t i = 0; i < OPTION_COUNT; i++)
		add(&message, " %s", option_table[i].key);
	p->warn(p->arg, message.text);
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
			struct message message = {};

			add(&message, "option %.40s is ignored: it is too long, or a quote is open",
			    word);
			warn(arg, message.text);
			continue;
		}
		parse_word(&p, word);
	}
}
