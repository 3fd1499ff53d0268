/* vmm/sched/turns.c, with balance.c: who has how much of the CPUs, and where. */
#include "tests/unit/turns_fixture.h"

/* The most that one has had beyond another since `before`. */
static uint64_t spread(const uint64_t *before)
{
	uint64_t most = 0, least = UINT64_MAX;

	for (uint32_t i = 0; i < vcpu_count; i++) {
		uint64_t since = had[i] - (before ? before[i] : 0);

		most = since > most ? since : most;
		least = since < least ? since : least;
	}
	return most - least;
}

static uint32_t busy(void)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < cpu_count; i++)
		count += pcpus[i].turn != NULL;
	return count;
}

static uint64_t pulls(void)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < cpu_count; i++)
		count += pcpus[i].pulls;
	return count;
}

static const struct {
	uint32_t cpus, vcpus;
} loads[] = {{2, 3}, {4, 5}, {8, 7}, {1, 3}, {2, 5}, {3, 4}, {4, 6}, {4, 9}, {8, 13}};

static void of_vcpus_that_always_want_a_cpu_none_gets_ahead_by_more_than_a_slice(void **state)
{
	(void)state;
	for (size_t l = 0; l < ARRAY_SIZE(loads); l++) {
		for (enum order order = 0; order < ORDERS; order++) {
			prepare_all(loads[l].cpus, loads[l].vcpus, 0);
			for (unsigned int n = 0; n < 300; n++) {
				step(order);
				if (spread(NULL) > 1)
					fail_msg("%u vCPUs on %u CPUs, order %u, slice %u",
						 vcpu_count, cpu_count, order, n);
				assert_int_equal(busy(),
						 cpu_count < vcpu_count ? cpu_count : vcpu_count);
			}
		}
	}
}

/* None is fetched from where it was: not while it waits for its next turn there, either. */
static void with_a_cpu_for_each_nobody_moves(void **state)
{
	(void)state;
	for (uint32_t count = 1; count <= 8; count++) {
		for (enum order order = 0; order < ORDERS; order++) {
			prepare_all(8, count, 0);
			for (unsigned int n = 0; n < 100; n++)
				step(order);
			assert_int_equal(pulls(), 0);
			for (uint32_t i = 0; i < count; i++)
				assert_ptr_equal(vcpus[i].at, &pcpus[i]);
		}
	}
}

static void a_vcpu_runs_only_where_it_may(void **state)
{
	static const uint64_t may[] = {0x1, 0x1, 0x2, 0x6, 0x4, 0x5, 0x8, 0x6};

	(void)state;
	for (enum order order = 0; order < ORDERS; order++) {
		prepare(4, ARRAY_SIZE(may), 0);
		for (uint32_t i = 0; i < vcpu_count; i++) {
			vms[i].config.cpus = may[i];
			add(&vcpus[i]);
		}
		for (unsigned int n = 0; n < 300; n++)
			step(order); /* pick() looks */
		for (uint32_t i = 0; i < vcpu_count; i++)
			assert_true(had[i] > 50);
		assert_true(had[6] >= 299); /* it has a CPU of its own */
	}
}

static void from_a_cpu_that_is_not_to_run_it_any_more_a_vcpu_moves_on(void **state)
{
	(void)state;
	prepare_all(4, 4, 0);
	step(LOCKSTEP);
	online_cpus = 0x9;
	for (unsigned int n = 0; n < 100; n++)
		step(LOCKSTEP);
	assert_null(pcpus[1].turn);
	assert_null(pcpus[2].turn);
	assert_int_equal(pcpus[1].queue.waiting + pcpus[2].queue.waiting, 0);
	assert_int_equal(busy(), 2);
	assert_true(spread(NULL) <= 2);
}

static void who_has_slept_is_two_slices_behind_at_most(void **state)
{
	(void)state;
	prepare(1, 2, 0);
	queue_add(&pcpus[0].queue, &vcpus[0].place);
	for (unsigned int n = 0; n < 10; n++)
		step(LOCKSTEP);
	queue_add(&pcpus[0].queue, &vcpus[1].place);
	put(&pcpus[0]);
	assert_int_equal(vcpus[0].place.used, 10 * SLICE);
	assert_ptr_equal(turns_pick(&pcpus[0]), &vcpus[1]);
	assert_int_equal(vcpus[1].place.used, 8 * SLICE); /* the last turn counts too */
	/* who is less behind keeps it, */
	pcpus[0].turn = &vcpus[1];
	put(&pcpus[0]);
	assert_int_equal(vcpus[1].place.used, 9 * SLICE);
	assert_ptr_equal(turns_pick(&pcpus[0]), &vcpus[0]);
	assert_ptr_equal(turns_pick(&pcpus[0]), &vcpus[1]);
	assert_int_equal(vcpus[0].place.used, 10 * SLICE);
	assert_int_equal(vcpus[1].place.used, 9 * SLICE);
}

