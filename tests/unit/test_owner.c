/*
 * The operations of the ownership core one by one, and the ways such managers have failed before.
 * tests/unit/fpu_ghost.c checks what every guest finds; here is what else must hold.
 */
#include <assert.h>

#include "tests/unit/owner_fixture.h"

/* lib/assert.h is the host's <assert.h> here; cmocka takes over where it ends. */
void __assert_fail(const char *assertion, const char *file, unsigned int line, const char *function)
{
	(void)function;
	mock_assert(false, assertion, file, line);
	abort();
}

static void first_use_traps_once_and_finds_the_initial_state(void **state)
{
	(void)state;
	ghost_enter(&cpu[0], a);
	assert_int_equal(a->vmcs, FPU_ARMED);
	assert_int_equal(ghost_use(&cpu[0]), GHOST_TRAPPED);
	assert_int_equal(a->vmcs, FPU_OPEN);
	assert_ptr_equal(cpu[0].core.owner, &a->context);
	assert_ptr_equal(a->context.home, &cpu[0].core);
	assert_int_equal(ghost_use(&cpu[0]), GHOST_EXECUTED);
	assert_int_equal(cpu[0].core.counters.nm, 1);
	assert_int_equal(cpu[0].work.saves, 0);
}

static void entering_the_resident_open_vcpu_again_does_nothing(void **state)
{
	struct ghost_work before;

	(void)state;
	ghost_run(&cpu[0], a);
	before = cpu[0].work;
	for (int i = 0; i < ROUNDS; i++)
		assert_int_equal(ghost_run(&cpu[0], a), GHOST_EXECUTED);
	assert_memory_equal(&cpu[0].work, &before, sizeof(before));
	assert_int_equal(cpu[0].core.counters.entries, ROUNDS + 2);
	assert_int_equal(fpu_resident_entries(&cpu[0].core.counters), ROUNDS + 1);
	assert_int_equal(fpu_resident_entries(&a->context.counters), ROUNDS + 1);
	assert_int_equal(a->context.counters.armed, 1);
}

static void a_guest_without_fpu_use_between_costs_nothing(void **state)
{
	struct ghost_work before;

	(void)state;
	ghost_run(&cpu[0], a);
	ghost_enter(&cpu[0], b);
	before = cpu[0].work;
	for (int i = 0; i < ROUNDS; i++) {
		ghost_enter(&cpu[0], b);
		ghost_run(&cpu[0], a);
	}
	assert_work(&before, 0, 0, 0, 0);
	assert_int_equal(cpu[0].core.counters.nm, 1);
}

static void a_change_of_owner_is_one_trap_one_save_and_one_load(void **state)
{
	struct ghost_work before;

	(void)state;
	ghost_run(&cpu[0], a);
	ghost_run(&cpu[0], b);
	for (uint64_t i = 1; i <= ROUNDS; i++) {
		before = cpu[0].work;
		assert_int_equal(ghost_run(&cpu[0], i & 1 ? a : b), GHOST_TRAPPED);
		assert_work(&before, 1, 1, 2, 0);
		assert_int_equal(cpu[0].core.counters.nm, i + 2);
	}
	assert_int_equal(a->context.counters.loads, 1 + ROUNDS / 2);
	assert_int_equal(b->context.counters.nm, 1 + ROUNDS / 2);
	assert_int_equal(a->context.counters.ts_writes, a->context.counters.nm * 6);
}

static void saved_ran_on_and_clobbered_is_saved_again(void **state)
{
	(void)state;
	ghost_run(&cpu[0], a);
	ghost_read(&cpu[0], a);
	ghost_run(&cpu[0], a);
	ghost_run(&cpu[0], b);
	assert_int_equal(a->context.counters.saves, 2);
	ghost_run(&cpu[0], a);
}

static void what_the_image_holds_already_is_not_saved_again(void **state)
{
	(void)state;
	ghost_run(&cpu[0], a);
	ghost_read(&cpu[0], a);
	ghost_read(&cpu[0], a);
	ghost_run(&cpu[0], b);
	assert_int_equal(a->context.counters.saves, 1);
}

