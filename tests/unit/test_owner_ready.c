/*
 * The kept decision: how long a context may be entered again without fpu_enter(), and that the run
 * loop is told when it may not. That whoever is ready is set up as fpu_enter() would do it is
 * checked after every test and every random step (check_all).
 */
#include "tests/unit/owner_fixture.h"

static bool ready(const struct ghost_guest *guest)
{
	bool is = fpu_ready(&cpu[0].core, &guest->context);

	assert_int_equal(guest->short_way, is);
	return is;
}

/* a is resident and OPEN, b not resident and ARMED, and b was entered last. */
static void enter_armed(void)
{
	ghost_run(&cpu[0], a);
	ghost_enter(&cpu[0], b);
	assert_int_equal(b->vmcs, FPU_ARMED);
	assert_true(ready(b));
	assert_false(ready(a));
}

static void enter_open(void)
{
	ghost_run(&cpu[0], a);
	assert_int_equal(a->vmcs, FPU_OPEN);
	assert_true(ready(a));
}

static void who_was_entered_is_ready_whatever_its_state(void **state)
{
	(void)state;
	enter_open();
	enter_armed();
	ghost_set_ts(&cpu[0], true);
	assert_int_equal(b->vmcs, FPU_GUARDED);
	assert_true(ready(b));
	ghost_enter(&cpu[0], a);
	assert_true(ready(a));
	assert_false(ready(b));
}

static void a_trap_drops_it(void **state)
{
	(void)state;
	ghost_enter(&cpu[0], a);
	assert_true(ready(a));
	fpu_trap(&cpu[0].core, &a->context);
	assert_false(ready(a));
}

static void a_deschedule_drops_it_under_every_policy(void **state)
{
	(void)state;
	for (unsigned int policy = 0; policy < FPU_POLICIES; policy++) {
		start(policy);
		ghost_enter(&cpu[0], a);
		assert_true(ready(a));
		ghost_idle(&cpu[0]);
		assert_false(ready(a));
	}
}

/* Saved here, run on here: dirty again, or the other CPU would load what is old. */
static void a_flush_that_saves_drops_it(void **state)
{
	(void)state;
	enter_open();
	fpu_flush(&cpu[0].core);
	assert_false(ready(a));
	ghost_enter(&cpu[0], a);
	assert_true(cpu[0].core.dirty);
	enter_armed();
	fpu_flush(&cpu[0].core); /* of a's state, under XCR0 = superset */
	assert_false(ready(b));
	ghost_enter(&cpu[0], b);
	fpu_flush(&cpu[0].core);
	assert_true(ready(b));
}

static void going_offline_drops_it(void **state)
{
	(void)state;
	enter_armed();
	fpu_flush(&cpu[0].core);
	ghost_enter(&cpu[0], b);
	fpu_offline(&cpu[0].core); /* with nothing to save */
	assert_false(ready(b));
}

static void a_host_section_drops_it(void **state)
{
	(void)state;
	enter_open();
	ghost_host(&cpu[0]);
	assert_false(ready(a));
	enter_armed();
	ghost_host(&cpu[0]);
	assert_false(ready(b));
}

static void reading_what_is_resident_drops_it_and_no_other_read_does(void **state)
{
	(void)state;
	enter_open();
	ghost_read(&cpu[0], a);
	assert_false(ready(a));
	enter_armed();
	ghost_read(&cpu[0], b);
	assert_true(ready(b));
	ghost_read(&cpu[0], a);
	assert_false(ready(b));
}

static void writing_what_is_resident_drops_it(void **state)
{
	(void)state;
	enter_open();
	ghost_write(&cpu[0], a);
	assert_false(ready(a));
}

/* Also of who is not resident: it is OPEN now. */
static void a_reset_drops_it(void **state)
{
	(void)state;
	enter_open();
	ghost_guest_reset(&cpu[0], a, 1);
	assert_false(ready(a));
	ghost_run(&cpu[0], a);
	enter_armed();
	ghost_guest_reset(&cpu[0], b, GHOST_SUPERSET);
	assert_false(ready(b));
	ghost_enter(&cpu[0], b);
	assert_int_equal(b->vmcs, FPU_ARMED);
}

static void a_new_context_at_a_released_address_is_not_ready(void **state)
{
	(void)state;
	enter_armed();
	ghost_release(cpu, 2, b);
	assert_false(ready(b));
	ghost_guest_init(b, DOMAIN_A, GHOST_SUPERSET);
	ghost_enter(&cpu[0], b);
	assert_int_equal(b->vmcs, FPU_ARMED);
}

