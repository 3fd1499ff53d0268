#include "tests/unit/unit.h"

#include <asm/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "boot/clock.h"
#include "lib/console.h"
#include "lib/x86.h"
#include "vmm/output.h"
#include "vmm/pcpu.h"
#include "vmm/request.h"
#include "vmm/vm.h"

#define VMS 3

static struct pcpu pcpu;
static struct vm vms[VMS];
static struct vcpu vcpus[VMS];
static console_sink *sink;
static char sent[1 << 20];
static size_t sent_length;
static size_t room;	      /* characters that the device takes at once */
static bool given_up;	      /* ... and then all, which are dropped */
static unsigned int undrawn;  /* calls until all is shown */
static void (*at_send)(void); /* what happens while it sends, once, or NULL */

uint32_t vms_count(void)
{
	return VMS;
}

struct vm *vm_at(uint32_t index)
{
	return &vms[index];
}

static unsigned int requests;

void vcpu_request(struct vcpu *vcpu, uint32_t what)
{
	vcpu->pending |= what;
	requests++;
}

/* So slow a clock that no deadline passes while a test looks at it. */
static uint64_t ticks_per_us;

uint64_t clock_us_to_tsc(uint64_t microseconds)
{
	return microseconds * ticks_per_us;
}

void console_set_sink(console_sink *new_sink)
{
	sink = new_sink;
}

void console_write(const char *text, size_t length)
{
	assert_true(sent_length + length < sizeof(sent));
	memcpy(sent + sent_length, text, length);
	sent_length += length;
}

size_t console_send(const char *text, size_t length)
{
	if (at_send) {
		void (*happens)(void) = at_send;

		at_send = NULL;
		happens();
	}
	if (given_up)
		return length;
	length = length < room ? length : room;
	console_write(text, length);
	room -= length;
	return length;
}

size_t console_echo(const char *text, size_t length)
{
	return console_send(text, length);
}

bool console_show(void)
{
	return undrawn && --undrawn;
}

void console_give_up(void)
{
	given_up = true;
}

static int start(void **state)
{
	(void)state;
	pcpu = (struct pcpu){};
	pcpu.cpu.self = &pcpu.cpu;
	syscall(SYS_arch_prctl, ARCH_SET_GS, &pcpu); /* where this_cpu() looks */
	memset(vms, 0, sizeof(vms));
	memset(vcpus, 0, sizeof(vcpus));
	for (unsigned int i = 0; i < VMS; i++)
		vms[i].vcpu[0] = &vcpus[i];
	memset(sent, 0, sizeof(sent));
	sent_length = requests = 0;
	room = SIZE_MAX;
	given_up = false;
	undrawn = 0;
	at_send = NULL;
	ticks_per_us = 3000000;
	output_start();
	return 0;
}

static int end(void **state)
{
	(void)state;
	room = SIZE_MAX;
	output_end();
	assert_null(sink);
	assert_false(pcpu.in_output);
	assert_int_equal(output_own.lock.holder, 0);
	for (unsigned int i = 0; i < VMS; i++)
		assert_int_equal(vms[i].output.lock.holder, 0);
	return 0;
}

static void say(struct vm *vm, const char *text)
{
	pcpu.output = vm;
	sink(text, strlen(text));
	pcpu.output = NULL;
}

static void expect_sent(const char *text)
{
	assert_string_equal(sent, text);
}

static void lines_of_all_go_out_in_the_order_in_which_they_were_printed(void **state)
{
	(void)state;
	room = 0;
	say(&vms[2], "first\n");
	say(NULL, "second\n");
	say(&vms[0], "third\n");
	say(&vms[2], "fourth\n");
	output_send();
	expect_sent("");
	room = SIZE_MAX;
	output_send();
	expect_sent("first\nsecond\nthird\nfourth\n");
	assert_true(output_due() == OUTPUT_NEVER);
}

static void a_line_that_goes_out_in_pieces_is_not_torn_by_an_older_or_newer_one(void **state)
{
	(void)state;
	say(&vms[1], "one that takes several calls to go out\n");
	for (unsigned int i = 0; i < 4; i++) {
		room = 3;
		output_send();
		say(&vms[i % VMS], "x\n");
		say(NULL, "@record\n");
	}
	room = SIZE_MAX;
	output_send();
	assert_true(!strncmp(sent, "one that takes several calls to go out\nx\n@record\nx\n", 51));
}

static void what_waits_is_due_and_what_has_gone_out_is_not(void **state)
{
	uint64_t due;

	(void)state;
	assert_true(output_due() == OUTPUT_NEVER);
	room = 2;
	say(&vms[0], "abcdef\n");
	assert_true(output_due() <= rdtsc());
	assert_false(output_send());
	due = output_due();
	assert_true(due != OUTPUT_NEVER && due > rdtsc());
	room = SIZE_MAX;
	undrawn = UINT32_MAX; /* a screen that is behind is due as well */
	output_send();
	assert_true(output_due() != OUTPUT_NEVER);
	undrawn = 0;
	output_send();
	assert_true(output_due() == OUTPUT_NEVER);
}

static void a_vm_whose_ring_is_nearly_full_waits_and_no_other(void **state)
{
	unsigned int lines = 0;
	char line[128];

	(void)state;
	room = 0;
	for (; output_has_room(&vms[0]); lines++) {
		snprintf(line, sizeof(line), "line %u of this one\n", lines);
		vcpus[0].pending = 0;
		say(&vms[0], line);
	}
	assert_true(lines > 100);
	assert_true(vcpus[0].pending & VCPU_OUTPUT); /* leaves the CPU at once */
	assert_true(output_has_room(&vms[1]) && output_own_has_room());
	say(&vms[1], "other\n");
	room = SIZE_MAX;
	while (output_due() != OUTPUT_NEVER)
		output_send();
	assert_true(output_has_room(&vms[0]));
	for (unsigned int i = 0, at = 0; i < lines; i++) {
		int length = snprintf(line, sizeof(line), "line %u of this one\n", i);

		assert_memory_equal(sent + at, line, length);
		at += length;
	}
}

