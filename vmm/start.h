/*
 * What every CPU goes through before it runs guests, the first one like all others; and the start
 * of those others. start_enter(), start_check() and start_this() are called on the CPU that they
 * are for, in this order.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmx/capabilities.h"

struct acpi;
struct boot_info;
struct cpu;
struct options;
struct pcpu;

/*
 * Before the CPU needs anything of the machine. Says nothing. The page tables follow: the first CPU
 * makes them.
 */
void start_enter(struct pcpu *pcpu);

/*
 * What it has, after fpu_detect() on the first CPU. Not 0: it cannot run guests, and why was told.
 */
int start_check(struct pcpu *pcpu, const struct options *options);

/* What the options ask of VMX. */
struct vmx_choice start_choice(const struct options *options);

/* From now on it can run guests; not 0: VMXON failed, which was told. */
int start_this(struct pcpu *pcpu, const struct options *options);

/*
 * On the first CPU, when it can run guests: all others that there are and that are like it, up to
 * maxcpus=. They wait for guests in run_here(). `options` stays.
 */
void start_others(const struct options *options, const struct acpi *acpi,
		  const struct boot_info *info);

/* The same with something else to do: `main` is what each does, and what it says to smp_reach(). */
void start_each(void (*main)(struct cpu *cpu), uint32_t max, const struct acpi *acpi,
		const struct boot_info *info);

/*
 * On another CPU, at CPU_STARTS: by how many ticks its TSC was found ahead of the first CPU's, and
 * is still ahead now that it has been set. False: it took too long, and is given up.
 */
bool start_measure_tsc(struct cpu *cpu, int64_t *found, int64_t *ahead);
