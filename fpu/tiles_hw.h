/*
 * What is done to the tile registers of this CPU: fpu/tiles_hw.c, in unit tests a model of them.
 * Root mode, interrupts off, never in an NMI handler; guests may have tiles
 * (fpu_features()->tiles).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct fpu_image;

/* TILECFG and TILEDATA are initial, IA32_XFD and IA32_XFD_ERR 0. CR0.TS clear, XCR0 with both. */
void fpu_tiles_init_cpu(void);

/*
 * The three below are for between these two, which leave XCR0 as it was: CR0.TS clear, XCR0 with
 * both components. IA32_XFD is 0 meanwhile, or TILEDATA would be saved as initial, and its load
 * raise #NM (SDM Vol. 1 13.14).
 */
void fpu_tiles_open(uint64_t xcr0);
void fpu_tiles_close(uint64_t xcr0);

/* The components that are not initial, as XCR0 has them. */
uint64_t fpu_tiles_in_use(void);

/* To an image in the standard format, of both components, and from it; NULL: they are initial. */
void fpu_tiles_store(struct fpu_image *image);
void fpu_tiles_load(const struct fpu_image *image);

/* IA32_XFD and IA32_XFD_ERR, of a CPU that has them. */
uint64_t fpu_tiles_read(uint32_t msr);
void fpu_tiles_write(uint32_t msr, uint64_t value);
