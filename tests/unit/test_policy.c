/*
 * What each policy decides: who is armed, who is loaded, when the registers are scrubbed.
 */
#include "fpu/policy.h"
#include "tests/unit/owner_fixture.h"

#define LONG 3000

/* Takes its turn after b has had one that uses the FPU: never resident, whoever comes. */
static enum ghost_outcome turn_after_b(struct ghost_guest *guest, bool uses)
{
	ghost_run(&cpu[0], b);
	ghost_enter(&cpu[0], guest);
	return uses ? ghost_use(&cpu[0]) : GHOST_GUESTS_OWN;
}

static void scrub_shows_an_armed_guest_the_initial_state(void **state)
{
	(void)state;
	start(FPU_SCRUB);
	ghost_run(&cpu[0], a);
	ghost_enter(&cpu[0], b);
	assert_int_equal(cpu[0].domain, FPU_RESIDUE_INITIAL);
	assert_null(cpu[0].core.owner);
	assert_int_equal(a->context.counters.saves, 1);
	assert_int_equal(b->context.counters.scrubs, 1);
	ghost_enter(&cpu[0], b);
	assert_int_equal(cpu[0].work.scrubs, 1);
	assert_int_equal(ghost_run(&cpu[0], a), GHOST_TRAPPED);
	ghost_host(&cpu[0]);
	ghost_enter(&cpu[0], b);
	assert_int_equal(cpu[0].work.scrubs, 2);
}

static void swap_saves_at_every_deschedule_and_loads_at_every_schedule(void **state)
{
	(void)state;
	start(FPU_SWAP);
	for (uint64_t i = 1; i <= ROUNDS; i++) {
		assert_int_equal(ghost_run(&cpu[0], a), GHOST_EXECUTED);
		assert_int_equal(ghost_run(&cpu[0], a), GHOST_EXECUTED);
		ghost_idle(&cpu[0]);
		assert_null(cpu[0].core.owner);
		assert_int_equal(cpu[0].work.saves, i);
		assert_int_equal(cpu[0].work.loads, i);
	}
	assert_int_equal(cpu[0].core.counters.preloads, ROUNDS);
}

static void auto_loads_who_keeps_using_the_fpu(void **state)
{
	const struct fpu_counters *c = &a->context.counters;

	(void)state;
	start(FPU_AUTO);
	for (int i = 0; i < LONG; i++)
		turn_after_b(a, true);
	/* twice until it is believed; then after 2, 8, 32, 128, 256, 256 .. loads */
	assert_int_equal(c->loads, LONG);
	assert_int_equal(c->nm, c->samples + 2);
	assert_in_range(c->samples, 4, 4 + LONG / 256);
	assert_int_equal(c->preloads, LONG - c->nm);
}

static void auto_never_loads_who_does_not_use_the_fpu(void **state)
{
	(void)state;
	start(FPU_AUTO);
	for (int i = 0; i < LONG; i++)
		turn_after_b(a, false);
	assert_int_equal(a->context.counters.loads, 0);
	assert_int_equal(a->context.counters.ts_writes, GHOST_STATE_WRITES);
	assert_int_equal(a->context.counters.samples, 0);
}

static void auto_arms_who_uses_the_fpu_in_every_tenth_turn(void **state)
{
	(void)state;
	start(FPU_AUTO);
	for (int i = 0; i < LONG; i++)
		turn_after_b(a, i % 10 == 0);
	assert_int_equal(a->context.counters.nm, LONG / 10);
	assert_int_equal(a->context.counters.preloads, 0);
}

static void auto_mostly_loads_who_uses_the_fpu_in_every_second_turn(void **state)
{
	(void)state;
	start(FPU_AUTO);
	for (int i = 0; i < LONG; i++)
		turn_after_b(a, i % 2 == 0);
	assert_in_range(a->context.counters.preloads, LONG * 3 / 4, LONG);
}

static void auto_finds_out_who_has_stopped(void **state)
{
	uint64_t preloads;

	(void)state;
	start(FPU_AUTO);
	for (int i = 0; i < LONG; i++)
		turn_after_b(a, true);
	preloads = a->context.counters.preloads;
	for (int i = 0; i < LONG; i++)
		turn_after_b(a, false);
	assert_in_range(a->context.counters.preloads - preloads, 1, 256 + 128 + 64 + 32 + 16);
	assert_int_equal(a->vmcs, FPU_ARMED);
}

