/*
 * The GDB remote protocol on COM2, for one VM (gdb=): docs/gdb.md. It is spoken between two turns
 * of the first CPU, a little each time, so that the other VMs have theirs. Root mode, interrupts
 * off, no lock held.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm/debugged.h"

/*
 * At boot, when all VMs are there: the VM of this name may be debugged; one that `waits` stands
 * still before its first instruction. What is wrong is warned of. "": none.
 */
void gdb_init(const char *name, bool waits);

/* Whether there is something to be done now and then: gdb_poll(). */
static inline bool gdb_is_on(void)
{
	return debugged_vm;
}

/* How often, in microseconds; as long as a UART's buffer lasts. */
#define GDB_POLL_US 500

void gdb_poll(void);

/* All VMs have ended: the debugger hears of it. */
void gdb_end(void);
