#include "vmm/vm_config.h"

#include "lib/cmdline.h"
#include "lib/errno.h"
#include "lib/refusal.h"
#include "lib/string.h"

#define LIMIT_MAX_MS (366ull * 24 * 3600 * 1000)
#define RUNS_MAX     1000000u
#define ACCEPTED     "name, mem, vcpus, cpus, trust, of, halt, limit, runs, control, argv0, holes, irq0"

#define MEMORY_MIN     (1ull << 20)
#define MEMORY_MAX     (16ull << 40)
#define MEMORY_DEFAULT (64ull << 20)
#define MEMORY_UNIT    4096

static bool is_name_character(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.' || c == '-';
}

static int parse_name(char name[VM_NAME_SIZE], const char *key, const char *value,
		      struct refusal *refusal)
{
	size_t length = 0;

	while (is_name_character(value[length]))
		length++;
	if (!length || value[length] || length >= VM_NAME_SIZE)
		return refuse(refusal, -EINVAL,
			      "%s=%.40s: a name is 1 to %d of the characters A-Z a-z 0-9 _ . -",
			      key, value, VM_NAME_SIZE - 1);
	copy_string(name, VM_NAME_SIZE, value);
	return 0;
}

static int parse_memory(struct vm_config *config, const char *value, struct refusal *refusal)
{
	uint64_t memory;

	if (cmdline_size(value, &memory) || memory < MEMORY_MIN || memory > MEMORY_MAX ||
	    memory % MEMORY_UNIT)
		return refuse(refusal, -EINVAL,
			      "mem=%.40s: accepted are 1M to 16T, in multiples of 4K", value);
	config->memory = memory;
	return 0;
}

static int parse_vcpus(struct vm_config *config, const char *value, struct refusal *refusal)
{
	uint64_t vcpus;

	if (cmdline_number(value, &vcpus) || !vcpus || vcpus > VM_VCPUS_MAX)
		return refuse(refusal, -EINVAL, "vcpus=%.40s: accepted are 1 to %d", value,
			      VM_VCPUS_MAX);
	config->vcpus = vcpus;
	return 0;
}

static int parse_pair(struct vm_config *config, const char *key, const char *value,
		      struct refusal *refusal)
{
	uint64_t number;

	if (!strcmp(key, "name"))
		return parse_name(config->name, key, value, refusal);
	if (!strcmp(key, "trust"))
		return parse_name(config->trust, key, value, refusal);
	if (!strcmp(key, "of"))
		return parse_name(config->of, key, value, refusal);
	if (!strcmp(key, "mem"))
		return parse_memory(config, value, refusal);
	if (!strcmp(key, "vcpus"))
		return parse_vcpus(config, value, refusal);
	if (!strcmp(key, "cpus")) {
		if (!cmdline_cpus(value, &config->cpus))
			return 0;
		return refuse(refusal, -EINVAL,
			      "cpus=%.40s: accepted are CPUs 0 to 63, as in 0+2-3", value);
	}
	if (!strcmp(key, "halt")) {
		config->halt_ok = !strcmp(value, "ok");
		if (config->halt_ok)
			return 0;
		return refuse(refusal, -EINVAL, "halt=%.40s: accepted is halt=ok", value);
	}
	if (!strcmp(key, "holes")) {
		config->holes_end = !strcmp(value, "end");
		if (config->holes_end)
			return 0;
		return refuse(refusal, -EINVAL, "holes=%.40s: accepted is holes=end", value);
	}
	if (!strcmp(key, "runs")) {
		if (!cmdline_number(value, &number) && number >= 1 && number <= RUNS_MAX) {
			config->runs = number;
			return 0;
		}
		return refuse(
			refusal, -EINVAL,
			"runs=%.40s: accepted is 1 to %u: how often the VM is made anew and run",
			value, RUNS_MAX);
	}
	if (!strcmp(key, "control")) {
		config->control = !strcmp(value, "on");
		if (config->control)
			return 0;
		return refuse(refusal, -EINVAL, "control=%.40s: accepted is control=on", value);
	}
	if (!strcmp(key, "argv0")) {
		config->argv0 = !strcmp(value, "on");
		if (config->argv0)
			return 0;
		return refuse(refusal, -EINVAL, "argv0=%.40s: accepted is argv0=on", value);
	}
	if (!strcmp(key, "irq0")) {
		config->irq0 = !strcmp(value, "on");
		if (config->irq0)
			return 0;
		return refuse(refusal, -EINVAL, "irq0=%.40s: accepted is irq0=on", value);
	}
	if (!strcmp(key, "limit")) {
		if (!cmdline_number(value, &config->limit_ms) && config->limit_ms <= LIMIT_MAX_MS)
			return 0;
		return refuse(refusal, -EINVAL,
			      "limit=%.40s: accepted is CPU time in milliseconds, up to a year; 0 "
			      "for none",
			      value);
	}
	return refuse(refusal, -EINVAL,
		      "%.32s=: not known: accepted are " ACCEPTED
		      ", and -- before the guest's command line",
		      key);
}

/* "/boot/my-guest.elf" names a VM "my-guest". What no name may contain becomes '_'. */
static void name_after_file(char name[VM_NAME_SIZE], const char *path)
{
	const char *base = path;
	size_t length = 0;

	for (const char *slash = path; (slash = strchr(slash, '/')) != NULL;)
		base = ++slash;
	while (base[length] && length < VM_NAME_SIZE - 1) {
		name[length] = is_name_character(base[length]) ? base[length] : '_';
		length++;
	}
	name[length] = '\0';
	while (length-- > 1) {
		if (name[length] == '.') {
			name[length] = '\0';
			break;
		}
	}
}

int vm_config_parse(struct vm_config *config, const char *line, struct refusal *refusal)
{
	char word[256];
	int result;

	*config = (struct vm_config){
		.memory = MEMORY_DEFAULT,
		.vcpus = 1,
		.runs = 1,
		.cpus = UINT64_MAX,
	};
	for (bool first = true; (result = cmdline_next(&line, word, sizeof(word))) != 0;
	     first = false) {
		char *value;

		if (result < 0)
			return refuse(refusal, -EINVAL, "%.40s...: %s", word,
				      result == -EINVAL ? "a quote is not closed" : "too long");
		if (!strcmp(word, "--"))
			break;
		value = cmdline_split(word);
		if (!value && first) {
			name_after_file(config->name, word);
		} else if (!value) {
			return refuse(refusal, -EINVAL,
				      "%.32s: KEY=VALUE is expected, with the keys " ACCEPTED
				      ", and -- before the guest's command line",
				      word);
		} else if (parse_pair(config, word, value, refusal)) {
			return -EINVAL;
		}
	}
	while (*line == ' ')
		line++;
	if (copy_string(config->cmdline, sizeof(config->cmdline), line) >= sizeof(config->cmdline))
		return refuse(refusal, -EINVAL,
			      "the guest's command line is longer than %d characters",
			      VM_CMDLINE_SIZE - 1);
	return 0;
}
