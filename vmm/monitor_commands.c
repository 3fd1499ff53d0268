#include "vmm/monitor_commands.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fpu/policy.h"
#include "lib/array.h"
#include "lib/console.h"
#include "lib/refusal.h"
#include "lib/string.h"
#include "vmm/focus.h"
#include "vmm/fpu_policy.h"
#include "vmm/monitor_tables.h"
#include "vmm/online.h"
#include "vmm/vm.h"

#define WORDS_MAX 3

static const char fpu_key[] = "fpu=";

static void set_fpu_policy(const char *name)
{
	for (unsigned int policy = 0; policy < FPU_POLICIES; policy++) {
		enum fpu_policy before;

		if (strcmp(name, fpu_policy_name((enum fpu_policy)policy)))
			continue;
		before = fpu_policy_set((enum fpu_policy)policy);
		record("policy fpu=%s before=%s", name, fpu_policy_name(before));
		return;
	}
	log_error("command fpu=%s: there is no such policy. " MONITOR_USAGE, name);
}

static void help(char *const word[])
{
	(void)word;
	print("vms, vcpus, cpus, fpu   what there is, and what it does\n"
	      "guests                  where each guest is, and what it leaves for\n"
	      "stop VM, start VM       it gets no turns until it is started again\n"
	      "reset VM, end VM        as by its reset button; for good, with status 1\n"
	      "cpu N offline|online    CPU N runs no guests, its vCPUs move; or it does again\n"
	      "fpu=lazy|scrub|eager|unload|swap|auto   the FPU policy of all CPUs\n"
	      "focus VM, focus none    who receives what is typed while the monitor is closed\n"
	      "exit, or Ctrl-A         closes the monitor; Ctrl-U drops what is typed\n");
}

static void show_table(char *const word[])
{
	monitor_table_begin(word[0]);
}

static struct vm *find_vm(char *const word[])
{
	for (uint32_t i = 0; i < vms_count(); i++)
		if (!strcmp(vm_at(i)->config.name, word[1]))
			return vm_at(i);
	log_error("command %s %s: there is no such VM, the command vms lists them", word[0],
		  word[1]);
	return NULL;
}

static void answer(char *const word[])
{
	record("monitor command=%s vm=%s", word[0], word[1]);
}

static void refuse_ended(char *const word[])
{
	log_error("command %s %s: it has ended", word[0], word[1]);
}

static bool check_runs(char *const word[], const struct vm *vm)
{
	if (vm->state != VM_RUNNING)
		log_error("command %s %s: it does not run now", word[0], word[1]);
	return vm->state == VM_RUNNING;
}

static void stop(char *const word[])
{
	struct vm *vm = find_vm(word);

	if (vm && vm_stop(vm))
		answer(word);
	else if (vm)
		refuse_ended(word);
}

static void start(char *const word[])
{
	struct vm *vm = find_vm(word);

	if (vm && vm_start(vm))
		answer(word);
	else if (vm)
		refuse_ended(word);
}

static void reset(char *const word[])
{
	struct vm *vm = find_vm(word);

	if (!vm || !check_runs(word, vm))
		return;
	vm_reset(vm);
	answer(word);
}

static void end(char *const word[])
{
	struct vm *vm = find_vm(word);

	if (!vm || !check_runs(word, vm))
		return;
	vm_end(vm, VM_STATUS_FAILED, "monitor");
	answer(word);
}

static void set_focus(char *const word[])
{
	struct vm *vm = NULL;

	if (strcmp(word[1], "none")) {
		vm = find_vm(word);
		if (!vm)
			return;
		if (vm->state == VM_ENDED) {
			refuse_ended(word);
			return;
		}
	}
	focus_set(vm);
}

/* A CPU's number, of up to 3 digits; UINT32_MAX: it is none. */
static uint32_t parse_number(const char *text)
{
	uint32_t number = 0;
	size_t digits = 0;

	for (; text[digits] >= '0' && text[digits] <= '9' && digits < 3; digits++)
		number = 10 * number + (uint32_t)(text[digits] - '0');
	return digits && !text[digits] ? number : UINT32_MAX;
}

static void set_cpu(char *const word[])
{
	uint32_t cpu = parse_number(word[1]);
	bool online = !strcmp(word[2], "online");
	struct refusal refusal;

	if (cpu == UINT32_MAX || (!online && strcmp(word[2], "offline")))
		log_error("command cpu %s %s: it is cpu, a number, and offline or online", word[1],
			  word[2]);
	else if (online_ask(cpu, online, &refusal))
		log_error("command cpu %s %s: %s", word[1], word[2], refusal.text);
}

static const struct command {
	const char *name;
	unsigned int words;
	void (*carry_out)(char *const word[]);
} commands[] = {
	{"help", 1, help},	 {"vms", 1, show_table}, {"vcpus", 1, show_table},
	{"cpus", 1, show_table}, {"fpu", 1, show_table}, {"stop", 2, stop},
	{"start", 2, start},	 {"reset", 2, reset},	 {"end", 2, end},
	{"focus", 2, set_focus}, {"cpu", 3, set_cpu},	 {"guests", 1, show_table},
};

/* How many there are; beyond WORDS_MAX they are counted only. */
static unsigned int split(char *line, char *word[])
{
	unsigned int words = 0;

	for (char *c = line; *c; c++) {
		if (*c == ' ') {
			*c = '\0';
		} else if (c == line || !c[-1]) {
			if (words < WORDS_MAX)
				word[words] = c;
			words++;
		}
	}
	return words;
}

void monitor_command(char *line)
{
	char *word[WORDS_MAX];
	char text[MONITOR_LINE_SIZE];
	unsigned int words;

	copy_string(text, sizeof(text), line);
	words = split(line, word);
	if (words == 1 && !strncmp(word[0], fpu_key, sizeof(fpu_key) - 1)) {
		set_fpu_policy(word[0] + sizeof(fpu_key) - 1);
		return;
	}
	for (size_t i = 0; words && i < ARRAY_SIZE(commands); i++) {
		if (strcmp(word[0], commands[i].name) || words != commands[i].words)
			continue;
		commands[i].carry_out(word);
		return;
	}
	log_error("command %s: there is no such command. " MONITOR_USAGE, text);
}
