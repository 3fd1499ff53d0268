/*
 * What a CPU tells of itself, as words that are judged later: another CPU's too, and in a unit test
 * any. Nothing is changed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "boot/alike.h"
#include "lib/x86.h"
#include "vmx/capabilities.h"
#include "vmx/requirements.h"

struct cpu;

/* A MSR that may not be there. */
struct maybe {
	bool there;
	uint64_t value;
};

struct cpu_facts {
	char vendor[13], brand[49];
	uint32_t signature, apic_id;
	struct maybe microcode; /* the update's signature */
	bool nx;
	/* CPUID, a leaf that is not there zeros */
	struct cpuid_regs leaf1, leaf6, leaf7, leaf7_1, leaf7_2, leaf_a, leaf_d, leaf_d1, extended1,
		extended7, extended8;
	uint32_t amx_size, apx_size; /* of their XSAVE components, in bytes */
	struct vmx_words vmx;
	struct maybe arch_capabilities, tsc_adjust, xss, debugctl, perf_global_ctrl;
	uint64_t apic_base;   /* as firmware left it */
	uint64_t misc_enable; /* the same, if something was wrong */
	struct alike alike;

	/* by doctor.c, once the clocks run */
	struct vmx_capabilities capabilities;
	const char *preemption_remedy; /* NULL: something takes the CPU back from guests */
	bool lazyfp, multihit;	       /* affected */

	/* and on another CPU than the first */
	bool same_vmx, same_mtrrs, same_speculation, tsc_measured;
	int64_t tsc_found, tsc_ahead; /* ticks before and after it was set */
	uint32_t unlike_word, unlike_bits;
};

/* On the CPU that it is of, after trap_init_cpu() and leftovers_undo_cpu(). */
void facts_read(struct cpu_facts *facts, const struct cpu *cpu);
