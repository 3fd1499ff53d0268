#include "tests/unit/unit.h"

#include "boot/clock.h"
#include "boot/power.h"
#include "fpu/method.h"
#include "fpu/tiles_detect.h"
#include "fpu/owner.h"
#include "lib/console.h"
#include "vmm/exit/provoke.h"
#include "vmm/options.h"
#include "vmx/mitigations.h"
#include "vmx/multihit.h"
#include "vmx/preemption.h"

struct heard {
	uint32_t count;
	char last[320];
};

static struct options options;
static struct heard heard;

static void hear(void *arg, const char *message)
{
	struct heard *h = arg;

	h->count++;
	assert_true(strlen(message) < sizeof(h->last));
	strcpy(h->last, message);
}

static void parse(const char *cmdline)
{
	memset(&options, 0xAA, sizeof(options));
	memset(&heard, 0, sizeof(heard));
	options_parse(&options, cmdline, hear, &heard);
}

static void expect_defaults(void)
{
	assert_int_equal(options.fpu, FPU_AUTO);
	assert_int_equal(options.xsave, FPU_METHOD_AUTO);
	assert_int_equal(options.amx, FPU_TILES_AUTO);
	assert_int_equal(options.slice_us, 2000);
	assert_int_equal(options.migrate, 0);
	assert_int_equal(options.maxcpus, 64);
	assert_int_equal(options.console, CONSOLE_COM1 | CONSOLE_VGA | CONSOLE_FRAMEBUFFER);
	assert_int_equal(options.trace, 0);
	assert_int_equal(options.clock, CLOCK_SOURCE_AUTO);
	assert_int_equal(options.tracesize, 65536);
	assert_int_equal(options.preemption, PREEMPTION_AUTO);
	assert_int_equal(options.multihit, MULTIHIT_AUTO);
	assert_int_equal(options.mitigations, MITIGATIONS_AUTO);
	assert_int_equal(options.apicv, 1);
	assert_int_equal(options.stats, 1);
	assert_int_equal(options.loglevel, LOG_INFO);
	assert_int_equal(options.panic, POWER_PANIC_AUTO);
	assert_int_equal(options.hostfpu, 0);
	assert_int_equal(options.crash, PROVOKE_NONE);
	assert_int_equal(options.log, LOG_OPTION_KEEP);
	assert_int_equal(options.entrycheck, 0);
	assert_string_equal(options.gdb, "");
	assert_int_equal(options.gdbwait, 1);
}

static void an_empty_line_gives_the_defaults(void **state)
{
	(void)state;
	parse("");
	expect_defaults();
	assert_int_equal(heard.count, 0);
}

static void a_text_is_any_word_that_has_room(void **state)
{
	(void)state;
	parse("gdb=a gdbwait=off");
	assert_string_equal(options.gdb, "a");
	assert_int_equal(options.gdbwait, 0);
	parse("gdb=1234567890123456789012345678901");
	assert_string_equal(options.gdb, "1234567890123456789012345678901");
	assert_int_equal(heard.count, 0);
	parse("gdb=12345678901234567890123456789012");
	expect_defaults();
	assert_string_equal(heard.last,
			    "option gdb=12345678901234567890123456789012 is ignored: accepted is "
			    "the name of a VM, of up to 31 characters");
}

static void a_file_name_in_front_is_skipped_and_only_there(void **state)
{
	(void)state;
	parse("/boot/resident.elf fpu=eager");
	assert_int_equal(options.fpu, FPU_EAGER);
	assert_int_equal(heard.count, 0);
	parse("fpu=eager resident.elf");
	assert_int_equal(options.fpu, FPU_EAGER);
	assert_int_equal(heard.count, 1);
}

