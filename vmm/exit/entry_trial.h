/*
 * Boot option crash=entry-checks: each rule of vmx/entry_checks.h is broken (vmx/entry_breaks.h),
 * the VM entry is tried, and what the CPU says is recorded beside what the rules say: a record
 * @entry-check for each row, then @entry-trial. First CPU, before guests are made.
 */
#pragma once

struct pcpu;

/* Returns 0, or -ENOMEM (told). */
int entry_trial(struct pcpu *pcpu);
