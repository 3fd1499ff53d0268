/*
 * What a guest is entered with: the policies, the three states, XCR0.
 */
#include "tests/unit/owner_fixture.h"

static void lazy_keeps_the_owner_when_the_cpu_goes_idle(void **state)
{
	(void)state;
	ghost_run(&cpu[0], a);
	ghost_idle(&cpu[0]);
	assert_int_equal(cpu[0].work.saves, 0);
	assert_int_equal(ghost_run(&cpu[0], a), GHOST_EXECUTED);
}

static void unload_saves_at_every_deschedule_and_arms_after_it(void **state)
{
	(void)state;
	start(FPU_UNLOAD);
	for (uint64_t i = 1; i <= ROUNDS; i++) {
		assert_int_equal(ghost_run(&cpu[0], a), GHOST_TRAPPED);
		assert_int_equal(ghost_run(&cpu[0], a), GHOST_EXECUTED);
		ghost_idle(&cpu[0]);
		assert_null(cpu[0].core.owner);
		assert_int_equal(cpu[0].work.saves, i);
		assert_int_equal(cpu[0].work.loads, i);
	}
	assert_int_equal(cpu[0].core.residue, DOMAIN_A);
}

static void unload_leaves_alone_what_is_not_the_descheduled_guests(void **state)
{
	(void)state;
	ghost_run(&cpu[0], a);
	ghost_enter(&cpu[0], b);
	ghost_set_policy(&cpu[0], FPU_UNLOAD);
	ghost_idle(&cpu[0]);
	assert_ptr_equal(cpu[0].core.owner, &a->context);
	assert_int_equal(cpu[0].work.saves, 0);
}

static void eager_never_arms_and_leaves_no_foreign_residue(void **state)
{
	const struct fpu_counters *c = &cpu[0].core.counters;

	(void)state;
	start(FPU_EAGER);
	for (int i = 0; i < ROUNDS; i++) {
		assert_int_equal(ghost_run(&cpu[0], a), GHOST_EXECUTED);
		ghost_enter(&cpu[0], b);
		ghost_set_ts(&cpu[0], true);
		ghost_enter(&cpu[0], b);
		ghost_host(&cpu[0]);
	}
	assert_int_equal(c->nm + c->armed + c->ts_writes, 0);
	assert_int_equal(c->preloads, 2 * ROUNDS);
	assert_int_equal(fpu_resident_entries(c), ROUNDS);
	assert_int_equal(c->saves, 2 * ROUNDS);
	assert_int_equal(b->context.counters.preloads, ROUNDS);
}

static void the_guests_own_ts_decides_between_armed_and_guarded(void **state)
{
	(void)state;
	ghost_enter(&cpu[0], a);
	assert_int_equal(a->vmcs, FPU_ARMED);
	ghost_set_ts(&cpu[0], true);
	assert_int_equal(a->vmcs, FPU_GUARDED);
	assert_int_equal(ghost_use(&cpu[0]), GHOST_GUESTS_OWN);
	ghost_set_ts(&cpu[0], false);
	assert_int_equal(a->vmcs, FPU_ARMED);
	assert_int_equal(ghost_use(&cpu[0]), GHOST_TRAPPED);
	assert_int_equal(cpu[0].core.counters.nm, 1);
	assert_int_equal(ghost_events[FPU_EVENT_ARM], 2);
	assert_int_equal(ghost_events[FPU_EVENT_GUARD], 1);
	assert_int_equal(ghost_events[FPU_EVENT_OPEN], 1);
}

static void an_open_guest_keeps_its_ts_to_itself(void **state)
{
	struct ghost_work before;

	(void)state;
	ghost_run(&cpu[0], a);
	before = cpu[0].work;
	ghost_set_ts(&cpu[0], true);
	assert_int_equal(ghost_run(&cpu[0], a), GHOST_GUESTS_OWN);
	assert_memory_equal(&cpu[0].work, &before, sizeof(before));
	ghost_run(&cpu[0], b);
	ghost_enter(&cpu[0], a);
	assert_int_equal(a->vmcs, FPU_GUARDED);
}

