#include "fpu/method.h"
#include "fpu/instructions.h"

const char *fpu_method_name(enum fpu_save_method method)
{
	static const char *const name[] = {
		[FPU_FXSAVE] = "fxsave",     [FPU_XSAVE] = "xsave",   [FPU_XSAVEC] = "xsavec",
		[FPU_XSAVEOPT] = "xsaveopt", [FPU_XSAVES] = "xsaves",
	};

	return name[method];
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
