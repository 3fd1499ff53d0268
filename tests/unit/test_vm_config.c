#include "tests/unit/unit.h"

#include "lib/refusal.h"
#include "vmm/vm_config.h"

static struct vm_config config;
static struct refusal refusal;

static int parse(const char *line)
{
	memset(&config, 0xAA, sizeof(config));
	refusal.text[0] = '\0';
	return vm_config_parse(&config, line, &refusal);
}

static void an_empty_line_gives_the_defaults(void **state)
{
	(void)state;
	assert_int_equal(parse(""), 0);
	assert_string_equal(config.name, "");
	assert_int_equal(config.memory, 64 << 20);
	assert_int_equal(config.vcpus, 1);
	assert_int_equal(config.cpus, UINT64_MAX);
	assert_string_equal(config.trust, "");
	assert_string_equal(config.of, "");
	assert_false(config.halt_ok);
	assert_int_equal(config.limit_ms, 0);
	assert_int_equal(config.runs, 1);
	assert_false(config.control);
	assert_false(config.argv0);
	assert_false(config.holes_end);
	assert_false(config.irq0);
	assert_string_equal(config.cmdline, "");
}

static void every_key_is_understood(void **state)
{
	(void)state;
	assert_int_equal(
		parse("name=g-1 mem=128M vcpus=1 cpus=0+2-3 trust=lab halt=ok of=h "
		      "limit=250 runs=3 control=on argv0=on holes=end irq0=on --  root=/dev/x \"a "
		      "b\" -- c"),
		0);
	assert_string_equal(config.name, "g-1");
	assert_int_equal(config.memory, 128 << 20);
	assert_int_equal(config.cpus, 0xD);
	assert_string_equal(config.trust, "lab");
	assert_string_equal(config.of, "h");
	assert_true(config.halt_ok);
	assert_int_equal(config.limit_ms, 250);
	assert_int_equal(config.runs, 3);
	assert_true(config.control);
	assert_true(config.argv0);
	assert_true(config.holes_end);
	assert_true(config.irq0);
	assert_string_equal(config.cmdline, "root=/dev/x \"a b\" -- c");
}

