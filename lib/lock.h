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
};

struct spinlock {
	volatile uint32_t holder; /* the CPU's number + 1, or 0 */
	uint32_t rank;		  /* enum lock_rank */
};

#if __STDC_HOSTED__
/* A test is one CPU. */
static inline uint32_t lock_cpu(void)
{
	return 0;
}

static inline void lock_note(uint32_t rank, bool held)
{
	(void)rank;
	(void)held;
}
#else
/* Where GS points (boot/cpu.h): the CPU's number, and the ranks that it holds, a bit each. */
#define LOCK_CPU_ID   8
#define LOCK_CPU_HELD 12

static inline uint32_t lock_cpu(void)
{
	uint32_t id;

	__asm__("mov %%gs:%c1, %0" : "=r"(id) : "i"(LOCK_CPU_ID));
	return id;
}

static inline uint32_t lock_ranks(void)
{
	uint32_t ranks;

	__asm__ volatile("mov %%gs:%c1, %0" : "=r"(ranks) : "i"(LOCK_CPU_HELD));
	return ranks;
}

static inline void lock_note(uint32_t rank, bool held)
{
	uint32_t ranks = lock_ranks();

	assert(!held || !(ranks & ((2u << rank) - 1)));
	ranks ^= 1u << rank;
	__asm__ volatile("mov %0, %%gs:%c1" : : "r"(ranks), "i"(LOCK_CPU_HELD) : "memory");
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
	uint32_t nobody = 0;

	if (!__atomic_compare_exchange_n(&lock->holder, &nobody, lock_cpu() + 1, false,
					 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	lock_note(lock->rank, true);
	return true;
}

static inline void spin_lock(struct spinlock *lock)
{
	assert(!spin_held(lock));
	while (!spin_try(lock))
		while (lock->holder)
			cpu_relax();
}

static inline void spin_unlock(struct spinlock *lock)
{
	assert(spin_held(lock));
	lock_note(lock->rank, false);
	__atomic_store_n(&lock->holder, 0, __ATOMIC_RELEASE);
}
