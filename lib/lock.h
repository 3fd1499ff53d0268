/*
 * A spinlock: taken in root mode with interrupts off, held briefly, never across a VM entry or
 * while this CPU waits for another, never taken by an NMI handler. It knows who holds it.
 *
 * Order: a CPU that holds a lock takes only locks of a lower rank, which every build checks. So no
 * two CPUs wait for each other's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/assert.h"
#include "lib/x86.h"

enum lock_rank {
	LOCK_LEAF,    /* nothing is taken inside: page frames, a run queue, a ring of lines */
	LOCK_CONSOLE, /* who sends to the devices: the rings inside */
	LOCK_VMS,     /* what several CPUs may ask of a VM: run queues and rings inside */
	LOCK_PC,      /* the chips of a VM with several vCPUs: a request to a VM inside */
	LOCK_NONE,    /* of a CPU that holds none */
};

struct spinlock {
	volatile uint32_t holder; /* the CPU's number + 1, or 0 */
	uint32_t rank;		  /* enum lock_rank */
	uint32_t outer;		  /* the rank of what its holder took before it */
};

#if __STDC_HOSTED__
/* A test is one CPU, whose locks have no order. */
static inline uint32_t lock_cpu(void)
{
	return 0;
}

static inline uint32_t lock_innermost(void)
{
	return LOCK_NONE;
}

static inline void lock_set_innermost(uint32_t rank)
{
	(void)rank;
}
#else
/* Where GS points (boot/cpu.h): the CPU's number, and the rank that it took last. */
#define LOCK_CPU_ID   8
#define LOCK_CPU_RANK 12

static inline uint32_t lock_cpu(void)
{
	uint32_t id;

	__asm__("mov %%gs:%c1, %0" : "=r"(id) : "i"(LOCK_CPU_ID));
	return id;
}

static inline uint32_t lock_innermost(void)
{
	uint32_t rank;

	__asm__ volatile("mov %%gs:%c1, %0" : "=r"(rank) : "i"(LOCK_CPU_RANK));
	return rank;
}

static inline void lock_set_innermost(uint32_t rank)
{
	__asm__ volatile("mov %0, %%gs:%c1" : : "r"(rank), "i"(LOCK_CPU_RANK) : "memory");
}
#endif

/* Whether this CPU has it. */
static inline bool spin_held(const struct spinlock *lock)
{
	return lock->holder == lock_cpu() + 1;
}

/* False: another CPU has it. */
static inline bool spin_try(struct spinlock *lock)
{
	uint32_t nobody = 0, outer = lock_innermost();

	assert(lock->rank < outer); /* before it could wait for itself */
	if (!__atomic_compare_exchange_n(&lock->holder, &nobody, lock_cpu() + 1, false,
					 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	lock->outer = outer;
	lock_set_innermost(lock->rank);
	return true;
}

static inline void spin_lock(struct spinlock *lock)
{
	while (!spin_try(lock))
		while (lock->holder)
			cpu_relax();
}

/* The one that was taken last. */
static inline void spin_unlock(struct spinlock *lock)
{
	assert(spin_held(lock));
	lock_set_innermost(lock->outer);
	__atomic_store_n(&lock->holder, 0, __ATOMIC_RELEASE);
}