static void reading_leaves_the_guest_resident(void **state)
{
	(void)state;
	ghost_run(&cpu[0], a);
	ghost_read(&cpu[0], a);
	assert_int_equal(ghost_run(&cpu[0], a), GHOST_EXECUTED);
	assert_int_equal(cpu[0].work.loads, 1);
}

static void what_is_written_is_what_a_resident_guest_finds(void **state)
{
	(void)state;
	ghost_run(&cpu[0], a);
	ghost_write(&cpu[0], a);
	assert_null(a->context.home);
	assert_null(cpu[0].core.owner);
	assert_int_equal(ghost_run(&cpu[0], a), GHOST_TRAPPED);
}

static void what_is_written_while_another_owns_the_registers_leaves_them_alone(void **state)
{
	(void)state;
	ghost_run(&cpu[0], a);
	ghost_run(&cpu[0], b);
	ghost_write(&cpu[0], a);
	assert_int_equal(ghost_run(&cpu[0], b), GHOST_EXECUTED);
	assert_int_equal(ghost_run(&cpu[0], a), GHOST_TRAPPED);
}

static void a_new_context_at_a_released_address_finds_the_initial_state(void **state)
{
	(void)state;
	ghost_run(&cpu[0], a);
	ghost_release(cpu, 2, a);
	assert_int_equal(cpu[0].work.saves, 0);
	assert_int_equal(cpu[0].core.residue, DOMAIN_A);
	ghost_guest_init(a, DOMAIN_B, GHOST_SUPERSET);
	assert_int_equal(ghost_run(&cpu[0], a), GHOST_TRAPPED);
	assert_int_equal(cpu[0].core.residue, DOMAIN_B);
}

static void a_release_on_another_cpu_first_does_not_stop_the_one_that_has_to_save(void **state)
{
	(void)state;
	ghost_run(&cpu[0], a);
	ghost_idle(&cpu[1]);
	fpu_release(&cpu[1].core, &a->context);
	ghost_host(&cpu[0]);
	assert_int_equal(cpu[0].work.saves, 1);
	ghost_release(cpu, 2, a);
	ghost_guest_init(a, DOMAIN_B, GHOST_SUPERSET);
}

static void release_on_every_cpu_leaves_no_name_behind(void **state)
{
	(void)state;
	ghost_run(&cpu[0], a);
	ghost_migrate(&cpu[0], &cpu[1], a);
	ghost_run(&cpu[1], a);
	assert_ptr_equal(cpu[0].core.owner, &a->context);
	ghost_release(cpu, 2, a);
	assert_null(cpu[0].core.owner);
	assert_null(cpu[1].core.owner);
	ghost_guest_init(a, DOMAIN_B, GHOST_SUPERSET);
	assert_int_equal(ghost_run(&cpu[1], a), GHOST_TRAPPED);
}

static void releasing_one_guest_leaves_the_owner_alone(void **state)
{
	(void)state;
	ghost_run(&cpu[0], a);
	ghost_enter(&cpu[0], b);
	ghost_release(cpu, 2, b);
	ghost_guest_init(b, DOMAIN_B, GHOST_SUPERSET);
	assert_int_equal(ghost_run(&cpu[0], a), GHOST_EXECUTED);
}

static void an_owner_that_has_been_elsewhere_is_loaded_again(void **state)
{
	(void)state;
	ghost_run(&cpu[0], a);
	ghost_migrate(&cpu[0], &cpu[1], a);
	ghost_run(&cpu[1], a);
	ghost_migrate(&cpu[1], &cpu[0], a);
	assert_ptr_equal(cpu[0].core.owner, &a->context);
	assert_int_equal(ghost_run(&cpu[0], a), GHOST_TRAPPED);
}

static void a_stale_owner_is_not_saved_over_its_newer_state(void **state)
{
	(void)state;
	ghost_run(&cpu[0], a);
	ghost_migrate(&cpu[0], &cpu[1], a);
	ghost_run(&cpu[1], a);
	ghost_run(&cpu[0], b);
	ghost_host(&cpu[0]);
	ghost_migrate(&cpu[1], &cpu[0], a);
	assert_int_equal(cpu[0].work.saves, 2); /* a once, b once */
	ghost_run(&cpu[0], a);
}

