#include <stddef.h>

#include "boot/layout.h"
#include "boot/memory.h"
#include "fpu/hardware.h"
#include "fpu/image.h"
#include "fpu/instructions.h"
#include "lib/assert.h"
#include "lib/console.h"
#include "lib/string.h"
#include "lib/x86.h"

#define CPUID1_XSAVE	  BIT(26)
#define CPUID1_HYPERVISOR BIT(31)
#define CPUIDD1_XSAVEOPT  BIT(0)
#define CPUID7_NO_FCS_FDS BIT(13) /* EBX: FCS and FDS are deprecated */

/* Written by fpu_detect() on the first CPU. */
static struct fpu_features features;

static const char *const method_name[] = {"fxsave", "xsave", "xsaveopt"};

const struct fpu_features *fpu_features(void)
{
	return &features;
}

/* Components come with those they need, or not at all (SDM Vol. 1 13.3). */
static uint64_t supported_components(void)
{
	struct cpuid_regs r = cpuid_count(0xd, 0);
	uint64_t offered = (uint64_t)r.edx << 32 | r.eax;
	uint64_t superset = XCR0_X87 | XCR0_SSE;

	if (offered & XCR0_AVX)
		superset |= XCR0_AVX;
	if ((superset & XCR0_AVX) && (offered & XCR0_AVX512) == XCR0_AVX512)
		superset |= XCR0_AVX512;
	return superset;
}

/*
 * XSAVEOPT skips what it takes for unmodified since the XRSTOR from the same linear address. That
 * is wrong for us in two places. Under another hypervisor we are non-root just as our guest, whose
 * own XRSTOR at the same address would be taken for ours. And where the width of an image follows
 * the x87 pointers (save_selectors), a skipped x87 part would be left in the other width.
 */
static enum fpu_save_method best_method(void)
{
	if (!(cpuid(1).ecx & CPUID1_XSAVE) || cpuid_max_leaf() < 0xd)
		return FPU_FXSAVE;
	if ((cpuid_count(0xd, 1).eax & CPUIDD1_XSAVEOPT) && !features.selectors &&
	    !(cpuid(1).ecx & CPUID1_HYPERVISOR))
		return FPU_XSAVEOPT;
	return FPU_XSAVE;
}

void fpu_init_hardware(void)
{
	write_cr4(read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT);
	if (features.superset) {
		write_cr4(read_cr4() | CR4_OSXSAVE);
		__asm__ volatile("clts");
		fpu_xsetbv(features.superset);
	}
	write_cr0((read_cr0() | CR0_TS | CR0_MP) & ~CR0_EM);
}

static void save_by(enum fpu_save_method method, struct fpu_image *image)
{
	switch (method) {
	case FPU_XSAVEOPT:
		fpu_xsaveopt64(image, features.superset);
		break;
	case FPU_XSAVE:
		fpu_xsave64(image, features.superset);
		break;
	case FPU_FXSAVE:
		fpu_fxsave64(image, 0);
		break;
	}
}

/*
 * The 64-bit forms save FIP and FDP whole and no selectors, the 32-bit forms selectors and half the
 * pointers. Pointers below 4 GiB lose nothing in the second form; only those have selectors worth
 * keeping.
 */
static bool save_selectors(struct fpu_image *image)
{
	bool x87_saved = !features.superset || (image->xstate_bv & XCR0_X87);

	if (!features.selectors || !x87_saved || image->fip >> 32 || image->fdp >> 32)
		return false;
	if (features.superset)
		fpu_xsave32(image, XCR0_X87);
	else
		fpu_fxsave32(image, 0);
	return true;
}

void fpu_image_save(struct fpu_image *image, bool *is32)
{
	save_by(features.method, image);
	*is32 = save_selectors(image);
}

void fpu_image_load(const struct fpu_image *image, bool is32)
{
	struct fpu_image *source = (struct fpu_image *)image;

	if (features.superset && is32)
		fpu_xrstor32(source, features.superset);
	else if (features.superset)
		fpu_xrstor64(source, features.superset);
	else if (is32)
		fpu_fxrstor32(source, 0);
	else
		fpu_fxrstor64(source, 0);
}

uint32_t fpu_load_initial(void)
{
	/* never written, so all CPUs may read it at once */
	static struct fpu_image initial __attribute__((aligned(64))) = {
		.fcw = FPU_INITIAL_FCW,
		.mxcsr = FPU_RESET_MXCSR,
	};

	fpu_image_load(&initial, false);
	/* XSTATE_BV is 0: only the header and MXCSR are read */
	return features.superset ? FPU_HEADER_SIZE + sizeof(initial.mxcsr) : FPU_LEGACY_SIZE;
}

