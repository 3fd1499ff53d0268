/* vmm/queue.c against lists that are looked through. */
#include "tests/unit/unit.h"

#include "vmm/queue.h"

#define MANY 70

static struct run_queue queue;
static struct queue_place place[MANY];

static int start(void **state)
{
	(void)state;
	memset(&queue, 0, sizeof(queue));
	memset(place, 0, sizeof(place));
	return 0;
}

static void who_waits_longest_is_taken_first(void **state)
{
	(void)state;
	assert_null(queue_take(&queue));
	for (int round = 0; round < 3; round++) {
		for (unsigned int i = 0; i < MANY; i++)
			queue_add(&queue, &place[i]);
		assert_int_equal(queue.waiting, MANY);
		for (unsigned int i = 0; i < MANY; i++)
			assert_ptr_equal(queue_take(&queue), &place[i]);
		assert_null(queue_take(&queue));
		assert_int_equal(queue.waiting, 0);
	}
}

static void one_that_comes_back_waits_behind_all(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < MANY; i++)
		queue_add(&queue, &place[i]);
	for (unsigned int i = 0; i < 10 * MANY; i++) {
		struct queue_place *first = queue_take(&queue);

		assert_ptr_equal(first, &place[i % MANY]);
		queue_add(&queue, first);
	}
}

/* What is left waits in its order, whole, and one more behind it. */
static void expect_rest(unsigned int count, unsigned int without)
{
	static struct queue_place more;
	unsigned int left = 0;

	more = (struct queue_place){};
	assert_int_equal(queue.waiting, count - 1);
	assert_ptr_equal(queue.last,
			 count == 1 ? NULL : &place[count - 1 - (without == count - 1)]);
	queue_add(&queue, &more);
	for (unsigned int i = 0; i < count; i++) {
		if (i == without)
			continue;
		assert_ptr_equal(queue_take(&queue), &place[i]);
		left++;
	}
	assert_int_equal(left, count - 1);
	assert_ptr_equal(queue_take(&queue), &more);
	assert_null(queue_take(&queue));
	assert_int_equal(queue.waiting, 0);
}

static void one_can_be_taken_from_anywhere_and_the_others_keep_their_order(void **state)
{
	(void)state;
	for (unsigned int count = 1; count <= 5; count++) {
		for (unsigned int taken = 0; taken < count; taken++) {
			for (unsigned int i = 0; i < count; i++)
				queue_add(&queue, &place[i]);
			queue_take_behind(&queue, taken ? &place[taken - 1] : NULL);
			expect_rest(count, taken);
			/* the one that was taken is in no queue, and may come back */
			queue_add(&queue, &place[taken]);
			assert_ptr_equal(queue_take(&queue), &place[taken]);
		}
	}
}

static void sleepers_are_woken_when_they_are_due_and_in_that_order(void **state)
{
	(void)state;
	assert_int_equal(queue_next_due(&queue), QUEUE_NEVER);
	for (unsigned int i = 0; i < MANY; i++) /* 37 and 70 have no common factor */
		queue_sleep(&queue, &place[i], 1000 + i * 37 % MANY);
	for (unsigned int t = 0; t < MANY; t++) {
		struct queue_place *woken;

		assert_int_equal(queue_next_due(&queue), 1000 + t);
		queue_wake_due(&queue, 999 + t);
		assert_null(queue_take(&queue));
		queue_wake_due(&queue, 1000 + t);
		woken = queue_take(&queue);
		assert_int_equal(woken->until, 1000 + t);
		assert_int_equal(woken->sleeper, 0);
	}
	assert_int_equal(queue_next_due(&queue), QUEUE_NEVER);
}

static uint64_t earliest(const bool *asleep)
{
	uint64_t first = QUEUE_NEVER;

	for (unsigned int i = 0; i < MANY; i++)
		if (asleep[i] && place[i].until < first)
			first = place[i].until;
	return first;
}

/* Any may be woken at any time: the others keep their order. */
static void any_sleeper_can_be_woken_before_its_time(void **state)
{
	bool asleep[MANY] = {false};
	uint32_t random = 1;

	(void)state;
	for (unsigned int n = 0; n < 20000; n++) {
		unsigned int i;

		random = random * 1664525 + 1013904223;
		i = (random >> 16) % MANY;
		if (asleep[i]) {
			queue_wake(&queue, &place[i]);
			assert_ptr_equal(queue_take(&queue), &place[i]);
		} else {
			queue_sleep(&queue, &place[i], random >> 24);
		}
		asleep[i] = !asleep[i];
		assert_int_equal(queue_next_due(&queue), earliest(asleep));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(who_waits_longest_is_taken_first, start),
		cmocka_unit_test_setup(one_that_comes_back_waits_behind_all, start),
		cmocka_unit_test_setup(
			one_can_be_taken_from_anywhere_and_the_others_keep_their_order, start),
		cmocka_unit_test_setup(sleepers_are_woken_when_they_are_due_and_in_that_order,
				       start),
		cmocka_unit_test_setup(any_sleeper_can_be_woken_before_its_time, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
