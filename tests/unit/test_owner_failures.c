/*
 * Ways in which managers of this kind have failed before, as far as test_owner.c and
 * test_owner_entry.c do not have them: docs/tests.md has the whole list.
 */
#include "tests/unit/owner_fixture.h"

/* What was learnt of an owner on one CPU is worth nothing after a trip to another. */
static void a_guest_that_was_read_and_then_moved_is_read_where_it_is(void **state)
{
	(void)state;
	ghost_run(&cpu[0], a);
	ghost_read(&cpu[0], a);
	ghost_migrate(&cpu[0], &cpu[1], a);
	ghost_run(&cpu[1], a);
	ghost_run(&cpu[0], b);
	ghost_migrate(&cpu[1], &cpu[0], a);
	ghost_read(&cpu[0], a);
	assert_int_equal(ghost_run(&cpu[0], a), GHOST_TRAPPED);
	assert_int_equal(ghost_run(&cpu[0], b), GHOST_TRAPPED);
}

/* Taken from the CPU before it ever had the registers: the owner's are not saved into its image. */
static void a_guest_that_leaves_without_having_been_loaded_saves_nothing(void **state)
{
	(void)state;
	for (unsigned int policy = 0; policy < FPU_POLICIES; policy++) {
		bool loads = policy == FPU_EAGER || policy == FPU_SWAP;

		start(policy);
		ghost_run(&cpu[0], a);
		ghost_enter(&cpu[0], b);
		ghost_idle(&cpu[0]);
		ghost_idle(&cpu[0]);
		assert_int_equal(b->context.counters.saves, policy == FPU_SWAP);
		ghost_release(cpu, ARRAY_SIZE(cpu), b);
		assert_int_equal(b->context.counters.loads, loads);
		ghost_guest_init(b, DOMAIN_B, GHOST_SUPERSET);
		ghost_run(&cpu[0], a);
		check_all(NULL);
	}
}

/* Its event is delivered again at the next entry; until it uses the FPU, nothing else happens. */
static void an_exit_in_the_delivery_of_an_event_leaves_an_armed_guest_armed(void **state)
{
	struct ghost_work before;

	(void)state;
	ghost_run(&cpu[0], b);
	ghost_enter(&cpu[0], a);
	before = cpu[0].work;
	for (int i = 0; i < ROUNDS; i++) {
		ghost_enter(&cpu[0], a);
		assert_int_equal(a->vmcs, FPU_ARMED);
	}
	assert_work(&before, 0, 0, 0, 0);
	assert_int_equal(ghost_use(&cpu[0]), GHOST_TRAPPED);
	assert_int_equal(cpu[0].core.counters.nm, 2);
}

/* The host's own values are never a guest's, whoever of the two had the registers before. */
static void host_and_guest_do_not_take_each_others_registers(void **state)
{
	(void)state;
	for (unsigned int policy = 0; policy < FPU_POLICIES; policy++) {
		start(policy);
		for (int i = 0; i < ROUNDS; i++) {
			ghost_host(&cpu[0]);
			ghost_run(&cpu[0], a);
			ghost_run(&cpu[0], a);
			ghost_host(&cpu[0]);
			ghost_host(&cpu[0]);
			ghost_run(&cpu[0], b);
			check_all(NULL);
		}
	}
}

/* After the CPU has stopped and come back, it owns nothing and what it held is still there. */
static void a_cpu_that_comes_back_has_no_owner(void **state)
{
	(void)state;
	ghost_run(&cpu[0], a);
	ghost_idle(&cpu[0]);
	fpu_offline(&cpu[0].core);
	ghost_run(&cpu[1], a);
	ghost_cpu_init(&cpu[0], 0, FPU_LAZY);
	assert_null(cpu[0].core.owner);
	ghost_migrate(&cpu[1], &cpu[0], a);
	assert_int_equal(ghost_run(&cpu[0], a), GHOST_TRAPPED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		owner_test(a_guest_that_was_read_and_then_moved_is_read_where_it_is),
		owner_test(a_guest_that_leaves_without_having_been_loaded_saves_nothing),
		owner_test(an_exit_in_the_delivery_of_an_event_leaves_an_armed_guest_armed),
		owner_test(host_and_guest_do_not_take_each_others_registers),
		owner_test(a_cpu_that_comes_back_has_no_owner),
	};

	return cmocka_run_group_tests_name("owner_failures", tests, NULL, NULL);
}
