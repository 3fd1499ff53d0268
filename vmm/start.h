/*
 * What every CPU goes through before it runs guests, the first one like all others; and the start
 * of those others. start_enter(), start_check() and start_this() are called on the CPU that they
 * are for, in this order.
 */
#pragma once

struct acpi;
struct boot_info;
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

/* From now on it can run guests; not 0: VMXON failed, which was told. */
int start_this(struct pcpu *pcpu, const struct options *options);

/*
 * On the first CPU, when it can run guests: all others that there are and that are like it, up to
 * maxcpus=. They wait for guests in run_here(). `options` stays.
 */
void start_others(const struct options *options, const struct acpi *acpi,
		  const struct boot_info *info);
