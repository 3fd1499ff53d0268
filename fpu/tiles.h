/*
 * AMX's registers of a vCPU: TILECFG, TILEDATA, IA32_XFD and IA32_XFD_ERR. Tiles do not heed
 * CR0.TS, so they cannot be armed as the rest of the FPU is, and what VMX does not switch is
 * switched here: nothing is done while a CPU stays with a vCPU, and when it leaves it, tiles that
 * are in use are saved and those of the CPU are initial afterwards. So no tile of one guest is ever
 * in a CPU that runs another one. docs/amx.md; SDM Vol. 1 13.14 and chapter 18.
 *
 * Root mode, interrupts off. `xcr0` is what XCR0 holds now, and afterwards.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct fpu_image;

struct fpu_tiles {
	struct fpu_image *image; /* NULL: guests have no AMX */
	bool used;	  /* it has had a way to change them: written by whoever gives it one */
	bool kept;	  /* in the image; else its tiles were initial when it left */
	uint64_t xfd;	  /* IA32_XFD: always */
	uint64_t xfd_err; /* IA32_XFD_ERR, as it was when the vCPU left */
};

/* As a reset leaves them. Returns 0 or -ENOMEM; 0 without an image where guests have no AMX. */
int fpu_tiles_create(struct fpu_tiles *tiles);
void fpu_tiles_destroy(struct fpu_tiles *tiles);

/* As a reset leaves them; no CPU has them. */
void fpu_tiles_reset(struct fpu_tiles *tiles);

/* The CPU leaves it for another, or for none, and comes to it. Only if they are `used`. */
void fpu_tiles_leave(struct fpu_tiles *tiles, uint64_t xcr0);
void fpu_tiles_enter(struct fpu_tiles *tiles, uint64_t xcr0);

/*
 * IA32_XFD or IA32_XFD_ERR of the vCPU whose CPU this is; after a write its tiles are `used`.
 * Returns 0, or -EINVAL: #GP, and nothing has changed.
 */
int fpu_tiles_read_msr(const struct fpu_tiles *tiles, uint32_t msr, uint64_t *value);
int fpu_tiles_write_msr(struct fpu_tiles *tiles, uint32_t msr, uint64_t value);
