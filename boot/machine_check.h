/*
 * Machine checks, in root mode or as a VM exit: reported bank by bank, never lost.
 * SDM Vol. 3B chapter 16; what a bank means: boot/machine_check_severity.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "boot/machine_check_severity.h"

struct trap_frame;

/*
 * Shows what firmware left in the banks (errors of the run before, if it ended by one), clears
 * them, enables them and CR4.MCE; a machine check comes to one CPU alone where that can be had.
 */
void machine_check_init_cpu(void);

/*
 * Ends whoever owns memory that is lost for good. `restartable`: the interrupted stream may go on,
 * if it is not the owner. False if there is no owner that can be ended.
 */
typedef bool (*machine_check_end_owner)(void *arg, uint64_t start, uint64_t size, bool restartable);

/*
 * Prints and clears every valid bank of a machine check that was a VM exit, or failed a VM entry.
 * Returns if the CPU can go on, after it has ended the owners of lost memory; else the machine
 * ends, and the banks are kept for the next boot to show.
 */
void machine_check_exit(machine_check_end_owner end_owner, void *arg);

/*
 * The same for one that struck root mode. Memory that is lost there was in use by the hypervisor
 * itself, which cannot do without it.
 */
void machine_check_trap(const struct trap_frame *frame);

/* The next machine check finds these values, in bank 0, instead of the MSRs' (`crash=`). */
void machine_check_inject(uint64_t mcg_status, const struct machine_check_bank *bank);
