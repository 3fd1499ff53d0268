/*
 * Who is to have a turn on a CPU: some wait for one, first come first served, and some sleep until
 * a TSC value. What an operation costs does not depend on how many there are, but for the logarithm
 * of the number of sleepers. Under the queue's lock, which whoever calls these takes.
 */
#pragma once

#include <stdint.h>

#include "lib/lock.h"

#define QUEUE_NEVER UINT64_MAX
#define QUEUE_MAX   1024 /* sleepers */

/* Part of whatever queues. */
struct queue_place {
	struct queue_place *next; /* that waits behind it */
	uint64_t until;		  /* when it is to be woken, if it sleeps */
	uint32_t sleeper;	  /* its index in the heap + 1, or 0: it does not sleep */
	uint64_t used;		  /* what it has had: vmm/sched/balance.h */
};

struct run_queue {
	struct spinlock lock;
	struct queue_place *first, *last;
	uint32_t waiting;
	uint64_t used; /* by the one of its vCPUs that has had most: vmm/sched/turns.c */
	uint32_t sleepers;
	struct queue_place *heap[QUEUE_MAX]; /* heap[0] is woken first */
};

/* Puts one that is in no queue at the end of those that wait. */
void queue_add(struct run_queue *queue, struct queue_place *place);

/* Takes the one that has waited longest, or NULL. */
struct queue_place *queue_take(struct run_queue *queue);

/* Takes one that waits, wherever it stands: behind `before`, or first if that is NULL. */
void queue_take_behind(struct run_queue *queue, struct queue_place *before);

/* Puts one that is in no queue to sleep. */
void queue_sleep(struct run_queue *queue, struct queue_place *place, uint64_t until);

/* Ends the sleep of one that sleeps: it waits now. */
void queue_wake(struct run_queue *queue, struct queue_place *place);

/* Wakes all whose time has come. */
void queue_wake_due(struct run_queue *queue, uint64_t now);

/*
 * Without the lock, for a look that may be out of date: when the next one is to be woken, or
 * QUEUE_NEVER; and the one that has waited longest, or NULL. What queues is never freed.
 */
static inline uint64_t queue_next_due(const struct run_queue *queue)
{
	return __atomic_load_n(&queue->sleepers, __ATOMIC_ACQUIRE) ? queue->heap[0]->until
								   : QUEUE_NEVER;
}

static inline struct queue_place *queue_first(const struct run_queue *queue)
{
	return __atomic_load_n(&queue->first, __ATOMIC_RELAXED);
}
