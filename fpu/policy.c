#include "fpu/policy.h"

const char *fpu_policy_name(enum fpu_policy policy)
{
	static const char *const name[] = {
		[FPU_LAZY] = "lazy",
		[FPU_EAGER] = "eager",
		[FPU_UNLOAD] = "unload",
	};

	return name[policy];
}
