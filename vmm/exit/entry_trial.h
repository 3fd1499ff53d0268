/*
 * Boot option crash=entry-checks: each rule of vmx/checks/entry_checks.h is broken
 * (vmx/checks/entry_breaks.h), the VM entry is tried, and what the CPU says is recorded beside what
 * the rules say: a record @entry-check for each row, then @entry-trial. With crash=entry-sample
 * only some rows are tried, and the rules' texts are not printed: for a machine on which that takes
 * long. First CPU, before guests are made.
 */
#pragma once

#include <stdbool.h>

struct pcpu;

/* Returns 0, or -ENOMEM (told). */
int entry_trial(struct pcpu *pcpu, bool sample);