static uint64_t image_pages_size(void)
{
	return (features.image_size + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
}

struct fpu_image *fpu_image_create(void)
{
	struct fpu_image *image = (void *)memory_alloc(image_pages_size(), PAGE_SIZE);

	if (image)
		fpu_image_reset(image);
	return image;
}

void fpu_image_reset(struct fpu_image *image)
{
	memset(image, 0, image_pages_size());
	image->fcw = FPU_RESET_FCW;
	image->mxcsr = FPU_RESET_MXCSR;
	image->xstate_bv = features.superset ? XCR0_X87 : 0;
}

void fpu_image_destroy(struct fpu_image *image)
{
	memory_free((uint64_t)image, image_pages_size());
}

void fpu_clear_memory(void *address, uint64_t size)
{
	if (!size)
		return;
	assert(((uint64_t)address | size) % 128 == 0);
	if (features.superset & XCR0_AVX)
		fpu_clear_avx(address, size);
	else
		fpu_clear_sse(address, size);
}

/* Bytes other than 0 and never the same in two places; the header and control words are legal. */
static void fill_pattern(struct fpu_image *image)
{
	uint8_t *bytes = (uint8_t *)image;

	for (uint32_t i = 0; i < features.image_size; i++)
		bytes[i] = i * 7 + (i >> 8) * 13 + 1;
	memset(image, 0, offsetof(struct fpu_image, st));
	memset(image->reserved3, 0, sizeof(image->reserved3));
	memset(&image->xstate_bv, 0, FPU_HEADER_SIZE);
	image->fcw = 0x027f;
	image->fsw = 0x3900; /* TOP = 7, C0 set */
	image->ftw = 0xa5;
	image->fop = 0x0123;
	image->mxcsr = 0x1fa0;
	for (unsigned int i = 0; i < 8; i++)
		memset(&image->st[i][10], 0, 6);
	image->xstate_bv = features.superset;
}

static bool same_components(const struct fpu_image *a, const struct fpu_image *b)
{
	if (a->fcw != b->fcw || a->fsw != b->fsw || a->ftw != b->ftw || a->mxcsr != b->mxcsr ||
	    memcmp(a->st, b->st, sizeof(a->st)) || memcmp(a->xmm, b->xmm, sizeof(a->xmm)) ||
	    a->xstate_bv != b->xstate_bv || a->xcomp_bv != b->xcomp_bv)
		return false;
	for (unsigned int i = 2; i < 63; i++) {
		struct cpuid_regs r;

		if (!(features.superset & BIT(i)))
			continue;
		r = cpuid_count(0xd, i); /* EAX = size, EBX = offset */
		if (memcmp((const uint8_t *)a + r.ebx, (const uint8_t *)b + r.ebx, r.eax))
			return false;
	}
	return true;
}

/*
 * A pattern in every component must survive: into the registers, out by the method that is tried,
 * the registers made initial, in again, and out by plain XSAVE.
 */
static bool method_works(enum fpu_save_method method)
{
	struct fpu_image *pattern = fpu_image_create(), *tried = fpu_image_create();
	struct fpu_image *result = fpu_image_create();
	bool works;

	if (!pattern || !tried || !result)
		panic("no memory for the FPU self-test");
	fill_pattern(pattern);
	__asm__ volatile("clts");
	fpu_image_load(pattern, false);
	save_by(method, tried);
	fpu_load_initial();
	fpu_image_load(tried, false);
	save_by(features.superset ? FPU_XSAVE : FPU_FXSAVE, result);
	fpu_load_initial();
	write_cr0(read_cr0() | CR0_TS);
	works = same_components(pattern, result);
	fpu_image_destroy(pattern);
	fpu_image_destroy(tried);
	fpu_image_destroy(result);
	return works;
}

static void set_method(enum fpu_save_method method)
{
	features.method = method;
	features.method_name = method_name[method];
	features.superset = method == FPU_FXSAVE ? 0 : supported_components();
	features.image_size = FPU_LEGACY_SIZE + FPU_HEADER_SIZE;
	fpu_init_hardware();
	if (method != FPU_FXSAVE)
		features.image_size = cpuid_count(0xd, 0).ebx; /* for the XCR0 just set */
}

void fpu_detect(void)
{
	enum fpu_save_method method;

	features.selectors = cpuid_max_leaf() < 7 || !(cpuid(7).ebx & CPUID7_NO_FCS_FDS);
	method = best_method();
	for (;;) {
		set_method(method);
		if (method_works(method))
			return;
		if (method == FPU_FXSAVE)
			panic("the FPU does not keep a pattern through FXSAVE and FXRSTOR");
		log_warning("%s does not bring the FPU's state back: %s is used instead",
			    method_name[method], method_name[method - 1]);
		method--;
	}
}

/* Intel family 6 models that do not speculate past #NM: Atom from Pineview to Gemini Lake, and
 * Knights Landing and Mill (CVE-2018-3665). */
bool fpu_lazy_leaks(void)
{
	static const uint8_t safe_models[] = {0x1c, 0x26, 0x27, 0x35, 0x36, 0x37, 0x4a,
					      0x4c, 0x4d, 0x57, 0x5a, 0x5c, 0x5d, 0x5f,
					      0x65, 0x6e, 0x75, 0x7a, 0x85};
	uint32_t signature = cpuid(1).eax;
	uint32_t family = signature >> 8 & 0xf;
	uint32_t model = (signature >> 4 & 0xf) | (signature >> 12 & 0xf0);

	for (unsigned int i = 0; i < sizeof(safe_models); i++)
		if (family == 6 && model == safe_models[i])
			return false;
	return true;
}
