/* vmm/sched/balance.c: which vCPU is pulled from another CPU, and which CPU is told of one. */
#include "tests/unit/turns_fixture.h"

static void one_that_waits_alone_on_a_cpu_between_its_turns_is_not_pulled(void **state)
{
	(void)state;
	prepare(2, 3, 0);
	queue_add(&pcpus[0].queue, &vcpus[0].place);
	assert_null(balance_pull(&pcpus[1], UINT64_MAX, 0));
	assert_false(balance_any(&pcpus[1]));
	/* one of two is, */
	queue_add(&pcpus[0].queue, &vcpus[1].place);
	assert_true(balance_any(&pcpus[1]));
	assert_ptr_equal(balance_pull(&pcpus[1], UINT64_MAX, 0), &vcpus[0]);
	assert_ptr_equal(vcpus[0].at, &pcpus[1]);
	assert_int_equal(pcpus[1].pulls, 1);
	assert_null(balance_pull(&pcpus[1], UINT64_MAX, 0));
	/* and one while another has its turn there */
	pcpus[0].turn = &vcpus[2];
	assert_ptr_equal(balance_pull(&pcpus[1], UINT64_MAX, 0), &vcpus[1]);
	assert_int_equal(pcpus[0].queue.waiting, 0);
}

static void who_has_not_had_less_by_more_than_the_margin_stays(void **state)
{
	(void)state;
	prepare(2, 2, 0);
	pcpus[0].turn = &vcpus[1];
	vcpus[0].place.used = 500;
	queue_add(&pcpus[0].queue, &vcpus[0].place);
	assert_null(balance_pull(&pcpus[1], 600, 100));
	assert_ptr_equal(balance_pull(&pcpus[1], 601, 100), &vcpus[0]);
}

static void make_live(uint32_t cpu, uint32_t vcpu)
{
	pcpus[cpu].fpu.owner = &vcpus[vcpu].fpu.context;
	vcpus[vcpu].fpu.context.home = &pcpus[cpu].fpu;
}

static void one_whose_registers_are_live_is_pulled_last(void **state)
{
	(void)state;
	prepare(2, 4, 0);
	pcpus[0].turn = &vcpus[3];
	for (uint32_t i = 0; i < 3; i++)
		queue_add(&pcpus[0].queue, &vcpus[i].place);
	make_live(0, 0);
	assert_ptr_equal(balance_pull(&pcpus[1], UINT64_MAX, 0), &vcpus[1]);
	assert_int_equal(pcpus[1].spared, 1);
	assert_ptr_equal(balance_pull(&pcpus[1], UINT64_MAX, 0), &vcpus[2]);
	assert_int_equal(pcpus[1].spared, 2);
	assert_ptr_equal(balance_pull(&pcpus[1], UINT64_MAX, 0), &vcpus[0]);
	assert_int_equal(pcpus[1].spared, 2);
	assert_int_equal(pcpus[1].pulls, 3);
}

static void one_is_spared_only_if_it_would_have_been_pulled_instead(void **state)
{
	(void)state;
	prepare(2, 4, 0);
	pcpus[0].turn = &vcpus[3];
	queue_add(&pcpus[0].queue, &vcpus[1].place);
	queue_add(&pcpus[0].queue, &vcpus[0].place);
	make_live(0, 0);
	assert_ptr_equal(balance_pull(&pcpus[1], UINT64_MAX, 0), &vcpus[1]);
	assert_int_equal(pcpus[1].spared, 0);
	/* those behind it may not go, or have had too much */
	vms[1].config.cpus = 1;
	queue_add(&pcpus[0].queue, &vcpus[1].place);
	vcpus[2].place.used = SLICE;
	queue_add(&pcpus[0].queue, &vcpus[2].place);
	assert_ptr_equal(balance_pull(&pcpus[1], SLICE, 0), &vcpus[0]);
	assert_int_equal(pcpus[1].spared, 0);
	/* what another CPU has of it does not count here */
	make_live(1, 2);
	assert_ptr_equal(balance_pull(&pcpus[1], UINT64_MAX, 0), &vcpus[2]);
	assert_int_equal(pcpus[1].spared, 0);
}

static void one_that_is_due_where_another_has_its_turn_is_pulled(void **state)
{
	(void)state;
	prepare(2, 2, 0);
	queue_sleep(&pcpus[0].queue, &vcpus[0].place, 500);
	pcpus[0].turn = &vcpus[1];
	now = 499;
	assert_false(balance_any(&pcpus[1]));
	assert_null(balance_pull(&pcpus[1], UINT64_MAX, 0));
	now = 500;
	assert_true(balance_any(&pcpus[1]));
	assert_ptr_equal(balance_pull(&pcpus[1], UINT64_MAX, 0), &vcpus[0]);
	assert_int_equal(vcpus[0].place.sleeper, 0);
}

/* One that halts looks after its own. */
static void of_cpus_that_halt_the_timers_are_their_own(void **state)
{
	(void)state;
	prepare(3, 2, 0);
	queue_sleep(&pcpus[1].queue, &vcpus[0].place, 500);
	queue_sleep(&pcpus[2].queue, &vcpus[1].place, 700);
	assert_int_equal(balance_next_due(&pcpus[0]), 500);
	balance_idle(&pcpus[1], true);
	assert_int_equal(balance_next_due(&pcpus[0]), 700);
	balance_idle(&pcpus[1], false);
	assert_int_equal(balance_next_due(&pcpus[0]), 500);
}

static void one_cpu_that_halts_is_kicked_for_a_vcpu_its_own_first(void **state)
{
	(void)state;
	prepare(4, 1, 0);
	vms[0].config.cpus = 0xe;
	balance_offer(&pcpus[1], &vcpus[0]);
	assert_int_equal(kicks, 0); /* nobody halts */
	for (uint32_t i = 0; i < 4; i++)
		balance_idle(&pcpus[i], i != 1);
	balance_offer(&pcpus[3], &vcpus[0]);
	assert_int_equal(kicks, 1);
	assert_true(kicked[3]);
	balance_offer(&pcpus[3], &vcpus[0]); /* that one knows */
	assert_int_equal(kicks, 2);
	assert_true(kicked[2]);
	balance_offer(&pcpus[3], &vcpus[0]); /* CPU 0 may not run it */
	assert_int_equal(kicks, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_waits_alone_on_a_cpu_between_its_turns_is_not_pulled),
		cmocka_unit_test(who_has_not_had_less_by_more_than_the_margin_stays),
		cmocka_unit_test(one_whose_registers_are_live_is_pulled_last),
		cmocka_unit_test(one_is_spared_only_if_it_would_have_been_pulled_instead),
		cmocka_unit_test(one_that_is_due_where_another_has_its_turn_is_pulled),
		cmocka_unit_test(of_cpus_that_halt_the_timers_are_their_own),
		cmocka_unit_test(one_cpu_that_halts_is_kicked_for_a_vcpu_its_own_first),
	};

	return cmocka_run_group_tests_name("balance", tests, NULL, NULL);
}
