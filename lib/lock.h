/*
 * A spinlock: taken with interrupts off, held briefly, never across a VM entry.
 */
#pragma once

#include "lib/x86.h"

struct spinlock {
	volatile unsigned int held;
};

static inline void spin_lock(struct spinlock *lock)
{
	while (__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE))
		cpu_relax();
}

static inline void spin_unlock(struct spinlock *lock)
{
	__atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}
