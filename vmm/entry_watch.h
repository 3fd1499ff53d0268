/*
 * Boot option entrycheck=on: the rules of vmx/checks/entry_checks.h are asked before each VM entry,
 * and their answer is compared with what the CPU does. A VM whose entry succeeds against a rule
 * ends.
 */
#pragma once

#include <stdbool.h>

struct pcpu;
struct vcpu;

/* At boot, on the first CPU. */
void entry_watch_init(bool on);

bool entry_watch_on(void);

/* Right before an entry, with all that it takes in the VMCS. */
void entry_watch_before(struct pcpu *pcpu);

/* After one that succeeded, with its VMCS current. */
void entry_watch_entered(struct vcpu *vcpu);

/* After one that failed at a check: whether a rule had said so is counted. */
void entry_watch_failed(struct pcpu *pcpu);

/* Before the end: what was counted (@entry-watch). */
void entry_watch_report(void);
