#include <stddef.h>

#include "fpu/features.h"
#include "fpu/image.h"
#include "fpu/trial.h"
#include "fpu/xsave_area.h"
#include "lib/string.h"
#include "lib/x86.h"

#define CARRIED_MXCSR 0x1fa0
#define FOREIGN_MXCSR 0x7f80
#define POISON	      0xc9
#define PKRU_USED     4 /* bytes: the register has no more */
#define X87_AND_SSE   (XCR0_X87 | XCR0_SSE)

/* One state, saved and loaded once. */
struct round {
	enum fpu_save_method method;
	uint64_t mask;	 /* what is saved and loaded */
	uint64_t in_use; /* of all components; the others are initial */
	uint32_t mxcsr;
};

static enum fpu_save_method plain(void)
{
	return fpu_features()->superset ? FPU_XSAVE : FPU_FXSAVE;
}

static uint64_t every_component(void)
{
	return fpu_features()->superset ? fpu_features()->superset : X87_AND_SSE;
}

/*
 * Bytes other than 0, in two patterns that differ in every one of them and never the same in two
 * places near each other; what the CPU would refuse or change is legal.
 */
static void fill_pattern(struct fpu_image *image, bool foreign)
{
	const struct fpu_features *f = fpu_features();
	uint32_t size = fpu_standard_size(f->component, f->superset);
	uint8_t *bytes = (uint8_t *)image;

	for (uint32_t i = 0; i < size; i++)
		bytes[i] = (i * 7 + (i >> 8) * 13 + 1) ^ (foreign ? 0x80 : 0);
	memset(image, 0, offsetof(struct fpu_image, st));
	memset(image->reserved3, 0, sizeof(image->reserved3));
	memset(&image->xstate_bv, 0, FPU_HEADER_SIZE);
	/* an unmasked exception is pending: some CPUs save the x87 pointers only then */
	image->fcw = foreign ? 0x0b7b : 0x027e;
	image->fsw = foreign ? 0x8284 : 0xb981;
	image->ftw = foreign ? 0x5a : 0xa5;
	image->fop = foreign ? 0x0456 : 0x0123;
	image->fip = foreign ? 0x00005a3c87654321 : 0x0000123498765432; /* canonical */
	image->fdp = foreign ? 0x00006c1d13579bdf : 0x00002345a2468ace;
	for (unsigned int i = 0; i < 8; i++)
		memset(&image->st[i][10], 0, 6);
}

/* MXCSR, of which XSTATE_BV says nothing in the standard format, is left as it is. */
static void make_initial(struct fpu_image *image, uint64_t components)
{
	const struct fpu_features *f = fpu_features();

	if (components & XCR0_X87) {
		memset(image, 0, offsetof(struct fpu_image, mxcsr));
		memset(image->st, 0, sizeof(image->st));
		image->fcw = FPU_INITIAL_FCW;
	}
	if (components & XCR0_SSE)
		memset(image->xmm, 0, sizeof(image->xmm));
	for (uint32_t i = 2; i < FPU_COMPONENTS; i++)
		if (components & f->superset & BIT(i))
			memset((uint8_t *)image + f->component[i].offset, 0, f->component[i].size);
}

static void make_state(struct fpu_image *image, bool foreign, uint64_t in_use, uint32_t mxcsr)
{
	fill_pattern(image, foreign);
	make_initial(image, ~in_use);
	image->mxcsr = mxcsr;
	image->xstate_bv = fpu_features()->superset & in_use;
}

/* The registers, all written out: a component that is not in XSTATE_BV is initial. */
static bool read_registers(struct fpu_image *image)
{
	memset(&image->xstate_bv, 0, FPU_HEADER_SIZE);
	if (!fpu_method_save(plain(), image, every_component()))
		return false;
	if (fpu_features()->superset)
		make_initial(image, ~image->xstate_bv);
	return true;
}

static uint32_t used_size(uint32_t i)
{
	return i == FPU_COMPONENT_PKRU ? PKRU_USED : fpu_features()->component[i].size;
}

