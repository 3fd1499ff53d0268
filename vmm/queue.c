#include <stddef.h>

#include "lib/assert.h"
#include "vmm/queue.h"

void queue_add(struct run_queue *queue, struct queue_place *place)
{
	assert(!place->sleeper);
	place->next = NULL;
	if (queue->last)
		queue->last->next = place;
	else
		queue->first = place;
	queue->last = place;
	queue->waiting++;
}

struct queue_place *queue_take(struct run_queue *queue)
{
	struct queue_place *place = queue->first;

	if (!place)
		return NULL;
	queue->first = place->next;
	if (!queue->first)
		queue->last = NULL;
	queue->waiting--;
	return place;
}

void queue_take_behind(struct run_queue *queue, struct queue_place *before)
{
	struct queue_place *place;

	if (!before) {
		queue_take(queue);
		return;
	}
	place = before->next;
	before->next = place->next;
	if (!before->next)
		queue->last = before;
	queue->waiting--;
}

/* The sleepers are a binary heap: none is to be woken before the one at half its index. */

static void put(struct run_queue *queue, uint32_t index, struct queue_place *place)
{
	queue->heap[index] = place;
	place->sleeper = index + 1;
}

/* Moves one up from an index to where it belongs. */
static void rise(struct run_queue *queue, uint32_t index, struct queue_place *place)
{
	while (index) {
		uint32_t above = (index - 1) / 2;

		if (queue->heap[above]->until <= place->until)
			break;
		put(queue, index, queue->heap[above]);
		index = above;
	}
	put(queue, index, place);
}

static void sink(struct run_queue *queue, uint32_t index, struct queue_place *place)
{
	for (;;) {
		uint32_t below = 2 * index + 1;

		if (below >= queue->sleepers)
			break;
		if (below + 1 < queue->sleepers &&
		    queue->heap[below + 1]->until < queue->heap[below]->until)
			below++;
		if (queue->heap[below]->until >= place->until)
			break;
		put(queue, index, queue->heap[below]);
		index = below;
	}
	put(queue, index, place);
}

void queue_sleep(struct run_queue *queue, struct queue_place *place, uint64_t until)
{
	assert(!place->sleeper && queue->sleepers < QUEUE_MAX);
	place->until = until;
	rise(queue, queue->sleepers, place);
	/* last: queue_next_due() reads heap[0] without the lock */
	__atomic_store_n(&queue->sleepers, queue->sleepers + 1, __ATOMIC_RELEASE);
}

void queue_wake(struct run_queue *queue, struct queue_place *place)
{
	uint32_t index = place->sleeper - 1;
	struct queue_place *last = queue->heap[--queue->sleepers];

	assert(queue->heap[index] == place);
	place->sleeper = 0;
	if (last != place) {
		if (last->until < place->until)
			rise(queue, index, last);
		else
			sink(queue, index, last);
	}
	queue_add(queue, place);
}

void queue_wake_due(struct run_queue *queue, uint64_t now)
{
	while (queue->sleepers && queue->heap[0]->until <= now)
		queue_wake(queue, queue->heap[0]);
}