static void auto_does_not_take_many_entries_of_one_turn_for_many_turns(void **state)
{
	(void)state;
	start(FPU_AUTO);
	for (int i = 0; i < ROUNDS; i++) {
		ghost_host(&cpu[0]);
		ghost_enter(&cpu[0], a);
		assert_int_equal(a->vmcs, FPU_ARMED);
	}
	assert_int_equal(ghost_use(&cpu[0]), GHOST_TRAPPED);
	assert_int_equal(a->context.use.score, 5);
}

static void auto_scrubs_what_is_of_another_domain(void **state)
{
	(void)state;
	start(FPU_AUTO);
	ghost_run(&cpu[0], a);
	ghost_enter(&cpu[0], b);
	assert_int_equal(cpu[0].work.scrubs, 1);
	assert_int_equal(cpu[0].domain, FPU_RESIDUE_INITIAL);
	ghost_host(&cpu[0]);
	ghost_enter(&cpu[0], b);
	assert_int_equal(cpu[0].work.scrubs, 2);
}

static void auto_leaves_the_owner_in_its_own_domain(void **state)
{
	(void)state;
	start(FPU_AUTO);
	ghost_guest_init(b, DOMAIN_A, GHOST_SUPERSET);
	ghost_run(&cpu[0], a);
	for (int i = 0; i < ROUNDS; i++) {
		ghost_enter(&cpu[0], b);
		assert_int_equal(ghost_run(&cpu[0], a), GHOST_EXECUTED);
	}
	assert_int_equal(cpu[0].work.scrubs + cpu[0].work.saves, 0);
	assert_int_equal(cpu[0].work.loads, 1);
}

static void auto_leaves_the_owner_on_a_cpu_that_does_not_leak(void **state)
{
	(void)state;
	start(FPU_AUTO);
	cpu[0].core.leaks = false;
	ghost_run(&cpu[0], a);
	for (int i = 0; i < ROUNDS; i++) {
		ghost_enter(&cpu[0], b);
		assert_int_equal(ghost_run(&cpu[0], a), GHOST_EXECUTED);
	}
	assert_int_equal(cpu[0].work.scrubs + cpu[0].work.saves, 0);
}

static void every_change_of_policy_keeps_what_every_guest_has(void **state)
{
	(void)state;
	for (unsigned int from = 0; from < FPU_POLICIES; from++) {
		for (unsigned int to = 0; to < FPU_POLICIES; to++) {
			start(from);
			ghost_run(&cpu[0], a);
			ghost_run(&cpu[0], b);
			ghost_set_policy(&cpu[0], to);
			ghost_run(&cpu[0], b);
			ghost_run(&cpu[0], a);
			ghost_set_policy(&cpu[0], from);
			ghost_idle(&cpu[0]);
			ghost_run(&cpu[0], a);
			ghost_run(&cpu[0], b);
			check_all(NULL);
		}
	}
}

static void every_policy_has_its_name(void **state)
{
	static const char *const name[] = {"lazy", "scrub", "eager", "unload", "swap", "auto"};

	(void)state;
	for (unsigned int i = 0; i < FPU_POLICIES; i++)
		assert_string_equal(fpu_policy_name(i), name[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		owner_test(scrub_shows_an_armed_guest_the_initial_state),
		owner_test(swap_saves_at_every_deschedule_and_loads_at_every_schedule),
		owner_test(auto_loads_who_keeps_using_the_fpu),
		owner_test(auto_never_loads_who_does_not_use_the_fpu),
		owner_test(auto_arms_who_uses_the_fpu_in_every_tenth_turn),
		owner_test(auto_mostly_loads_who_uses_the_fpu_in_every_second_turn),
		owner_test(auto_finds_out_who_has_stopped),
		owner_test(auto_does_not_take_many_entries_of_one_turn_for_many_turns),
		owner_test(auto_scrubs_what_is_of_another_domain),
		owner_test(auto_leaves_the_owner_in_its_own_domain),
		owner_test(auto_leaves_the_owner_on_a_cpu_that_does_not_leak),
		owner_test(every_change_of_policy_keeps_what_every_guest_has),
		cmocka_unit_test(every_policy_has_its_name),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