static void every_option_is_understood(void **state)
{
	(void)state;
	parse("fpu=unload xsave=xsavec migrate=7 slice=500 maxcpus=0x2 console=e9+com1 trace=on "
	      "tracesize=100 "
	      "timer=pit clock=hpet stats=off loglevel=3 panic=reboot hostfpu=exits "
	      "crash=vmentry preemption=apic multihit=split mitigations=all apicv=off log=last "
	      "amx=force entrycheck=on");
	assert_int_equal(heard.count, 0);
	assert_int_equal(options.preemption, PREEMPTION_APIC);
	assert_int_equal(options.multihit, MULTIHIT_SPLIT);
	assert_int_equal(options.mitigations, MITIGATIONS_ALL);
	assert_int_equal(options.apicv, 0);
	assert_int_equal(options.amx, FPU_TILES_FORCE);
	assert_int_equal(options.fpu, FPU_UNLOAD);
	assert_int_equal(options.xsave, FPU_XSAVEC);
	assert_int_equal(options.slice_us, 500);
	assert_int_equal(options.migrate, 7);
	assert_int_equal(options.maxcpus, 2);
	assert_int_equal(options.console, CONSOLE_COM1 | CONSOLE_E9);
	assert_int_equal(options.trace, 1);
	assert_int_equal(options.tracesize, 100);
	assert_int_equal(options.timer, CLOCK_TIMER_PIT);
	assert_int_equal(options.clock, CLOCK_SOURCE_HPET);
	assert_int_equal(options.stats, 0);
	assert_int_equal(options.loglevel, LOG_DEBUG);
	assert_int_equal(options.panic, POWER_PANIC_REBOOT);
	assert_int_equal(options.hostfpu, 1);
	assert_int_equal(options.crash, PROVOKE_VMENTRY);
	assert_int_equal(options.log, LOG_OPTION_LAST);
	assert_int_equal(options.entrycheck, 1);
	parse("console=vga,e9");
	assert_int_equal(options.console, CONSOLE_VGA | CONSOLE_E9);
	parse("console=fb");
	assert_int_equal(options.console, CONSOLE_FRAMEBUFFER);
}

static void the_doctor_needs_no_value(void **state)
{
	(void)state;
	parse("slice=500 doctor panic=halt");
	assert_int_equal(heard.count, 0);
	assert_int_equal(options.doctor, 1);
	assert_int_equal(options.panic, POWER_PANIC_HALT);
	parse("doctor=off");
	assert_int_equal(options.doctor, 0);
	parse("doctor=please");
	expect_defaults();
	assert_string_equal(heard.last, "option doctor=please is ignored: accepted is on, off");
}

static void each_way_to_save_is_understood(void **state)
{
	static const struct {
		const char *line;
		uint32_t value;
	} ways[] = {{"xsave=auto", FPU_METHOD_AUTO},  {"xsave=xsaves", FPU_XSAVES},
		    {"xsave=xsaveopt", FPU_XSAVEOPT}, {"xsave=xsavec", FPU_XSAVEC},
		    {"xsave=xsave", FPU_XSAVE},	      {"xsave=fxsave", FPU_FXSAVE}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		parse(ways[i].line);
		assert_int_equal(options.xsave, ways[i].value);
		assert_int_equal(heard.count, 0);
	}
	parse("xsave=xsavess");
	expect_defaults();
	assert_string_equal(heard.last, "option xsave=xsavess is ignored: accepted is auto, "
					"xsaves, xsaveopt, xsavec, xsave, fxsave");
}

static void the_bounds_of_numbers_are_accepted_and_what_is_beyond_is_not(void **state)
{
	static const char *const good[] = {"slice=100",	 "slice=1000000",  "maxcpus=1",
					   "maxcpus=64", "loglevel=0",	   "loglevel=3",
					   "migrate=0",	 "migrate=1000000"};
	static const char *const bad[] = {"slice=99",
					  "slice=1000001",
					  "slice=",
					  "slice=-1",
					  "slice=5ms",
					  "slice=4294968296",
					  "maxcpus=0",
					  "maxcpus=65",
					  "loglevel=4",
					  "migrate=-1",
					  "migrate=1000001",
					  "loglevel=debug",
					  "slice=18446744073709551716"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		parse(good[i]);
		assert_int_equal(heard.count, 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		parse(bad[i]);
		assert_int_equal(heard.count, 1);
		expect_defaults();
	}
}

static void a_wrong_word_is_told_with_what_is_accepted(void **state)
{
	(void)state;
	parse("fpu=best");
	expect_defaults();
	assert_string_equal(heard.last, "option fpu=best is ignored: accepted is "
					"lazy, scrub, eager, unload, swap, auto");
	parse("console=com1+screen");
	expect_defaults();
	assert_string_equal(heard.last, "option console=com1+screen is ignored: accepted is "
					"com1, vga, fb, e9, joined by +");
	parse("console=");
	expect_defaults();
	assert_int_equal(heard.count, 1);
	parse("console=com1+");
	expect_defaults();
	assert_int_equal(heard.count, 1);
	parse("x=1 --help fpu panic=panic");
	expect_defaults();
	assert_int_equal(heard.count, 4);
	parse("turbo=1");
	assert_non_null(strstr(heard.last, "slice"));
}

static void what_each_option_accepts_is_told_whole(void **state)
{
	static const struct {
		const char *key, *accepted;
	} options_told[] = {
		{"fpu", "lazy, scrub, eager, unload, swap, auto"},
		{"xsave", "auto, xsaves, xsaveopt, xsavec, xsave, fxsave"},
		{"migrate",
		 "0 to 1000000 turns on one CPU, then the next; 0: only for want of work"},
		{"slice", "100 to 1000000 microseconds"},
		{"maxcpus", "1 to 64"},
		{"console", "com1, vga, fb, e9, joined by +"},
		{"timer", "auto, apic, pit"},
		{"clock", "auto, pit, hpet, pm, cpuid"},
		{"preemption", "auto, vmx, apic"},
		{"amx", "auto, off, force"},
		{"multihit", "auto, split, off"},
		{"mitigations", "auto, off, all"},
		{"apicv", "auto, off"},
		{"ple", "auto, off"},
		{"trace", "on, off"},
		{"tracesize", "16 to 1048576 entries for each CPU"},
		{"stats", "on, off"},
		{"loglevel", "0 (errors), 1 (warnings), 2 (info), 3 (debug)"},
		{"panic", "auto, reboot, halt, exit"},
		{"verbose", "on, off"},
		{"hostfpu", "off, exits"},
		{"crash",
		 "none, pagefault, textwrite, stack, frame, vector, vmentry, section, "
		 "entry-checks, entry-sample, nmi, kicks, nested, memory, storm, init, idle"},
		{"doctor", "on, off"},
		{"entrycheck", "on, off"},
		{"gdbwait", "on, off"},
		{"log", "keep, last"},
	};
	char line[64], expected[320];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(options_told); i++) {
		snprintf(line, sizeof(line), "%s=?", options_told[i].key);
		snprintf(expected, sizeof(expected), "option %s=? is ignored: accepted is %s",
			 options_told[i].key, options_told[i].accepted);
		parse(line);
		assert_string_equal(heard.last, expected);
		expect_defaults();
	}
	parse("turbo=1");
	assert_string_equal(
		heard.last,
		"option turbo is not known: accepted are fpu xsave amx migrate slice maxcpus "
		"console timer clock preemption multihit mitigations apicv ple trace tracesize "
		"stats "
		"loglevel panic verbose hostfpu entrycheck crash doctor gdb gdbwait log");
}

