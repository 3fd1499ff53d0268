/* The ways to go wrong that need more than a few lines, each in its own bad_*.c. */
#pragma once

#include "support/fpu.h"
#include "support/guest.h"
#include "support/trap.h"

int endless_debug(void);
int endless_alignment(void);
int task_switch(void);
int task_gate(void);
int real_mode_cs(void);
int fs_in_57_bits(void);
int gs_in_57_bits(void);
int swapgs_in_57_bits(void);
int sysenter_in_57_bits(void);
