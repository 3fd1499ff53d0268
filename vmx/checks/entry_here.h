/*
 * The checks of vmx/checks/entry_checks.h on this CPU's current VMCS. Root mode, a VMCS current;
 * any CPU, since all are alike.
 */
#pragma once

#include <stdbool.h>

#include "vmx/checks/entry_checks.h"

struct refusal;

/* Reads what the rules have to know of the CPU. Once, at boot, on the first CPU; it has VMX. */
void entry_here_init(void);

/* `failed`: the entry is known to have failed (struct entry_source). */
void entry_here_source(struct entry_source *source, bool failed);

/*
 * After an entry that failed with this VM-instruction error, or basic exit reason: describes the
 * rule that is the cause, as entry_checks_cause() has it. False: there is none.
 */
bool entry_here_explain(struct refusal *refusal, uint32_t number);

/*
 * The same for a guest state whose addresses are those of 4-level paging, for a CPU that lets an
 * instruction load more than it lets VM entry load. False also where the CPU has no wider
 * addresses.
 */
bool entry_here_explain_48_bits(struct refusal *refusal, uint32_t number);