static void a_flush_saves_what_only_the_registers_hold_and_counts_it(void **state)
{
	(void)state;
	ghost_run(&cpu[0], a);
	ghost_idle(&cpu[0]);
	assert_true(fpu_must_flush(&cpu[1].core, &a->context));
	assert_false(fpu_must_flush(&cpu[0].core, &a->context));
	ghost_migrate(&cpu[0], &cpu[1], a);
	ghost_migrate(&cpu[0], &cpu[1], a);
	assert_int_equal(cpu[0].core.counters.flushes, 1);
	assert_int_equal(a->context.counters.flushes, 1);
	assert_int_equal(ghost_run(&cpu[1], a), GHOST_TRAPPED);
}

static void a_cpu_that_goes_offline_loses_nothing(void **state)
{
	(void)state;
	ghost_run(&cpu[0], a);
	ghost_idle(&cpu[0]);
	fpu_offline(&cpu[0].core);
	assert_int_equal(cpu[0].core.counters.flushes, 1);
	assert_int_equal(cpu[0].core.residue, DOMAIN_A);
	ghost_cpu_init(&cpu[0], 0, FPU_LAZY);
	assert_int_equal(ghost_run(&cpu[1], a), GHOST_TRAPPED);
}

/* Saved already, it would still be taken for resident by a CPU that keeps its structure. */
static void a_cpu_that_goes_offline_forgets_its_owner_and_leaves_the_context_alone(void **state)
{
	struct fpu_context before;

	(void)state;
	ghost_run(&cpu[0], a);
	ghost_read(&cpu[0], a);
	before = a->context;
	fpu_offline(&cpu[0].core);
	assert_null(cpu[0].core.owner);
	assert_false(fpu_resident(&cpu[0].core, &a->context));
	assert_memory_equal(&a->context, &before, sizeof(before));
	assert_int_equal(cpu[0].work.saves, 1);
	assert_int_equal(cpu[0].core.counters.flushes, 0);
	assert_int_equal(ghost_events[FPU_EVENT_DROP], 1);
	assert_int_equal(ghost_run(&cpu[0], a), GHOST_TRAPPED);
}

static void a_cpu_without_an_owner_goes_offline_and_does_nothing(void **state)
{
	struct ghost_work before;

	(void)state;
	ghost_enter(&cpu[0], a);
	ghost_idle(&cpu[0]);
	before = cpu[0].work;
	fpu_offline(&cpu[0].core);
	assert_memory_equal(&cpu[0].work, &before, sizeof(before));
	assert_int_equal(ghost_events[FPU_EVENT_DROP], 0);
	ghost_host(&cpu[0]);
	fpu_offline(&cpu[0].core);
	assert_null(cpu[0].core.owner);
}

static void a_host_section_between_loses_nothing_and_saves_once(void **state)
{
	(void)state;
	ghost_run(&cpu[0], a);
	ghost_host(&cpu[0]);
	assert_int_equal(cpu[0].core.residue, FPU_DOMAIN_HOST);
	assert_int_equal(cpu[0].work.saves, 1);
	ghost_host(&cpu[0]);
	assert_int_equal(ghost_run(&cpu[0], a), GHOST_TRAPPED);
	assert_int_equal(cpu[0].work.saves, 1);
	assert_int_equal(cpu[0].core.counters.host, 2);
}

static void a_host_section_between_trap_and_entry_loses_nothing(void **state)
{
	(void)state;
	ghost_run(&cpu[0], b);
	ghost_enter(&cpu[0], a);
	fpu_trap(&cpu[0].core, &a->context);
	ghost_host(&cpu[0]);
	assert_int_equal(ghost_run(&cpu[0], a), GHOST_TRAPPED);
	assert_int_equal(ghost_run(&cpu[0], b), GHOST_TRAPPED);
}

