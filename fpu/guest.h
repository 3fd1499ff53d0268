/*
 * A vCPU's FPU: its context for the ownership core, its image, and its CR0.
 */
#pragma once

#include "fpu/context.h"
#include "fpu/features.h"
#include "fpu/guest_cr0.h"
#include "lib/x86.h"

struct fpu_image;

struct fpu_guest {
	struct fpu_context context;
	struct guest_cr0 cr0;
	struct fpu_image *image;
	bool is32;	       /* the width that the image was saved in */
	int32_t *entries_left; /* made negative when the context is not ready any more; or NULL */
};

/* Returns 0 or -ENOMEM. `id` is fpu_trace_id()'s. A new guest's XCR0 is 1 (SDM Vol. 3A table 9-1).
 */
int fpu_guest_create(struct fpu_guest *guest, uint32_t id, uint32_t domain, int32_t *entries_left);
void fpu_guest_destroy(struct fpu_guest *guest);

/* As a reset of its CPU leaves it (SDM Vol. 3A table 9-1). Its VMCS is to be set for OPEN. */
void fpu_guest_reset(struct fpu_cpu *cpu, struct fpu_guest *guest);

/*
 * Whether XSETBV may load this value into XCR0 (SDM Vol. 1 13.3, 2.6): else it is #GP. Of AMX's two
 * components it takes both or none.
 */
static inline bool fpu_xcr0_valid(uint64_t value)
{
	uint64_t tiles = value & ~fpu_features()->superset;

	if (!(value & XCR0_X87) || (tiles && tiles != fpu_features()->tiles))
		return false;
	if ((value & XCR0_AVX) && !(value & XCR0_SSE))
		return false;
	if (value & XCR0_AVX512)
		return (value & XCR0_AVX512) == XCR0_AVX512 && (value & XCR0_AVX);
	return true;
}