static void one_mistake_does_not_lose_the_rest(void **state)
{
	(void)state;
	parse("fpu=nonsense slice=300 =x maxcpus=3");
	assert_int_equal(heard.count, 2);
	assert_int_equal(options.slice_us, 300);
	assert_int_equal(options.maxcpus, 3);
}

static void long_words_and_open_quotes_are_told(void **state)
{
	char line[400];

	(void)state;
	memset(line, 'x', sizeof(line));
	memcpy(line, "fpu=", 4);
	strcpy(line + 300, " slice=300");
	parse(line);
	assert_int_equal(heard.count, 1);
	assert_int_equal(options.slice_us, 300);
	parse("slice=300 panic=\"halt");
	assert_int_equal(heard.count, 1);
	assert_int_equal(options.panic, POWER_PANIC_AUTO);
}

static void random_lines_are_survived_with_valid_results(void **state)
{
	static const char *const parts[] = {"fpu",     "=",    "slice",	  "lazy", " ",
					    "console", "com1", "+",	  ",",	  "99",
					    "\"",      "\\",   "maxcpus", "'",	  "migrate"};
	uint64_t seed = 0x0971;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char line[128] = "";

		for (uint64_t n = random_next(&seed) % 12; n; n--)
			strcat(line, parts[random_next(&seed) % ARRAY_SIZE(parts)]);

		char *copy = exact_copy(line, strlen(line) + 1);

		parse(copy);
		assert_true(options.fpu <= FPU_AUTO);
		assert_in_range(options.slice_us, 100, 1000000);
		assert_in_range(options.migrate, 0, 1000000);
		assert_in_range(options.maxcpus, 1, 64);
		assert_in_range(options.console, 1, 15);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_line_gives_the_defaults),
		cmocka_unit_test(a_text_is_any_word_that_has_room),
		cmocka_unit_test(a_file_name_in_front_is_skipped_and_only_there),
		cmocka_unit_test(every_option_is_understood),
		cmocka_unit_test(the_doctor_needs_no_value),
		cmocka_unit_test(each_way_to_save_is_understood),
		cmocka_unit_test(the_bounds_of_numbers_are_accepted_and_what_is_beyond_is_not),
		cmocka_unit_test(a_wrong_word_is_told_with_what_is_accepted),
		cmocka_unit_test(what_each_option_accepts_is_told_whole),
		cmocka_unit_test(one_mistake_does_not_lose_the_rest),
		cmocka_unit_test(long_words_and_open_quotes_are_told),
		cmocka_unit_test(random_lines_are_survived_with_valid_results),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