static bool same_component(const struct fpu_image *a, const struct fpu_image *b, uint32_t i)
{
	uint32_t offset = fpu_features()->component[i].offset;

	if (i == 0)
		return a->fcw == b->fcw && a->fsw == b->fsw && a->ftw == b->ftw &&
		       a->fop == b->fop && a->fip == b->fip && a->fdp == b->fdp &&
		       !memcmp(a->st, b->st, sizeof(a->st));
	if (i == 1)
		return !memcmp(a->xmm, b->xmm, sizeof(a->xmm));
	return !memcmp((const uint8_t *)a + offset, (const uint8_t *)b + offset, used_size(i));
}

/* The components of the mask as one image has them, the others as the other has. */
static bool registers_hold(struct fpu_image *found, uint64_t mask, const struct fpu_image *within,
			   const struct fpu_image *without)
{
	if (!read_registers(found))
		return false;
	for (uint32_t i = 0; i < FPU_COMPONENTS; i++)
		if ((every_component() & BIT(i)) &&
		    !same_component(found, mask & BIT(i) ? within : without, i))
			return false;
	return true;
}

/* What a load with this mask takes MXCSR along with (SDM Vol. 1 13.8.1, 13.8.2, 13.12). */
static bool carries_mxcsr(const struct round *r)
{
	if (r->method == FPU_FXSAVE)
		return true;
	return r->mask & (fpu_method_compacts(r->method) ? XCR0_SSE : XCR0_SSE | XCR0_AVX);
}

static uint32_t tried_size(const struct round *r)
{
	const struct fpu_features *f = fpu_features();

	if (r->method == FPU_FXSAVE)
		return FPU_LEGACY_SIZE;
	return fpu_method_compacts(r->method) ? fpu_compacted_size(f->component, r->mask)
					      : fpu_standard_size(f->component, r->mask);
}

static uint32_t tried_offset(const struct round *r, uint32_t i)
{
	const struct fpu_features *f = fpu_features();

	return fpu_method_compacts(r->method) ? fpu_compacted_offset(f->component, r->mask, i)
					      : f->component[i].offset;
}

static bool all_bytes(const void *bytes, uint64_t count, uint8_t value)
{
	const uint8_t *byte = bytes;

	while (count && *byte == value) {
		byte++;
		count--;
	}
	return !count;
}

/*
 * A component in use must be in XSTATE_BV, one that is not may be. MXCSR alone makes SSE state one
 * of the first kind in the compacted format.
 */
static bool header_is_right(const struct fpu_image *tried, const struct round *r)
{
	bool compacts = fpu_method_compacts(r->method);
	uint64_t in_use = r->in_use & r->mask, xcomp_bv = 0;

	if (r->method == FPU_FXSAVE)
		return all_bytes(&tried->xstate_bv, FPU_HEADER_SIZE, 0);
	if (compacts && r->mxcsr != FPU_RESET_MXCSR)
		in_use |= r->mask & XCR0_SSE;
	if (compacts)
		xcomp_bv = FPU_XCOMP_COMPACTED | r->mask;
	return (tried->xstate_bv & in_use) == in_use && !(tried->xstate_bv & ~r->mask) &&
	       tried->xcomp_bv == xcomp_bv &&
	       all_bytes(tried->reserved4, sizeof(tried->reserved4), 0);
}

/* Each component in use lies where CPUID.D puts it, and behind the last one nothing is written. */
static bool layout_is_right(const struct fpu_image *tried, const struct fpu_image *carried,
			    const struct round *r)
{
	const struct fpu_component *component = fpu_features()->component;
	const uint8_t *to = (const uint8_t *)tried, *from = (const uint8_t *)carried;
	uint32_t size = tried_size(r);

	for (uint32_t i = 0; i < FPU_COMPONENTS; i++) {
		if (!(r->mask & r->in_use & BIT(i)))
			continue;
		if (i < 2 ? !same_component(tried, carried, i)
			  : memcmp(to + tried_offset(r, i), from + component[i].offset,
				   used_size(i)))
			return false;
	}
	if (size < sizeof(*tried))
		size = sizeof(*tried);
	return all_bytes(to + size, fpu_image_room() - size, POISON);
}

