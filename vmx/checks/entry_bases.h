/*
 * Guests that enter, as vmx/checks/entry_break.h begins with.
 */
#pragma once

#include <stdbool.h>

#include "vmx/checks/entry_break.h"

/*
 * Writes controls and guest state, and the pages; the host state is the caller's. A guest that is
 * not unrestricted, with EPT, external-interrupt exiting, NMI exiting and, where the CPU has it,
 * the preemption timer; every exception exits. False: the CPU lacks EPT or, for BASE_REAL,
 * unrestricted guest.
 */
bool entry_base_write(const struct entry_target *target, enum entry_base base);
