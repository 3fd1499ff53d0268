/*
 * Whether guests may have AMX: boot option amx=.
 */
#pragma once

#include <stdint.h>

enum fpu_tiles_wanted {
	FPU_TILES_AUTO, /* where the CPU has it, and keeps tiles as the manual says */
	FPU_TILES_OFF,
	FPU_TILES_FORCE, /* also where it does not */
};

/*
 * Finds out, and says what is wrong if the CPU has it and does not keep tiles. After fpu_detect(),
 * on the first CPU, before fpu_init_hardware() on any other.
 */
void fpu_tiles_detect(enum fpu_tiles_wanted wanted);
