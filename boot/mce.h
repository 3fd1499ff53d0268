/*
 * Machine checks, in root mode or as a VM exit: reported bank by bank, never lost.
 * SDM Vol. 3B chapter 16.
 */
#pragma once

struct trap_frame;

/* Clears what firmware left in the banks, enables them and CR4.MCE. */
void machine_check_init_cpu(void);

/*
 * Prints every valid bank and clears it. Returns if the CPU can go on (a restart is possible and
 * no bank's context is corrupt), else ends the machine. `frame` is NULL for a VM exit.
 */
void machine_check_handle(const struct trap_frame *frame);
