#include <stddef.h>

#include "fpu/instructions.h"
#include "fpu/method.h"
#include "lib/x86.h"

const char *fpu_method_name(enum fpu_save_method method)
{
	static const char *const name[] = {
		[FPU_FXSAVE] = "fxsave",     [FPU_XSAVE] = "xsave",   [FPU_XSAVEC] = "xsavec",
		[FPU_XSAVEOPT] = "xsaveopt", [FPU_XSAVES] = "xsaves",
	};

	return name[method];
}

/*
 * With selectors the width of an image follows the x87 pointers (fpu_image_save): an x87 part that
 * is skipped would be left in the other width. Compacted images are left out there for simplicity:
 * CPUs that have them have no selectors.
 *
 * Under another hypervisor we are non-root just as our guest. The CPU tells the load of an image by
 * address, CPL, root or non-root, and format (SDM Vol. 1 13.6): a guest's own XRSTOR at the address
 * of one of our images would be taken for ours.
 */
const char *fpu_method_obstacle(enum fpu_save_method method, const struct fpu_method_facts *facts)
{
	if (!(facts->methods & BIT(method)))
		return "is not there";
	if (facts->selectors && method > FPU_XSAVE)
		return "would lose FCS and FDS, which this CPU saves";
	if (facts->nested && !facts->forced && fpu_method_skips_unmodified(method))
		return "is not safe under another hypervisor";
	return NULL;
}

bool fpu_method_save(enum fpu_save_method method, struct fpu_image *image, uint64_t components)
{
	switch (method) {
	case FPU_XSAVES:
		return fpu_xsaves64(image, components);
	case FPU_XSAVEOPT:
		return fpu_xsaveopt64(image, components);
	case FPU_XSAVEC:
		return fpu_xsavec64(image, components);
	case FPU_XSAVE:
		return fpu_xsave64(image, components);
	case FPU_FXSAVE:
		return fpu_fxsave64(image, 0);
	}
	return false;
}

/* XRSTOR takes both formats, XRSTORS only the compacted one. */
bool fpu_method_load(enum fpu_save_method method, struct fpu_image *image, uint64_t components)
{
	switch (method) {
	case FPU_XSAVES:
		return fpu_xrstors64(image, components);
	case FPU_XSAVEOPT:
	case FPU_XSAVEC:
	case FPU_XSAVE:
		return fpu_xrstor64(image, components);
	case FPU_FXSAVE:
		return fpu_fxrstor64(image, 0);
	}
	return false;
}