/* Saved from the registers, which stay as they are, and loaded over foreign ones. */
static bool survives(const struct round *r, const struct fpu_trial_images *im)
{
	uint64_t all = every_component();

	make_state(im->carried, false, r->in_use, r->mxcsr);
	make_state(im->foreign, true, all, FOREIGN_MXCSR);
	memset(im->tried, POISON, fpu_image_room());
	memset(&im->tried->xstate_bv, 0, FPU_HEADER_SIZE);
	if (!fpu_method_load(plain(), im->carried, all) ||
	    !fpu_method_save(r->method, im->tried, r->mask))
		return false;
	if (!registers_hold(im->found, all, im->carried, im->carried) ||
	    im->found->mxcsr != r->mxcsr)
		return false;
	if (!header_is_right(im->tried, r) || !layout_is_right(im->tried, im->carried, r))
		return false;
	return fpu_method_load(plain(), im->foreign, all) &&
	       fpu_method_load(r->method, im->tried, r->mask) &&
	       registers_hold(im->found, r->mask, im->carried, im->foreign) &&
	       im->found->mxcsr == (carries_mxcsr(r) ? r->mxcsr : FOREIGN_MXCSR);
}

/* Everything in use, nothing, nothing but MXCSR, each component alone, and each one initial. */
static bool every_use_survives(enum fpu_save_method method, const struct fpu_trial_images *images)
{
	uint64_t all = every_component();
	struct round r = {method, all, all, CARRIED_MXCSR};
	bool good = survives(&r, images);

	for (uint32_t i = 0; good && i < FPU_COMPONENTS; i++) {
		if (!(all & BIT(i)))
			continue;
		r = (struct round){method, all, BIT(i), CARRIED_MXCSR};
		good = survives(&r, images);
		r = (struct round){method, all, all & ~BIT(i), FPU_RESET_MXCSR};
		good = good && survives(&r, images);
	}
	r = (struct round){method, all, 0, CARRIED_MXCSR};
	good = good && survives(&r, images);
	r = (struct round){method, all, 0, FPU_RESET_MXCSR};
	return good && survives(&r, images);
}

/* What is not in the mask is not touched: the mask in use, each component alone, all others. */
static bool every_mask_is_heeded(enum fpu_save_method method, const struct fpu_trial_images *images)
{
	uint64_t all = every_component();
	struct round r = {method, fpu_features()->save_mask, all, CARRIED_MXCSR};
	bool good = survives(&r, images);

	for (uint32_t i = 0; good && i < FPU_COMPONENTS; i++) {
		if (!(all & BIT(i)))
			continue;
		r.mask = BIT(i);
		good = survives(&r, images);
		r.mask = all & ~BIT(i);
		good = good && survives(&r, images);
	}
	return good;
}

/* The way to the initial state is the same for all methods (fpu_load_initial). */
static bool initial_state_is_right(const struct fpu_trial_images *images)
{
	uint64_t mask = fpu_features()->superset ? fpu_features()->save_mask : X87_AND_SSE;

	make_state(images->carried, false, 0, FPU_RESET_MXCSR);
	make_state(images->foreign, true, every_component(), FOREIGN_MXCSR);
	if (!fpu_method_load(plain(), images->foreign, every_component()))
		return false;
	fpu_load_initial();
	return registers_hold(images->found, mask, images->carried, images->foreign) &&
	       images->found->mxcsr == FPU_RESET_MXCSR;
}

bool fpu_trial(enum fpu_save_method method, const struct fpu_trial_images *images)
{
	bool good = every_use_survives(method, images) &&
		    (method == FPU_FXSAVE || every_mask_is_heeded(method, images)) &&
		    initial_state_is_right(images);

	/* not fpu_load_initial(): where that panics, a simpler method may yet do */
	make_state(images->carried, false, 0, FPU_RESET_MXCSR);
	return fpu_method_load(plain(), images->carried, every_component()) && good;
}
