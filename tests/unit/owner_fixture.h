/*
 * Two CPUs and two guests for the tests of one situation each: lazy, unless start() says otherwise.
 * After each test everything must be where the ghost values say.
 */
#pragma once

#include "tests/unit/fpu_ghost.h"

#define DOMAIN_A FPU_DOMAIN_FIRST
#define DOMAIN_B (FPU_DOMAIN_FIRST + 1)
#define ROUNDS	 10

static struct ghost_cpu cpu[2];
static struct ghost_guest guest[2];
static struct ghost_guest *const a = &guest[0], *const b = &guest[1];

static inline void start(enum fpu_policy policy)
{
	ghost_reset();
	for (unsigned int i = 0; i < ARRAY_SIZE(cpu); i++)
		ghost_cpu_init(&cpu[i], i, policy);
	ghost_guest_init(a, DOMAIN_A, GHOST_SUPERSET);
	ghost_guest_init(b, DOMAIN_B, GHOST_SUPERSET);
}

static inline int start_lazy(void **state)
{
	(void)state;
	start(FPU_LAZY);
	return 0;
}

static inline int check_all(void **state)
{
	(void)state;
	ghost_check_all(cpu, ARRAY_SIZE(cpu), guest, ARRAY_SIZE(guest));
	return 0;
}

/* What the CPU has been told to do since `before`. */
static inline void assert_work(const struct ghost_work *before, uint64_t saves, uint64_t loads,
			       uint64_t states, uint64_t xcr0)
{
	const struct ghost_work *now = &cpu[0].work;

	assert_int_equal(now->saves - before->saves, saves);
	assert_int_equal(now->loads - before->loads, loads);
	assert_int_equal(now->states - before->states, states);
	assert_int_equal(now->xcr0 - before->xcr0, xcr0);
}

#define owner_test(name) cmocka_unit_test_setup_teardown(name, start_lazy, check_all)
