/*
 * The trial of a way to save: whether it keeps the state of every component as the manual says,
 * whatever the registers hold in between. SDM Vol. 1 13.4 to 13.12. It needs no privilege.
 */
#pragma once

#include <stdbool.h>

#include "fpu/method.h"

struct fpu_image;

/* Four images as fpu_image_create() makes them. */
struct fpu_trial_images {
	struct fpu_image *carried; /* the state that must come back */
	struct fpu_image *foreign; /* what the registers hold when it does */
	struct fpu_image *tried;   /* written and read by the method */
	struct fpu_image *found;   /* what came of it */
};

/*
 * False: something comes back wrong, an image is not laid out as CPUID.D says, or an instruction
 * raises an exception. XCR0 = superset, fpu_features() filled in but for the method. Afterwards the
 * registers are in their initial state.
 */
bool fpu_trial(enum fpu_save_method method, const struct fpu_trial_images *images);