/* It would be an error, but not one that loses a line. */
static void a_ring_that_is_full_all_the_same_loses_nothing(void **state)
{
	char line[1024];

	(void)state;
	memset(line, 'y', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	pcpu.output = &vms[0];
	for (unsigned int i = 0; i < 100; i++)
		sink(line, sizeof(line));
	pcpu.output = NULL;
	while (output_due() != OUTPUT_NEVER)
		output_send();
	assert_int_equal(sent_length, 100 * sizeof(line));
}

static void time_is_charged_to_the_vm_whose_line_it_is(void **state)
{
	(void)state;
	room = 0;
	for (unsigned int i = 0; i < 100; i++)
		say(&vms[1], "a line of some length, that takes a while to go out\n");
	room = SIZE_MAX;
	while (output_due() != OUTPUT_NEVER)
		output_send();
	assert_true(vms[1].debt > 0);
	assert_int_equal(vcpus[1].ran, vms[1].debt); /* limit= counts it */
	assert_int_equal(vms[0].debt, 0);
	assert_int_equal(vms[2].debt, 0);
	say(NULL, "of the hypervisor\n");
	vms[1].debt = 0;
	output_send();
	assert_int_equal(vms[0].debt + vms[1].debt + vms[2].debt, 0);
}

static void the_end_waits_for_all(void **state)
{
	(void)state;
	room = 0;
	say(&vms[0], "one\n");
	say(&vms[1], "two\n");
	output_send();
	room = SIZE_MAX;
	undrawn = 5;
	output_end();
	expect_sent("one\ntwo\n");
	assert_int_equal(undrawn, 0);
	output_start();
}

static void after_a_panic_what_waited_is_printed_whole(void **state)
{
	(void)state;
	room = 3;
	say(&vms[0], "cut\n");
	say(&vms[1], "whole\n");
	output_send();
	expect_sent("cut");
	output_print_waiting(); /* console_write() breaks the line off */
	expect_sent("cutcut\nwhole\n");
}

/* CPUs that were stopped have left locks held. */
static void after_a_panic_no_lock_is_waited_for(void **state)
{
	(void)state;
	room = 0;
	say(&vms[0], "one\n");
	say(NULL, "two\n");
	vms[0].output.lock.holder = 3;
	output_own.lock.holder = 2;
	pcpu.cpu.lock_rank = LOCK_LEAF;
	output_print_waiting();
	expect_sent("one\ntwo\n");
	assert_int_equal(pcpu.cpu.lock_rank, LOCK_NONE);
}

static void interrupt(void)
{
	say(&vms[1], "at once\n");
	assert_false(output_send()); /* one sends already */
}

/* As a machine check has to. */
static void what_is_said_in_the_middle_of_sending_waits_for_nothing(void **state)
{
	(void)state;
	say(&vms[0], "one\n");
	at_send = interrupt;
	output_send();
	expect_sent("at once\none\n");
	assert_true(line_ring_empty(&vms[1].output));
}

static void who_says_something_is_asked_to_look_when_it_did_not_wait_before(void **state)
{
	(void)state;
	room = 0;
	say(&vms[0], "first\n");
	assert_int_equal(vcpus[0].pending, VCPU_OUTPUT);
	say(&vms[1], "is due already\n");
	assert_int_equal(vcpus[1].pending, 0);
	assert_int_equal(requests, 2);
	say(NULL, "nobody's\n");
	assert_int_equal(requests, 2);
}

static void a_device_that_takes_nothing_for_long_is_given_up(void **state)
{
	(void)state;
	room = 0;
	ticks_per_us = 1;
	output_start();
	say(&vms[0], "lost\n");
	while (!given_up)
		output_send();
	while (output_due() != OUTPUT_NEVER)
		output_send();
	assert_true(line_ring_empty(&vms[0].output));
}

static void the_foot_is_seen_though_there_are_always_more_lines(void **state)
{
	(void)state;
	ticks_per_us = 1;
	output_start();
	output_foot("typed");
	while (!strstr(sent, "typed")) {
		for (unsigned int i = 0; i < 3; i++)
			say(&vms[0], "one of many\n");
		output_send();
	}
	assert_false(line_ring_empty(&vms[0].output));
	assert_true(strstr(sent, "\ntyped") || !strncmp(sent, "typed", 5)); /* no line is torn */
}

#define output_test(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		output_test(lines_of_all_go_out_in_the_order_in_which_they_were_printed),
		output_test(a_line_that_goes_out_in_pieces_is_not_torn_by_an_older_or_newer_one),
		output_test(what_waits_is_due_and_what_has_gone_out_is_not),
		output_test(a_vm_whose_ring_is_nearly_full_waits_and_no_other),
		output_test(a_ring_that_is_full_all_the_same_loses_nothing),
		output_test(time_is_charged_to_the_vm_whose_line_it_is),
		output_test(the_end_waits_for_all),
		output_test(after_a_panic_what_waited_is_printed_whole),
		output_test(after_a_panic_no_lock_is_waited_for),
		output_test(what_is_said_in_the_middle_of_sending_waits_for_nothing),
		output_test(who_says_something_is_asked_to_look_when_it_did_not_wait_before),
		output_test(a_device_that_takes_nothing_for_long_is_given_up),
		output_test(the_foot_is_seen_though_there_are_always_more_lines),
	};

	return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
