#include "tests/unit/monitor_fixture.h"

static void each_policy_is_set_by_its_name_and_recorded(void **state)
{
	(void)state;
	for (unsigned int wanted_policy = 0; wanted_policy < FPU_POLICIES; wanted_policy++) {
		const char *name = fpu_policy_name((enum fpu_policy)wanted_policy);
		char text[64], wanted[128];

		policy = FPU_AUTO;
		printed[0] = '\0';
		snprintf(text, sizeof(text), "fpu=%s\r\n", name);
		snprintf(wanted, sizeof(wanted), "policy fpu=%s before=auto\n", name);
		type(text);
		assert_int_equal(policy, wanted_policy);
		assert_string_equal(printed, wanted);
	}
	assert_int_equal(policies_set, FPU_POLICIES);
	assert_int_equal(errors, 0);
}

static void a_line_may_come_in_parts_and_takes_effect_when_it_ends(void **state)
{
	(void)state;
	type("fpu=lazy");
	assert_int_equal(policies_set, 0);
	type("\n");
	assert_int_equal(policy, FPU_LAZY);
}

static void what_was_mistyped_can_be_taken_back(void **state)
{
	(void)state;
	type("x\b\b\bfpu=eagle\x7f\x7f"
	     "er\n");
	assert_int_equal(policy, FPU_EAGER);
	type("fpu=lazy and a great deal more than what there is any room for at all\b\b\b\n");
	assert_int_equal(policy, FPU_EAGER);
	assert_int_equal(errors, 1);
}

static void what_is_not_understood_changes_nothing_and_is_told_what_is(void **state)
{
	static const char *const bad[] = {
		"fpu=\n",
		"fpu=lazier\n",
		"fpu=laz\n",
		"FPU=lazy\n",
		"fpu = lazy\n",
		"reboot\n",
		" \n",
		"fpu=lazy x\n",
		"stop\n",
		"stop a b\n",
		"vms a\n",
		"cpu 0\n",
		"help help help help\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		printed[0] = '\0';
		type(bad[i]);
		assert_int_equal(errors, i + 1);
		assert_non_null(strstr(printed, "fpu=lazy|scrub|eager|unload|swap|auto"));
	}
	assert_int_equal(policies_set, 0);
}

static void a_line_that_is_too_long_is_not_carried_out_in_part(void **state)
{
	(void)state;
	type("fpu=lazy                                                         \n");
	type("fpu=lazyfpu=lazyfpu=lazyfpu=lazyfpu=lazyfpu=lazyfpu=lazyfpu=lazy\n"); /* 64 */
	assert_int_equal(errors, 2);
	type("fpu=swap\n");
	assert_int_equal(policy, FPU_SWAP);
	assert_int_equal(policies_set, 1);
}

static void empty_lines_and_unprintable_bytes_are_passed_over(void **state)
{
	(void)state;
	type("\r\n\n\x1b\xff\r\n");
	assert_string_equal(printed, "");
	type("\x02"
	     "fpu=\xff"
	     "swap\r");
	assert_int_equal(policy, FPU_SWAP);
}

static void a_flood_is_taken_in_parts(void **state)
{
	static const char flood[] = "fpu=lazy\nfpu=lazy\nfpu=lazy\nfpu=lazy\nfpu=swap\n";

	(void)state;
	waiting = flood;
	monitor_poll();
	assert_int_equal(waiting - flood, 16);
	assert_int_equal(policies_set, 1);
	type(waiting);
	assert_int_equal(policies_set, 5);
	assert_int_equal(policy, FPU_SWAP);
}

static void help_names_the_commands(void **state)
{
	(void)state;
	type("help\n");
	assert_non_null(strstr(printed, "fpu="));
	assert_int_equal(errors, 0);
}

static void nothing_is_echoed_while_it_is_closed(void **state)
{
	(void)state;
	foot[0] = '\0';
	type("vms\rfpu=l");
	assert_string_equal(foot, "");
	type(KILL);
}

static void ctrl_a_opens_it_with_a_prompt_and_closes_it(void **state)
{
	(void)state;
	type("fpu=l" OPEN);
	assert_string_equal(foot, "resident> ");
	type("vms" KILL "cpx\bus");
	assert_string_equal(foot, "resident> cpus");
	type("\r");
	assert_string_equal(foot, "resident> ");
	assert_non_null(strstr(printed, "\nresident> cpus\n"));
	assert_string_equal(done, "table cpus;");
	type("v" OPEN);
	assert_string_equal(foot, "");
	type("vms\r" OPEN "exit\r");
	assert_string_equal(foot, "");
	assert_string_equal(done, "table cpus;table vms;");
	assert_int_equal(errors, 0);
}

static void what_is_asked_of_a_vm_is_asked_and_recorded(void **state)
{
	(void)state;
	type("stop a\nstart  a\nreset b\n end b \n");
	assert_string_equal(done, "stop a;start a;reset b;monitor b;");
	assert_string_equal(printed, "monitor command=stop vm=a\nmonitor command=start vm=a\n"
				     "monitor command=reset vm=b\nmonitor command=end vm=b\n");
}

static void a_vm_that_is_not_there_or_does_not_run_is_told_of(void **state)
{
	(void)state;
	vms[0].state = VM_ENDED;
	vms[1].state = VM_RESETTING;
	type("stop c\nreset ab\nfocus c\n");
	assert_string_equal(done, "");
	type("reset a\nend a\nreset b\nend b\nfocus a\n");
	assert_string_equal(done, "");
	type("stop a\nstart a\n");
	assert_int_equal(errors, 10);
	assert_null(strstr(printed, "monitor command"));
}