static void another_policy_drops_it(void **state)
{
	(void)state;
	enter_armed();
	ghost_set_policy(&cpu[0], FPU_EAGER);
	assert_false(ready(b));
	ghost_enter(&cpu[0], b);
	assert_int_equal(b->vmcs, FPU_OPEN);
}

static void a_guests_own_ts_is_followed_at_once_unless_it_is_open(void **state)
{
	(void)state;
	enter_open();
	fpu_guest_ts_changed(&cpu[0].core, &a->context, a->ts);
	assert_true(ready(a));
	assert_int_equal(a->vmcs, FPU_OPEN);
	enter_armed();
	b->ts = true;
	fpu_guest_ts_changed(&cpu[0].core, &b->context, b->ts);
	assert_true(ready(b));
	assert_int_equal(b->vmcs, FPU_GUARDED);
	b->ts = false;
	fpu_guest_ts_changed(&cpu[0].core, &b->context, b->ts);
	assert_true(ready(b));
	assert_int_equal(b->vmcs, FPU_ARMED);
}

static void xcr0_is_in_the_register_at_once_if_its_guest_is_ready(void **state)
{
	(void)state;
	enter_open();
	ghost_set_xcr0(&cpu[0], a, 1);
	assert_true(ready(a));
	assert_int_equal(cpu[0].xcr0, 1);
	assert_int_equal(cpu[0].work.xcr0, 1);
	ghost_set_xcr0(&cpu[0], a, 1);
	assert_int_equal(cpu[0].work.xcr0, 1);
	ghost_set_xcr0(&cpu[0], b, 3);
	assert_int_equal(cpu[0].xcr0, 1);
	ghost_idle(&cpu[0]);
	ghost_set_xcr0(&cpu[0], a, GHOST_SUPERSET);
	assert_int_equal(cpu[0].xcr0, 1);
	ghost_enter(&cpu[0], a);
	assert_int_equal(cpu[0].xcr0, GHOST_SUPERSET);
}

static void entries_are_counted_by_how_they_were_made(void **state)
{
	const struct fpu_counters *c = &cpu[0].core.counters;

	(void)state;
	enter_armed();
	fpu_entered(&cpu[0].core, &b->context, ROUNDS);
	assert_int_equal(b->context.counters.entries, 1 + ROUNDS);
	assert_int_equal(b->context.counters.armed, 1 + ROUNDS);
	assert_int_equal(fpu_resident_entries(&b->context.counters), 0);
	ghost_enter(&cpu[0], a);
	fpu_entered(&cpu[0].core, &a->context, ROUNDS);
	assert_int_equal(a->context.counters.armed, 1);
	assert_int_equal(fpu_resident_entries(&a->context.counters), 2 + ROUNDS);
	assert_int_equal(c->entries, a->context.counters.entries + b->context.counters.entries);
	assert_int_equal(c->armed, a->context.counters.armed + b->context.counters.armed);
}

static void a_preloaded_entry_did_not_find_its_state(void **state)
{
	(void)state;
	start(FPU_EAGER);
	ghost_enter(&cpu[0], a);
	fpu_entered(&cpu[0].core, &a->context, ROUNDS);
	assert_int_equal(a->context.counters.preloads, 1);
	assert_int_equal(fpu_resident_entries(&a->context.counters), ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		owner_test(who_was_entered_is_ready_whatever_its_state),
		owner_test(a_trap_drops_it),
		owner_test(a_deschedule_drops_it_under_every_policy),
		owner_test(a_flush_that_saves_drops_it),
		owner_test(going_offline_drops_it),
		owner_test(a_host_section_drops_it),
		owner_test(reading_what_is_resident_drops_it_and_no_other_read_does),
		owner_test(writing_what_is_resident_drops_it),
		owner_test(a_reset_drops_it),
		owner_test(a_new_context_at_a_released_address_is_not_ready),
		owner_test(another_policy_drops_it),
		owner_test(a_guests_own_ts_is_followed_at_once_unless_it_is_open),
		owner_test(xcr0_is_in_the_register_at_once_if_its_guest_is_ready),
		owner_test(entries_are_counted_by_how_they_were_made),
		owner_test(a_preloaded_entry_did_not_find_its_state),
	};

	return cmocka_run_group_tests_name("owner_ready", tests, NULL, NULL);
}
