/*
 * The order in which another CPU sees plain loads and stores. x86 keeps stores in their order, and
 * loads in theirs; the compiler must be told.
 */
#pragma once

/* What stands before it is done before what stands after it. */
static inline void compiler_barrier(void)
{
	__asm__ volatile("" ::: "memory");
}
