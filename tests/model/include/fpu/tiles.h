/*
 * fpu/tiles.h for the model: a vCPU's tiles are one value.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct fpu_tiles {
	bool used;
	bool kept;
	uint8_t value; /* as struct model_cpu's */
};

void fpu_tiles_leave(struct fpu_tiles *tiles, uint64_t xcr0);
void fpu_tiles_enter(struct fpu_tiles *tiles, uint64_t xcr0);