static void a_cpu_is_asked_for_by_its_number(void **state)
{
	static const char *const bad[] = {"cpu x offline\n", "cpu -1 offline\n", "cpu 1x online\n",
					  "cpu 0 off\n", "cpu 4294967296 offline\n"};

	(void)state;
	type("cpu 0 offline\ncpu 63 online\n");
	assert_string_equal(done, "offline 0;online 63;");
	assert_int_equal(errors, 0);
	type("cpu 1 offline\n");
	assert_non_null(strstr(printed, "cpu 1 offline: it is needed"));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		type(bad[i]);
	assert_string_equal(done, "offline 0;online 63;offline 1;");
	assert_int_equal(errors, 1 + ARRAY_SIZE(bad));
}

static void expect_input(struct vm *vm, const char *text)
{
	for (; *text; text++) {
		assert_true(guest_input_any(&vm->input));
		assert_int_equal(guest_input_read(&vm->input), *text);
	}
	assert_false(guest_input_any(&vm->input));
}

static void who_has_the_focus_gets_what_is_typed_while_it_is_closed(void **state)
{
	(void)state;
	type("focus b\n");
	type("vms\r" KILL "\b" OPEN "fpu=lazy\r" OPEN "x");
	assert_int_equal(policy, FPU_LAZY);
	expect_input(&vms[1], "vms\r" KILL "\bx");
	assert_int_equal(requests[1], 7);
	assert_int_equal(requests[0], 0);
	expect_input(&vms[0], "");
	type(OPEN "focus a\r" OPEN "y" OPEN "focus none\r" OPEN "fpu=swap\r");
	expect_input(&vms[0], "y");
	assert_int_equal(policy, FPU_SWAP);
	type("focus a\n");
	vms[0].state = VM_ENDED;
	type("fpu=eager\r");
	expect_input(&vms[0], "");
	assert_int_equal(policy, FPU_EAGER);
}

static void what_a_guest_leaves_no_room_for_is_lost_and_told_of_once(void **state)
{
	(void)state;
	type("focus a\n");
	printed[0] = '\0';
	for (unsigned int i = 0; i < GUEST_INPUT_SIZE; i++)
		type("x");
	assert_string_equal(printed, "");
	type("yy");
	assert_non_null(strstr(printed, "a does not read its COM1"));
	assert_ptr_equal(strstr(printed, "a does"), printed);
	assert_ptr_equal(strchr(printed, '\n'), printed + strlen(printed) - 1);
	assert_int_equal(guest_input_read(&vms[0].input), 'x');
	type("z");
	for (unsigned int i = 1; i < GUEST_INPUT_SIZE; i++)
		assert_int_equal(guest_input_read(&vms[0].input), 'x');
	expect_input(&vms[0], "z");
	type(OPEN "focus none\r" OPEN);
}

static void while_a_table_is_printed_what_is_typed_waits(void **state)
{
	(void)state;
	table_waits = true;
	waiting = "help\n";
	monitor_poll();
	assert_string_equal(waiting, "help\n");
	assert_true(monitor_due_idle() == monitor_due);
}

static void an_idle_cpu_is_woken_less_often_as_long_as_nobody_types(void **state)
{
	(void)state;
	monitor_init();
	assert_true(monitor_due_idle() > monitor_due);
	type("x");
	assert_true(monitor_due_idle() == monitor_due);
	type("\b");
}

static void the_line_of_a_debugger_is_looked_at_often(void **state)
{
	(void)state;
	debugged_vm = &vms[0];
	monitor_init();
	gdb_polls = 0;
	monitor_poll();
	assert_int_equal(gdb_polls, 1);
	assert_true(monitor_due_idle() == monitor_due);
	debugged_vm = NULL;
	monitor_init();
	monitor_poll();
	assert_int_equal(gdb_polls, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_idle_cpu_is_woken_less_often_as_long_as_nobody_types,
				       start), /* nobody has */
		cmocka_unit_test_setup(the_line_of_a_debugger_is_looked_at_often, start),
		cmocka_unit_test_setup(each_policy_is_set_by_its_name_and_recorded, start),
		cmocka_unit_test_setup(a_line_may_come_in_parts_and_takes_effect_when_it_ends,
				       start),
		cmocka_unit_test_setup(what_was_mistyped_can_be_taken_back, start),
		cmocka_unit_test_setup(what_is_not_understood_changes_nothing_and_is_told_what_is,
				       start),
		cmocka_unit_test_setup(a_line_that_is_too_long_is_not_carried_out_in_part, start),
		cmocka_unit_test_setup(empty_lines_and_unprintable_bytes_are_passed_over, start),
		cmocka_unit_test_setup(a_flood_is_taken_in_parts, start),
		cmocka_unit_test_setup(help_names_the_commands, start),
		cmocka_unit_test_setup(nothing_is_echoed_while_it_is_closed, start),
		cmocka_unit_test_setup(ctrl_a_opens_it_with_a_prompt_and_closes_it, start),
		cmocka_unit_test_setup(what_is_asked_of_a_vm_is_asked_and_recorded, start),
		cmocka_unit_test_setup(a_vm_that_is_not_there_or_does_not_run_is_told_of, start),
		cmocka_unit_test_setup(a_cpu_is_asked_for_by_its_number, start),
		cmocka_unit_test_setup(who_has_the_focus_gets_what_is_typed_while_it_is_closed,
				       start),
		cmocka_unit_test_setup(what_a_guest_leaves_no_room_for_is_lost_and_told_of_once,
				       start),
		cmocka_unit_test_setup(while_a_table_is_printed_what_is_typed_waits, start),
	};

	return cmocka_run_group_tests_name("monitor", tests, NULL, NULL);
}
