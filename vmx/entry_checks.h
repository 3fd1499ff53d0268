/*
 * The checks of VM entry on the guest state that a guest can fail by itself, with no VM exit
 * before: registers whose loading instruction checks less than VM entry does. SDM Vol. 3C 26.3.1.
 */
#pragma once

#include <stdbool.h>

struct refusal;

/*
 * After a VM entry that failed for its guest state: describes the first such check that the current
 * VMCS fails. `loaded_bits` is the width for which WRMSR and its like check an address on this CPU.
 * False if it fails none of them.
 */
bool entry_checks_explain(struct refusal *refusal, unsigned int loaded_bits);
