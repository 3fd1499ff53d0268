#include "fpu/tiles.h"

#include <stddef.h>

#include "boot/layout.h"
#include "boot/memory.h"
#include "fpu/features.h"
#include "fpu/tiles_hw.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "lib/x86.h"

static uint64_t room(void)
{
	const struct fpu_features *f = fpu_features();
	uint64_t size = fpu_standard_size(f->component, f->tiles);

	return (size + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
}

int fpu_tiles_create(struct fpu_tiles *tiles)
{
	*tiles = (struct fpu_tiles){};
	if (!fpu_features()->tiles)
		return 0;
	tiles->image = (void *)memory_alloc(room(), PAGE_SIZE);
	if (!tiles->image)
		return -ENOMEM;
	memset(tiles->image, 0, room());
	return 0;
}

void fpu_tiles_destroy(struct fpu_tiles *tiles)
{
	if (tiles->image)
		memory_free((uint64_t)tiles->image, room());
	*tiles = (struct fpu_tiles){};
}

void fpu_tiles_reset(struct fpu_tiles *tiles)
{
	*tiles = (struct fpu_tiles){.image = tiles->image};
}

/* IA32_XFD goes first: what it disables would be saved as initial. */
void fpu_tiles_leave(struct fpu_tiles *tiles, uint64_t xcr0)
{
	assert(tiles->image);
	if (tiles->xfd)
		fpu_tiles_write(MSR_IA32_XFD, 0);
	if (fpu_features()->xfd) {
		tiles->xfd_err = fpu_tiles_read(MSR_IA32_XFD_ERR);
		if (tiles->xfd_err)
			fpu_tiles_write(MSR_IA32_XFD_ERR, 0);
	}
	fpu_tiles_open(xcr0);
	tiles->kept = fpu_tiles_in_use();
	if (tiles->kept) {
		fpu_tiles_store(tiles->image);
		fpu_tiles_load(NULL);
	}
	fpu_tiles_close(xcr0);
}

/* IA32_XFD comes last: a load of what it disables raises #NM. */
void fpu_tiles_enter(struct fpu_tiles *tiles, uint64_t xcr0)
{
	assert(tiles->image);
	if (tiles->kept) {
		fpu_tiles_open(xcr0);
		fpu_tiles_load(tiles->image);
		fpu_tiles_close(xcr0);
	}
	if (tiles->xfd_err)
		fpu_tiles_write(MSR_IA32_XFD_ERR, tiles->xfd_err);
	if (tiles->xfd)
		fpu_tiles_write(MSR_IA32_XFD, tiles->xfd);
}

int fpu_tiles_read_msr(const struct fpu_tiles *tiles, uint32_t msr, uint64_t *value)
{
	if (!fpu_features()->xfd)
		return -EINVAL;
	*value = msr == MSR_IA32_XFD ? tiles->xfd : fpu_tiles_read(msr);
	return 0;
}

/* Of all that guests have, TILEDATA alone can be disabled: CPUID.D.18:ECX[2]. */
int fpu_tiles_write_msr(struct fpu_tiles *tiles, uint32_t msr, uint64_t value)
{
	if (!fpu_features()->xfd || (value & ~XCR0_TILEDATA))
		return -EINVAL;
	if (msr == MSR_IA32_XFD)
		tiles->xfd = value;
	fpu_tiles_write(msr, value);
	return 0;
}
