/*
 * The end of all CPUs but one: before a panic, a machine check or the end of the machine is told
 * of. Any context; no lock is taken.
 */
#pragma once

/*
 * Stops the others by NMI, for good, wherever they are, and waits a moment for them. Of several
 * CPUs that call it the first one returns.
 */
void stop_other_cpus(void);

/* In the NMI handler: does not return if another CPU has called it. */
void stop_if_asked(void);
