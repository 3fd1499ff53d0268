#include "fpu/tile_trial.h"

#include <stddef.h>

#include "fpu/features.h"
#include "fpu/tiles_hw.h"
#include "fpu/xsave_area.h"
#include "lib/string.h"
#include "lib/x86.h"

/* Palette 1, as LDTILECFG takes it: SDM Vol. 2A LDTILECFG, table 3-10. */
#define TILES	  8
#define ROWS	  16
#define ROW_BYTES 64

struct tilecfg {
	uint8_t palette, start_row, reserved0[14];
	uint16_t row_bytes[TILES];
	uint8_t reserved1[16];
	uint8_t rows[TILES];
	uint8_t reserved2[8];
};

_Static_assert(sizeof(struct tilecfg) == 64, "SDM Vol. 2A LDTILECFG");

static uint8_t *part(struct fpu_image *image, uint32_t component)
{
	return (uint8_t *)image + fpu_features()->component[component].offset;
}

static uint32_t size_of(uint32_t component)
{
	return fpu_features()->component[component].size;
}

/* All of eight tiles, no byte of which is 0. */
static void fill(struct fpu_image *image)
{
	struct tilecfg *config = (void *)part(image, FPU_COMPONENT_TILECFG);
	uint8_t *data = part(image, FPU_COMPONENT_TILEDATA);

	config->palette = 1;
	for (uint32_t i = 0; i < TILES; i++) {
		config->row_bytes[i] = ROW_BYTES;
		config->rows[i] = ROWS;
	}
	for (uint32_t i = 0; i < size_of(FPU_COMPONENT_TILEDATA); i++)
		data[i] = i % 251 + 1;
	image->xstate_bv = XCR0_TILES;
}

static bool same(struct fpu_image *left, struct fpu_image *right, uint32_t component)
{
	return !memcmp(part(left, component), part(right, component), size_of(component));
}

static bool marked(const struct fpu_image *stored, uint64_t in_use)
{
	return (stored->xstate_bv & XCR0_TILES) == in_use && fpu_tiles_in_use() == in_use;
}

static bool is_zero(struct fpu_image *image, uint32_t component)
{
	const uint8_t *bytes = part(image, component);

	for (uint32_t i = 0; i < size_of(component); i++)
		if (bytes[i])
			return false;
	return true;
}

uint32_t fpu_tile_trial(struct fpu_image *carried, struct fpu_image *found)
{
	uint32_t wrong = 0;

	fill(carried);
	fpu_tiles_load(carried);
	fpu_tiles_store(found);
	if (!marked(found, XCR0_TILES))
		wrong |= FPU_TILES_XINUSE;
	if (!same(found, carried, FPU_COMPONENT_TILECFG))
		wrong |= FPU_TILES_TILECFG;
	if (!same(found, carried, FPU_COMPONENT_TILEDATA))
		wrong |= FPU_TILES_TILEDATA;
	fpu_tiles_load(NULL);
	fpu_tiles_store(found);
	if (!marked(found, 0))
		wrong |= FPU_TILES_XINUSE;
	if (!is_zero(found, FPU_COMPONENT_TILECFG) || !is_zero(found, FPU_COMPONENT_TILEDATA))
		wrong |= FPU_TILES_INITIAL;
	return wrong;
}
