/*
 * The part of the FPU manager that runs XSAVE, XRSTOR and XSETBV.
 * Root mode, interrupts off.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fpu/components.h"
#include "fpu/method.h"

struct fpu_image;

struct fpu_features {
	enum fpu_save_method method;
	const char *method_name;
	uint64_t superset;   /* the XCR0 components that guests may have; 0 without XSAVE */
	uint64_t save_mask;  /* of these, what is saved and loaded here: all but PKRU */
	uint32_t image_size; /* bytes that a save or load of all of it moves */
	bool selectors;	     /* FCS and FDS are saved by this CPU */
	bool nested;	     /* there is another hypervisor below us */
	bool xsavec_works;   /* they pass the self-test: guests may have them */
	bool xsaves_works;
	struct fpu_component component[FPU_COMPONENTS]; /* zero: not in the superset */
};

/*
 * Finds the components and the save instruction (CPUID.D), tries it with a pattern in every
 * component, and steps down to a simpler one if the pattern comes back wrong. `wanted` is the
 * method to begin with, or FPU_METHOD_AUTO. Says at most one line. False: not even FXSAVE brings
 * a pattern back (an emulator's may not), and nothing may run. First CPU.
 */
bool fpu_detect(uint32_t wanted);

/* CR4, XCR0 and IA32_XSS of this CPU as saves, loads and host sections need them; CR0.TS set. */
void fpu_init_hardware(void);

const struct fpu_features *fpu_features(void);

/* A page-aligned image in the state after reset; NULL: no memory. */
struct fpu_image *fpu_image_create(void);
void fpu_image_reset(struct fpu_image *image);
void fpu_image_destroy(struct fpu_image *image);

/* Bytes of an image: whole pages, with room for every component in either format. */
uint64_t fpu_image_room(void);

/*
 * Saves to and loads from an image, by the chosen method, CR0.TS clear and XCR0 = superset. `is32`
 * records the width that keeps the x87 pointers whole: FIP and FDP have 64 bits or selectors.
 */
void fpu_image_save(struct fpu_image *image, bool *is32);
void fpu_image_load(const struct fpu_image *image, bool is32);

/*
 * Brings every component of the save mask into its initial state (SDM Vol. 1 13.6). Returns the
 * bytes that it reads. CR0.TS clear and XCR0 = superset, as for the two above.
 */
uint32_t fpu_load_initial(void);

/* Fills memory with zeros by vector stores. Host sections only; multiples of 128. */
void fpu_clear_memory(void *address, uint64_t size);
