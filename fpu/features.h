/*
 * What the FPU of this machine has, and what of it is used. All CPUs are alike.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fpu/components.h"
#include "fpu/method.h"

struct fpu_features {
	enum fpu_save_method method;
	const char *method_name;
	uint64_t superset;   /* the XCR0 components that guests may have; 0 without XSAVE */
	uint64_t save_mask;  /* of these, what is saved and loaded here: all but PKRU */
	uint64_t tiles;	     /* beside the superset: AMX's components, if guests have it */
	bool xfd;	     /* ... and IA32_XFD */
	bool tiles_unmarked; /* what CPUs say of their being in use is wrong: amx=force */
	uint32_t image_size; /* bytes that a save or load of all of it moves */
	bool selectors;	     /* FCS and FDS are saved by this CPU */
	bool nested;	     /* there is another hypervisor below us */
	bool works;	     /* a pattern comes back; if it does not, nothing may run */
	bool xsavec_works;   /* they pass the self-test: guests may have them */
	bool xsaves_works;
	struct fpu_component component[FPU_COMPONENTS]; /* zero: in neither of them */
};

/* Filled in by fpu_detect() on the first CPU, before any other runs; read by fpu_features(). */
extern struct fpu_features fpu_features_found;

static inline const struct fpu_features *fpu_features(void)
{
	return &fpu_features_found;
}
