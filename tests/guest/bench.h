/*
 * A measured operation: a row of the table in bench_tests.c. How it is measured: bench.c.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* A row of these is left out where it cannot be. */
#define BENCH_HYPERCALL	 1  /* Resident's hypercalls */
#define BENCH_HYPERVISOR 2  /* any: for VMCALL, and to take the CPU away */
#define BENCH_XSAVE	 4  /* CR4.OSXSAVE can be set */
#define BENCH_FPU	 8  /* the FPU has been used: all rows after it find it so too */
#define BENCH_NAMED	 16 /* needs peers or boot options: only if the command line names it */
#define BENCH_APIC	 32 /* a local APIC, at its place, and an 8254 */
#define BENCH_X2APIC	 64

struct bench_test {
	const char *name;
	unsigned needs;
	void (*operation)(void);
	void (*before)(void); /* each round, not measured; may be NULL */
	/*
	 * NULL: the ticks of operation() are measured. Else it runs a round itself, with
	 * bench_mark() before and after what is measured, and returns its ticks.
	 */
	uint64_t (*measure)(void);
};

extern const struct bench_test bench_tests[];
extern const size_t bench_test_count;

/* Ticks of one call, those of the call itself and of reading the TSC not counted. */
uint64_t bench_ticks(void (*operation)(void));

/* In rounds that are traced: a magic breakpoint of Bochs' debugger, or a mark in its trace. */
void bench_mark(void);

void bench_tests_start(void);