static void a_vm_without_a_name_is_named_after_its_file(void **state)
{
	static const struct {
		const char *line, *name;
	} cases[] = {
		{"/boot/my-guest.elf mem=2M", "my-guest"},
		{"g.elf", "g"},
		{"g", "g"},
		{"a/b/.hidden", ".hidden"},
		{"dir.d/kernel.tar.gz -- x", "kernel.tar"},
		{"\"/a b/c d.elf\"", "c_d"},
		{"/boot/", ""},
		{"/g.elf name=other", "other"},
		{"-- g.elf", ""},
		{"0123456789012345678901234567890123456789", "0123456789012345678901234567890"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(parse(cases[i].line), 0);
		assert_string_equal(config.name, cases[i].name);
	}
}

static void mistakes_are_refused_in_words(void **state)
{
	static const struct {
		const char *line, *says;
	} cases[] = {
		{"vcpus=17", "vcpus=17: accepted are 1 to 16"},
		{"vcpus=0", "accepted are 1 to 16"},
		{"vcpus=x", "accepted are 1 to 16"},
		{"mem=1023K", "1M to 16T"},
		{"mem=17592186044417K", "1M to 16T"},
		{"mem=17T", "1M to 16T"},
		{"mem=1048577", "multiples of 4K"},
		{"mem=99999999999999999999", "1M to 16T"},
		{"mem=", "1M to 16T"},
		{"cpus=64", "CPUs 0 to 63"},
		{"cpus=", "CPUs 0 to 63"},
		{"cpus=0,1", "CPUs 0 to 63"},
		{"name=", "a name is"},
		{"name=a/b", "a name is"},
		{"name=01234567890123456789012345678901", "a name is"},
		{"trust=\"a b\"", "a name is"},
		{"of=\xff", "a name is"},
		{"halt=yes", "halt=ok"},
		{"limit=-1", "milliseconds"},
		{"limit=1s", "milliseconds"},
		{"runs=0", "1 to"},
		{"runs=1000001", "1 to"},
		{"control=off", "control=on"},
		{"argv0=off", "argv0=on"},
		{"holes=on", "holes=end"},
		{"irq0=off", "irq0=on"},
		{"memory=64M", "name, mem, vcpus, cpus, trust, of, halt, limit"},
		{"g.elf root=/dev/sda", "not known"},
		{"g.elf quiet", "KEY=VALUE"},
		{"=", "not known"},
		{"name=\"g", "a quote is not closed"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(parse(cases[i].line), -EINVAL);
		if (!strstr(refusal.text, cases[i].says))
			fail_msg("\"%s\" says \"%s\"", cases[i].line, refusal.text);
	}
}

static void the_bounds_of_memory_are_accepted(void **state)
{
	(void)state;
	assert_int_equal(parse("mem=1M"), 0);
	assert_int_equal(parse("mem=16T"), 0);
	assert_int_equal(config.memory, 16ull << 40);
	assert_int_equal(parse("mem=1028K"), 0);
}

static void a_guest_command_line_too_long_is_refused(void **state)
{
	char line[600] = "-- ";

	(void)state;
	memset(line + 3, 'x', VM_CMDLINE_SIZE - 1);
	line[3 + VM_CMDLINE_SIZE - 1] = '\0';
	assert_int_equal(parse(line), 0);
	assert_int_equal(strlen(config.cmdline), VM_CMDLINE_SIZE - 1);
	strcat(line, "y");
	assert_int_equal(parse(line), -EINVAL);
	memset(line, 'x', 599);
	assert_int_equal(parse(line), -EINVAL);
}

/* Whatever stands in the line: what is accepted must not be cut off. */
static void no_refusal_is_too_long_for_its_text(void **state)
{
	static const char *const keys[] = {"name",  "trust", "of",   "mem",	"vcpus",
					   "cpus",  "halt",  "runs", "control", "limit",
					   "argv0", "holes", "irq0", NULL};
	char line[200], value[100];

	(void)state;
	memset(value, '?', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		snprintf(line, sizeof(line), "%s=%s", keys[i] ? keys[i] : value, value);
		assert_int_equal(parse(line), -EINVAL);
		assert_in_range(strlen(refusal.text), 1, REFUSAL_SIZE - 2);
	}
	snprintf(line, sizeof(line), "g.elf %s", value);
	assert_int_equal(parse(line), -EINVAL);
	assert_in_range(strlen(refusal.text), 1, REFUSAL_SIZE - 2);
}

static void damaged_lines_are_survived(void **state)
{
	static const char line[] =
		"/boot/g.elf name=g mem=64M vcpus=1 cpus=0+2-3 trust=lab halt=ok limit=5 -- a b";
	uint64_t seed = 0xC0F;

	(void)state;
	for (size_t length = 0; length < sizeof(line); length++) {
		char *copy = exact_copy(line, length + 1);

		copy[length] = '\0';
		parse(copy);
		free(copy);
	}
	for (int round = 0; round < 30000; round++) {
		char *copy = exact_copy(line, sizeof(line));

		for (uint64_t n = 1 + random_next(&seed) % 4; n; n--) {
			uint64_t random = random_next(&seed);

			copy[random % (sizeof(line) - 1)] = (char)(random >> 32);
		}
		if (!parse(copy)) {
			assert_true(config.memory >= 1 << 20 && config.memory <= 16ull << 40);
			assert_true(config.vcpus >= 1 && config.vcpus <= VM_VCPUS_MAX);
			assert_true(strlen(config.name) < VM_NAME_SIZE);
		} else {
			assert_true(refusal.text[0] && strlen(refusal.text) < REFUSAL_SIZE - 1);
		}
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_line_gives_the_defaults),
		cmocka_unit_test(every_key_is_understood),
		cmocka_unit_test(a_vm_without_a_name_is_named_after_its_file),
		cmocka_unit_test(mistakes_are_refused_in_words),
		cmocka_unit_test(the_bounds_of_memory_are_accepted),
		cmocka_unit_test(a_guest_command_line_too_long_is_refused),
		cmocka_unit_test(no_refusal_is_too_long_for_its_text),
		cmocka_unit_test(damaged_lines_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
