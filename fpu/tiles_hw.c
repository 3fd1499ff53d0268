#include "fpu/tiles_hw.h"

#include <stddef.h>

#include "fpu/features.h"
#include "fpu/instructions.h"
#include "fpu/registers.h"
#include "fpu/xsave_area.h"
#include "lib/assert.h"
#include "lib/x86.h"

static void write_xcr0(uint64_t now, uint64_t wanted)
{
	if (now != wanted)
		fpu_xsetbv(wanted);
}

void fpu_tiles_init_cpu(void)
{
	if (fpu_features()->xfd) {
		wrmsr(MSR_IA32_XFD, 0);
		wrmsr(MSR_IA32_XFD_ERR, 0);
	}
	fpu_tiles_load(NULL);
}

void fpu_tiles_open(uint64_t xcr0)
{
	registers_open();
	write_xcr0(xcr0, xcr0 | fpu_features()->tiles);
}

void fpu_tiles_close(uint64_t xcr0)
{
	write_xcr0(xcr0 | fpu_features()->tiles, xcr0);
	registers_close();
}

uint64_t fpu_tiles_in_use(void)
{
	uint32_t low, high;

	if (fpu_features()->tiles_unmarked)
		return fpu_features()->tiles;
	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(1));
	return low & fpu_features()->tiles;
}

/* XSAVE writes both, whether they are in use or not, and XSTATE_BV. */
void fpu_tiles_store(struct fpu_image *image)
{
	if (!fpu_xsave64(image, fpu_features()->tiles))
		panic("XSAVE of tiles raised an exception where it worked before");
	if (fpu_features()->tiles_unmarked)
		image->xstate_bv |= fpu_features()->tiles;
}

void fpu_tiles_load(const struct fpu_image *image)
{
	/* never written, so all CPUs may read it at once */
	static struct fpu_image initial __attribute__((aligned(64)));
	struct fpu_image *source = image ? (struct fpu_image *)image : &initial;

	if (!fpu_xrstor64(source, fpu_features()->tiles))
		panic("XRSTOR refuses an image of tiles");
}

uint64_t fpu_tiles_read(uint32_t msr)
{
	return rdmsr(msr);
}

void fpu_tiles_write(uint32_t msr, uint64_t value)
{
	wrmsr(msr, value);
}
