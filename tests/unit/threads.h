/*
 * Included before all else where threads are the CPUs, under ThreadSanitizer. It does not know what
 * the code relies on: that a volatile word is read and written whole, and in the order in which x86
 * has it (SDM Vol. 3A 8.2.2). And one that waits lets another have the host's CPU.
 */
#pragma once

#include <pthread.h>
#include <sched.h>

#include "tests/unit/unit.h"

/* these have asm volatile */
#include "lib/order.h"
#include "lib/x86.h"

#define volatile _Atomic
#define cpu_relax() sched_yield()
