/*
 * Registers in an image of FPU state, of either format of XSAVE areas, as gdb has them. What the
 * image does not hold, as it is in its initial state, has that value. No hardware in it.
 * SDM Vol. 1 13.4 to 13.6.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fpu/xsave_area.h"

enum fpu_value {
	FPU_VALUE_ST,	    /* 0 to 7, from the top of the stack; 10 bytes */
	FPU_VALUE_CONTROL,  /* 0 to 7: control, status and tag word, then what follows; 4 bytes */
	FPU_VALUE_XMM,	    /* 0 to 31; 16 bytes */
	FPU_VALUE_MXCSR,    /* 4 bytes */
	FPU_VALUE_YMM_HIGH, /* 0 to 31, bits 128 to 255; 16 bytes */
	FPU_VALUE_ZMM_HIGH, /* 0 to 31, bits 256 to 511; 32 bytes */
	FPU_VALUE_MASK,	    /* k0 to k7; 8 bytes */
};

/* In the order of gdb's numbers: fctrl, fstat, ftag, fiseg, fioff, foseg, fooff, fop. */
enum fpu_control {
	FPU_FCTRL,
	FPU_FSTAT,
	FPU_FTAG,
	FPU_FISEG,
	FPU_FIOFF,
	FPU_FOSEG,
	FPU_FOOFF,
	FPU_FOP,
};

#define FPU_VALUE_MAX 32 /* bytes */

/* Which bytes of the image a register has, as its component has been put together there. */
void fpu_value_read(const struct fpu_image *image, enum fpu_value kind, unsigned int number,
		    uint8_t *bytes);

/*
 * False: the FPU would refuse such a value, and nothing has changed. The component that it is in is
 * in the image afterwards.
 */
bool fpu_value_write(struct fpu_image *image, enum fpu_value kind, unsigned int number,
		     const uint8_t *bytes);