static void what_is_out_of_order_stops_the_machine(void **state)
{
	(void)state;
	ghost_idle(&cpu[0]);
	expect_assert_failure(fpu_host_end(&cpu[0].core));
	fpu_host_begin(&cpu[0].core);
	expect_assert_failure(fpu_host_begin(&cpu[0].core));
	expect_assert_failure(fpu_enter(&cpu[0].core, &a->context));
	expect_assert_failure(fpu_offline(&cpu[0].core));
	fpu_host_end(&cpu[0].core);
	ghost_run(&cpu[0], a);
	expect_assert_failure(fpu_trap(&cpu[0].core, &a->context));
	ghost_host(&cpu[0]);
	expect_assert_failure(fpu_trap(&cpu[0].core, &a->context));
}

static void loading_what_another_cpu_holds_newer_stops_the_machine(void **state)
{
	(void)state;
	ghost_run(&cpu[0], a);
	ghost_idle(&cpu[0]);
	ghost_enter(&cpu[1], a);
	expect_assert_failure(fpu_trap(&cpu[1].core, &a->context));
}

static void every_decision_is_traced_once(void **state)
{
	(void)state;
	ghost_run(&cpu[0], a);
	ghost_run(&cpu[0], b);
	ghost_host(&cpu[0]);
	ghost_release(cpu, 1, b);
	ghost_guest_init(b, DOMAIN_B, GHOST_SUPERSET);
	assert_int_equal(ghost_events[FPU_EVENT_NM], 2);
	assert_int_equal(ghost_events[FPU_EVENT_LOAD], 2);
	assert_int_equal(ghost_events[FPU_EVENT_SAVE], 2);
	assert_int_equal(ghost_events[FPU_EVENT_ARM], 2);
	assert_int_equal(ghost_events[FPU_EVENT_OPEN], 2);
	assert_int_equal(ghost_events[FPU_EVENT_HOST], 1);
	assert_int_equal(ghost_events[FPU_EVENT_RELEASE], 1);
}

/* These leave a CPU in the middle of what it must not do. */
#define death_test(name) cmocka_unit_test_setup(name, start_lazy)

int main(void)
{
	const struct CMUnitTest tests[] = {
		owner_test(first_use_traps_once_and_finds_the_initial_state),
		owner_test(entering_the_resident_open_vcpu_again_does_nothing),
		owner_test(a_guest_without_fpu_use_between_costs_nothing),
		owner_test(a_change_of_owner_is_one_trap_one_save_and_one_load),
		owner_test(saved_ran_on_and_clobbered_is_saved_again),
		owner_test(what_the_image_holds_already_is_not_saved_again),
		owner_test(reading_leaves_the_guest_resident),
		owner_test(what_is_written_is_what_a_resident_guest_finds),
		owner_test(what_is_written_while_another_owns_the_registers_leaves_them_alone),
		owner_test(a_new_context_at_a_released_address_finds_the_initial_state),
		owner_test(a_release_on_another_cpu_first_does_not_stop_the_one_that_has_to_save),
		owner_test(release_on_every_cpu_leaves_no_name_behind),
		owner_test(releasing_one_guest_leaves_the_owner_alone),
		owner_test(an_owner_that_has_been_elsewhere_is_loaded_again),
		owner_test(a_stale_owner_is_not_saved_over_its_newer_state),
		owner_test(a_flush_saves_what_only_the_registers_hold_and_counts_it),
		owner_test(a_cpu_that_goes_offline_loses_nothing),
		owner_test(a_cpu_that_goes_offline_forgets_its_owner_and_leaves_the_context_alone),
		owner_test(a_cpu_without_an_owner_goes_offline_and_does_nothing),
		owner_test(a_host_section_between_loses_nothing_and_saves_once),
		owner_test(a_host_section_between_trap_and_entry_loses_nothing),
		death_test(what_is_out_of_order_stops_the_machine),
		death_test(loading_what_another_cpu_holds_newer_stops_the_machine),
		owner_test(every_decision_is_traced_once),
	};

	return cmocka_run_group_tests_name("owner", tests, NULL, NULL);
}
