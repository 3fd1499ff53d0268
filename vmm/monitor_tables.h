/*
 * The monitor's tables, printed a few rows at a time, while the hypervisor's own ring has room.
 * Columns are separated by spaces, and no entry has one in it. What other CPUs change meanwhile is
 * shown as it was when it was read, each value once; values in one row may not be of one moment.
 * First CPU, between two turns.
 */
#pragma once

#include <stdbool.h>

/* "vms", "vcpus", "cpus", "fpu" or "guests": prints as much of it as there is room for. */
void monitor_table_begin(const char *name);

/* Goes on with it, if there is more. */
void monitor_table_go_on(void);

/* Whether there is more. */
bool monitor_table_waits(void);
