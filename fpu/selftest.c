#include <stddef.h>

#include "boot/layout.h"
#include "fpu/hardware.h"
#include "fpu/image.h"
#include "fpu/instructions.h"
#include "fpu/selftest.h"
#include "lib/assert.h"
#include "lib/string.h"
#include "lib/x86.h"

#define PATTERN_MXCSR 0x1fa0
#define PATTERN_PKRU  0x5a3cc3a8
#define PKRU_BYTES    8 /* of which the upper 4 are reserved */

static enum fpu_save_method plain(void)
{
	return fpu_features()->superset ? FPU_XSAVE : FPU_FXSAVE;
}

/* Bytes other than 0 and never the same in two places; the header and control words are legal. */
static void fill_pattern(struct fpu_image *image)
{
	const struct fpu_features *f = fpu_features();
	uint32_t size = fpu_standard_size(f->component, f->superset);
	uint8_t *bytes = (uint8_t *)image;

	for (uint32_t i = 0; i < size; i++)
		bytes[i] = i * 7 + (i >> 8) * 13 + 1;
	memset(image, 0, offsetof(struct fpu_image, st));
	memset(image->reserved3, 0, sizeof(image->reserved3));
	memset(&image->xstate_bv, 0, FPU_HEADER_SIZE);
	image->fcw = 0x027f;
	image->fsw = 0x3900; /* TOP = 7, C0 set */
	image->ftw = 0xa5;
	image->fop = 0x0123;
	image->mxcsr = PATTERN_MXCSR;
	for (unsigned int i = 0; i < 8; i++)
		memset(&image->st[i][10], 0, 6);
	if (f->superset & XCR0_PKRU)
		memset(bytes + f->component[FPU_COMPONENT_PKRU].offset + 4, 0, PKRU_BYTES - 4);
	image->xstate_bv = f->superset;
}

static bool same_components(const struct fpu_image *a, const struct fpu_image *b)
{
	const struct fpu_features *f = fpu_features();

	if (a->fcw != b->fcw || a->fsw != b->fsw || a->ftw != b->ftw || a->mxcsr != b->mxcsr ||
	    memcmp(a->st, b->st, sizeof(a->st)) || memcmp(a->xmm, b->xmm, sizeof(a->xmm)) ||
	    a->xstate_bv != b->xstate_bv || a->xcomp_bv != b->xcomp_bv)
		return false;
	for (unsigned int i = 2; i < FPU_COMPONENTS; i++) {
		const struct fpu_component *c = &f->component[i];

		if ((f->superset & BIT(i)) &&
		    memcmp((const uint8_t *)a + c->offset, (const uint8_t *)b + c->offset, c->size))
			return false;
	}
	return true;
}

static bool all_zero(const void *bytes, size_t count)
{
	const uint8_t *byte = bytes;

	while (count && !*byte) {
		byte++;
		count--;
	}
	return !count;
}

/* A component that is not in XSTATE_BV is in its initial state, whatever the area holds. */
static bool is_initial(const struct fpu_image *image)
{
	const struct fpu_features *f = fpu_features();
	uint64_t in_use = f->superset ? image->xstate_bv : XCR0_X87 | XCR0_SSE;

	if (image->mxcsr != FPU_RESET_MXCSR)
		return false;
	if ((in_use & XCR0_X87) && (image->fcw != FPU_INITIAL_FCW || image->fsw || image->ftw ||
				    !all_zero(image->st, sizeof(image->st))))
		return false;
	if ((in_use & XCR0_SSE) && !all_zero(image->xmm, sizeof(image->xmm)))
		return false;
	for (unsigned int i = 2; i < FPU_COMPONENTS; i++)
		if ((in_use & f->save_mask & BIT(i)) &&
		    !all_zero((const uint8_t *)image + f->component[i].offset,
			      f->component[i].size))
			return false;
	return true;
}

/* The image into the registers, out and in by the method, and out again by the plain one. */
static bool carry(enum fpu_save_method method, struct fpu_image *image, struct fpu_image *tried,
		  struct fpu_image *result)
{
	uint64_t all = fpu_features()->superset;
	bool carried;

	memset(&tried->xstate_bv, 0, FPU_HEADER_SIZE);
	carried = fpu_method_load(plain(), image, all) && fpu_method_save(method, tried, all);
	fpu_load_initial();
	return carried && fpu_method_load(method, tried, all) &&
	       fpu_method_save(plain(), result, all);
}

bool fpu_method_works(enum fpu_save_method method)
{
	struct fpu_image *image = fpu_image_create(), *tried = fpu_image_create();
	struct fpu_image *result = fpu_image_create();
	bool works;

	if (!image || !tried || !result)
		panic("no memory for the FPU self-test");
	__asm__ volatile("clts");
	fill_pattern(image);
	works = carry(method, image, tried, result) && same_components(image, result);
	/* MXCSR is no part of what XSTATE_BV says of SSE, and must come back all the same */
	image->xstate_bv = 0;
	works = works && carry(method, image, tried, result) && result->mxcsr == PATTERN_MXCSR;
	if (fpu_features()->superset & XCR0_PKRU)
		fpu_wrpkru(0);
	fpu_load_initial();
	works = works && fpu_method_save(plain(), result, fpu_features()->superset) &&
		is_initial(result);
	write_cr0(read_cr0() | CR0_TS);
	fpu_image_destroy(image);
	fpu_image_destroy(tried);
	fpu_image_destroy(result);
	return works;
}

uint32_t fpu_find_pkru(void)
{
	static union {
		struct fpu_image image;
		uint32_t word[PAGE_SIZE / sizeof(uint32_t)];
	} area __attribute__((aligned(64)));
	struct cpuid_regs r = cpuid_count(0xd, FPU_COMPONENT_PKRU); /* EAX = size, EBX = offset */
	uint32_t i = sizeof(area.image) / sizeof(uint32_t), offset;
	bool found;

	if (r.ebx > sizeof(area) - PKRU_BYTES)
		return 0;
	__asm__ volatile("clts");
	fpu_wrpkru(PATTERN_PKRU);
	found = fpu_xsave64(&area.image, XCR0_PKRU);
	fpu_wrpkru(0);
	while (i < PAGE_SIZE / sizeof(uint32_t) - 1 && area.word[i] != PATTERN_PKRU)
		i++;
	offset = i * sizeof(uint32_t);
	found = found && area.word[i] == PATTERN_PKRU && fpu_xrstor64(&area.image, XCR0_PKRU) &&
		fpu_rdpkru() == PATTERN_PKRU;
	fpu_wrpkru(0);
	write_cr0(read_cr0() | CR0_TS);
	/* Bochs 2.7 says nothing in CPUID.D.9 */
	if (!found || (r.ebx && r.ebx != offset) || (r.eax && r.eax != PKRU_BYTES))
		return 0;
	return offset;
}