/*
 * While the last one sleeps the others run. When it wakes it is two slices behind, of what one of
 * its CPU has had, beyond whom another CPU's may be by a slice; and it may get ahead by a slice.
 */
static void who_has_slept_gets_a_few_slices_back_and_no_more(void **state)
{
	static const uint64_t naps[] = {2, 20, 100};

	(void)state;
	for (size_t l = 0; l < 2; l++) {
		for (size_t i = 0; i < ARRAY_SIZE(naps); i++) {
			for (enum order order = 0; order < ORDERS; order++) {
				uint64_t before[VCPUS_MAX];
				uint32_t last;

				prepare_all(loads[l].cpus, loads[l].vcpus, 0);
				last = vcpu_count - 1;
				nap[last] = naps[i];
				while (vcpus[last].state != VCPU_HALTED)
					step(order);
				while (vcpus[last].state == VCPU_HALTED)
					step(order);
				memcpy(before, had, sizeof(before));
				for (unsigned int n = 0; n < 100; n++) {
					step(order);
					assert_true(spread(before) <= 2 + 1 + 1);
				}
			}
		}
	}
}

static void a_sleeper_is_woken_where_it_sleeps_or_by_a_cpu_with_nothing_to_do(void **state)
{
	(void)state;
	prepare_all(2, 3, 0);
	for (uint32_t i = 0; i < 3; i++)
		vms[i].config.cpus = i < 2 ? 1 : 3; /* 0 and 1 keep CPU 0 busy */
	vcpus[2].state = VCPU_HALTED;
	vcpus[2].timer_deadline = 10 * SLICE;
	queue_take(&pcpus[0].queue);
	queue_take(&pcpus[0].queue);
	queue_take(&pcpus[1].queue);
	queue_add(&pcpus[0].queue, &vcpus[0].place);
	queue_add(&pcpus[0].queue, &vcpus[1].place);
	turns_put(&pcpus[0], &vcpus[2]);
	assert_int_equal(queue_next_due(&pcpus[0].queue), 10 * SLICE);
	assert_int_equal(balance_next_due(&pcpus[1]), 10 * SLICE);
	assert_int_equal(balance_next_due(&pcpus[0]), QUEUE_NEVER);
	for (unsigned int n = 0; n < 10; n++) {
		step(LOCKSTEP);
		assert_null(pcpus[1].turn);
	}
	step(LOCKSTEP);
	assert_ptr_equal(pcpus[1].turn, &vcpus[2]);
	assert_int_equal(queue_next_due(&pcpus[0].queue), QUEUE_NEVER);
}

static void with_migrate_a_vcpu_goes_round_all_cpus_that_may_run_it(void **state)
{
	static const uint64_t may[] = {UINT64_MAX, 0xb, 0x6, 0x8, 0xc};

	(void)state;
	for (uint32_t migrate = 1; migrate <= 3; migrate++) {
		for (size_t m = 0; m < ARRAY_SIZE(may); m++) {
			uint64_t left;

			prepare(4, 1, migrate);
			vms[0].config.cpus = may[m];
			add(&vcpus[0]);
			left = balance_cpus(&vcpus[0]);
			for (unsigned int n = 0; n < 40; n++) {
				step(LOCKSTEP);
				assert_int_equal(busy(), 1);
				assert_ptr_equal(pcpus[__builtin_ctzll(left)].turn, &vcpus[0]);
				if ((n + 1) % migrate)
					continue;
				left &= left - 1;
				left = left ? left : balance_cpus(&vcpus[0]);
			}
			assert_int_equal(pulls(), 0);
		}
	}
}

/*
 * It moves vCPUs to where others have had less, and who has moved does not get back all that it is
 * behind: shares differ by more than a slice, but by little of what each has had.
 */
static void with_migrate_no_cpu_is_idle_and_nobody_falls_far_behind(void **state)
{
	(void)state;
	for (uint32_t migrate = 1; migrate <= 3; migrate++) {
		for (enum order order = 0; order < ORDERS; order++) {
			prepare_all(4, 5, migrate);
			for (unsigned int n = 0; n < 1000; n++) {
				step(order);
				assert_int_equal(busy(), 4);
			}
			assert_true(spread(NULL) <= 8); /* of 800 */
		}
	}
}