/* Guest's TS=1, MP=0: its #NM exits, and it finds at its next attempt which of the two it is. */
static void a_trap_while_guarded_opens(void **state)
{
	(void)state;
	ghost_enter(&cpu[0], a);
	ghost_set_ts(&cpu[0], true);
	fpu_trap(&cpu[0].core, &a->context);
	ghost_enter(&cpu[0], a);
	assert_int_equal(a->vmcs, FPU_OPEN);
	assert_int_equal(ghost_use(&cpu[0]), GHOST_GUESTS_OWN);
}

static void xcr0_is_the_guests_at_every_entry_and_written_only_where_it_differs(void **state)
{
	struct ghost_work before;

	(void)state;
	ghost_set_xcr0(&cpu[0], a, 1);
	ghost_set_xcr0(&cpu[0], b, 1);
	ghost_enter(&cpu[0], a);
	assert_int_equal(cpu[0].work.xcr0, 1);
	ghost_enter(&cpu[0], b);
	ghost_enter(&cpu[0], b);
	assert_int_equal(cpu[0].work.xcr0, 1);
	ghost_run(&cpu[0], a); /* superset for the load, and back */
	assert_int_equal(cpu[0].work.xcr0, 3);
	before = cpu[0].work;
	ghost_set_xcr0(&cpu[0], a, 3);
	ghost_run(&cpu[0], a);
	assert_work(&before, 0, 0, 0, 1);
	ghost_enter(&cpu[0], b);
	ghost_enter(&cpu[0], a);
	assert_work(&before, 0, 0, 0, 3);
}

static void upper_halves_survive_a_guest_that_cannot_see_them(void **state)
{
	(void)state;
	ghost_run(&cpu[0], a);
	ghost_set_xcr0(&cpu[0], a, 1);
	ghost_run(&cpu[0], a);
	ghost_run(&cpu[0], b);
	ghost_run(&cpu[0], a);
	ghost_set_xcr0(&cpu[0], a, GHOST_SUPERSET);
	assert_int_equal(ghost_run(&cpu[0], a), GHOST_EXECUTED);
}

static void a_newly_enabled_component_is_the_guests_own_and_initial(void **state)
{
	(void)state;
	ghost_set_xcr0(&cpu[0], b, 1);
	ghost_run(&cpu[0], a);
	ghost_run(&cpu[0], b);
	ghost_set_xcr0(&cpu[0], b, GHOST_SUPERSET);
	ghost_run(&cpu[0], b);
	ghost_host(&cpu[0]);
	ghost_run(&cpu[0], b);
	ghost_run(&cpu[0], a);
}

static void a_host_section_under_a_small_xcr0_saves_everything(void **state)
{
	(void)state;
	ghost_run(&cpu[0], a);
	ghost_set_xcr0(&cpu[0], a, 1);
	ghost_enter(&cpu[0], a);
	ghost_host(&cpu[0]);
	ghost_set_xcr0(&cpu[0], a, GHOST_SUPERSET);
	ghost_run(&cpu[0], a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		owner_test(lazy_keeps_the_owner_when_the_cpu_goes_idle),
		owner_test(unload_saves_at_every_deschedule_and_arms_after_it),
		owner_test(unload_leaves_alone_what_is_not_the_descheduled_guests),
		owner_test(eager_never_arms_and_leaves_no_foreign_residue),
		owner_test(the_guests_own_ts_decides_between_armed_and_guarded),
		owner_test(an_open_guest_keeps_its_ts_to_itself),
		owner_test(a_trap_while_guarded_opens),
		owner_test(xcr0_is_the_guests_at_every_entry_and_written_only_where_it_differs),
		owner_test(upper_halves_survive_a_guest_that_cannot_see_them),
		owner_test(a_newly_enabled_component_is_the_guests_own_and_initial),
		owner_test(a_host_section_under_a_small_xcr0_saves_everything),
	};

	return cmocka_run_group_tests_name("owner_entry", tests, NULL, NULL);
}
