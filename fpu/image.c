#include "boot/layout.h"
#include "boot/memory.h"
#include "fpu/features.h"
#include "fpu/image.h"
#include "fpu/instructions.h"
#include "fpu/xsave_area.h"
#include "lib/assert.h"
#include "lib/string.h"
#include "lib/x86.h"

/*
 * The 64-bit forms save FIP and FDP whole and no selectors, the 32-bit forms selectors and half the
 * pointers. Pointers below 4 GiB lose nothing in the second form; only those have selectors worth
 * keeping. CPUs with selectors save by XSAVE or FXSAVE (fpu_method_obstacle), so the image has the
 * standard format.
 */
static bool save_selectors(struct fpu_image *image)
{
	const struct fpu_features *f = fpu_features();
	bool x87_saved = !f->superset || (image->xstate_bv & XCR0_X87);

	if (!f->selectors || !x87_saved || image->fip >> 32 || image->fdp >> 32)
		return false;
	return f->superset ? fpu_xsave32(image, XCR0_X87) : fpu_fxsave32(image, 0);
}

void fpu_image_save(struct fpu_image *image, bool *is32)
{
	const struct fpu_features *f = fpu_features();

	if (!fpu_method_save(f->method, image, f->save_mask))
		panic("%s raised an exception where it worked before", f->method_name);
	*is32 = save_selectors(image);
}

void fpu_image_save_elsewhere(struct fpu_image *image, bool *is32)
{
	const struct fpu_features *f = fpu_features();
	enum fpu_save_method method = f->superset ? FPU_XSAVE : FPU_FXSAVE;

	memset(image, 0, fpu_image_room());
	if (!fpu_method_save(method, image, f->save_mask))
		panic("%s raised an exception: every CPU has it", fpu_method_name(method));
	*is32 = save_selectors(image);
}

void fpu_image_load(const struct fpu_image *image, bool is32)
{
	const struct fpu_features *f = fpu_features();
	struct fpu_image *source = (struct fpu_image *)image;
	bool loaded;

	if (is32 && f->superset)
		loaded = fpu_xrstor32(source, f->save_mask);
	else if (is32)
		loaded = fpu_fxrstor32(source, 0);
	else
		loaded = fpu_method_load(f->method, source, f->save_mask);
	if (!loaded)
		panic("an FPU image is malformed: the partner of %s refuses it", f->method_name);
}

uint32_t fpu_load_initial(void)
{
	/* never written, so all CPUs may read it at once */
	static struct fpu_image initial __attribute__((aligned(64))) = {
		.fcw = FPU_INITIAL_FCW,
		.mxcsr = FPU_RESET_MXCSR,
	};
	const struct fpu_features *f = fpu_features();

	/* it has the standard format, which XRSTORS does not take */
	if (!fpu_method_load(f->superset ? FPU_XSAVE : FPU_FXSAVE, &initial, f->save_mask))
		panic("the FPU refuses its initial state");
	/* XSTATE_BV is 0: only the header and MXCSR are read */
	return f->superset ? FPU_HEADER_SIZE + sizeof(initial.mxcsr) : FPU_LEGACY_SIZE;
}

/* The self-test puts any format and all components into an image. */
uint64_t fpu_image_room(void)
{
	const struct fpu_features *f = fpu_features();
	uint64_t standard = fpu_standard_size(f->component, f->superset);
	uint64_t compacted = fpu_compacted_size(f->component, f->superset);
	uint64_t size = standard > compacted ? standard : compacted;

	return (size + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
}

struct fpu_image *fpu_image_create(void)
{
	struct fpu_image *image = (void *)memory_alloc(fpu_image_room(), PAGE_SIZE);

	if (image)
		fpu_image_reset(image);
	return image;
}

void fpu_image_reset(struct fpu_image *image)
{
	const struct fpu_features *f = fpu_features();

	memset(image, 0, fpu_image_room());
	image->fcw = FPU_RESET_FCW;
	image->mxcsr = FPU_RESET_MXCSR;
	image->xstate_bv = f->superset ? XCR0_X87 : 0;
	if (fpu_method_compacts(f->method))
		image->xcomp_bv = FPU_XCOMP_COMPACTED | f->save_mask;
}

void fpu_image_destroy(struct fpu_image *image)
{
	memory_free((uint64_t)image, fpu_image_room());
}