/* Some sleep, some owe time, some may run on a few CPUs only. */
static void nobody_that_can_run_waits_for_ever(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < 40; round++) {
		uint64_t waited[VCPUS_MAX] = {0}, before[VCPUS_MAX];

		prepare(4, 20, round % 4);
		seed += round;
		for (uint32_t i = 0; i < vcpu_count; i++) {
			vms[i].config.cpus = random_next(&seed) % 15 + 1;
			add(&vcpus[i]);
		}
		for (unsigned int n = 0; n < 1000; n++) {
			uint32_t any = (uint32_t)(random_next(&seed) % vcpu_count);

			nap[any] = random_next(&seed) % 10;
			vms[random_next(&seed) % vcpu_count].debt += random_next(&seed) % SLICE;
			memcpy(before, had, sizeof(before));
			step((enum order)(random_next(&seed) % ORDERS));
			for (uint32_t i = 0; i < vcpu_count; i++) {
				bool sleeps = vcpus[i].state == VCPU_HALTED;

				waited[i] = sleeps || had[i] > before[i] ? 0 : waited[i] + 1;
				assert_true(waited[i] <= 3 * vcpu_count);
			}
		}
	}
}

static void one_whose_output_must_wait_stays_where_it_is(void **state)
{
	(void)state;
	prepare_all(2, 3, 0);
	vms[0].output.used = LINE_RING_SIZE - OUTPUT_RESERVE + 1;
	vms[2].output.used = vms[0].output.used;
	for (unsigned int n = 0; n < 10; n++)
		step(LOCKSTEP);
	assert_null(pcpus[0].turn);
	assert_ptr_equal(pcpus[1].turn, &vcpus[1]);
	assert_int_equal(pcpus[0].queue.waiting, 2);
	assert_false(turns_any(&pcpus[0]));
	vms[2].output.used--;
	assert_true(turns_any(&pcpus[0]));
	step(LOCKSTEP);
	assert_ptr_equal(pcpus[0].turn, &vcpus[2]);
	assert_int_equal(had[0], 0);
}

static void one_that_owes_most_of_a_slice_has_had_its_turn(void **state)
{
	(void)state;
	prepare_all(1, 2, 0);
	vms[0].debt = SLICE / 2 + 1;
	assert_ptr_equal(turns_pick(&pcpus[0]), &vcpus[1]);
	assert_int_equal(vms[0].debt, 0);
	turns_put(&pcpus[0], &vcpus[1]);
	/* where all owe it is the one that owes least */
	vms[0].debt = 5 * SLICE;
	vms[1].debt = 3 * SLICE;
	assert_ptr_equal(turns_pick(&pcpus[0]), &vcpus[1]);
	assert_int_equal(vms[1].debt, 0);
	assert_int_equal(vms[0].debt, 4 * SLICE);
	turns_put(&pcpus[0], &vcpus[1]);
	vms[1].state = VM_ENDED;
	assert_ptr_equal(turns_pick(&pcpus[0]), &vcpus[1]);
	turns_put(&pcpus[0], &vcpus[1]); /* in no queue any more */
	assert_int_equal(pcpus[0].queue.waiting, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			of_vcpus_that_always_want_a_cpu_none_gets_ahead_by_more_than_a_slice),
		cmocka_unit_test(with_a_cpu_for_each_nobody_moves),
		cmocka_unit_test(a_vcpu_runs_only_where_it_may),
		cmocka_unit_test(from_a_cpu_that_is_not_to_run_it_any_more_a_vcpu_moves_on),
		cmocka_unit_test(who_has_slept_is_two_slices_behind_at_most),
		cmocka_unit_test(who_has_slept_gets_a_few_slices_back_and_no_more),
		cmocka_unit_test(a_sleeper_is_woken_where_it_sleeps_or_by_a_cpu_with_nothing_to_do),
		cmocka_unit_test(with_migrate_a_vcpu_goes_round_all_cpus_that_may_run_it),
		cmocka_unit_test(with_migrate_no_cpu_is_idle_and_nobody_falls_far_behind),
		cmocka_unit_test(nobody_that_can_run_waits_for_ever),
		cmocka_unit_test(one_whose_output_must_wait_stays_where_it_is),
		cmocka_unit_test(one_that_owes_most_of_a_slice_has_had_its_turn),
	};

	return cmocka_run_group_tests_name("turns", tests, NULL, NULL);
}
