/*
 * The trial of XSAVE and XRSTOR with tiles: whether they keep them as the manual says, and whether
 * it is known what is in use. SDM Vol. 1 13.5, 13.6, chapter 18.
 */
#pragma once

#include <stdint.h>

/* What can be wrong. */
#define FPU_TILES_XINUSE   1u /* XGETBV(1) or XSTATE_BV is */
#define FPU_TILES_TILECFG  2u /* the configuration comes back as another */
#define FPU_TILES_TILEDATA 4u /* rows of tiles do not come back */
#define FPU_TILES_INITIAL  8u /* tiles that were made initial are not */

struct fpu_image;

/*
 * Two images of zeros, with room for both components. Everything that is wrong, or 0; afterwards
 * the tiles are initial. Between fpu_tiles_open() and fpu_tiles_close().
 */
uint32_t fpu_tile_trial(struct fpu_image *carried, struct fpu_image *found);
