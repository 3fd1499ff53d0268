/*
 * The rows of vmx/checks/entry_break.h, and their changes made to a VMCS.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "vmx/checks/entry_break.h"

/* False: the CPU does not have what one of them takes. The rest is not done then. */
bool entry_changes_make(const struct entry_target *target, const struct entry_change *change);

bool entry_fact_holds(const struct entry_cpu *cpu, enum entry_fact fact);

/* All of them, some rules twice, in no order: from 0 on; NULL: there are no more. */
const struct entry_break *entry_break_at(size_t number);
