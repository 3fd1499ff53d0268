/*
 * The monitor's command `guests`: where each guest is, and what it does. For some milliseconds all
 * exits are counted (exit_watch()), which takes each of them a little longer. Then every VM that
 * runs is asked to be told of (vm_tell()), which is done in its own turns and is its own CPU time;
 * of the others it is said what they do. At the end there is a @monitor record. First CPU, between
 * two turns.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

void monitor_guests_begin(void);

/* Whether there is something to be printed, or done, now. */
bool monitor_guests_ready(void);

/* The next row; false: there are no more. */
bool monitor_guests_row(uint32_t index);
