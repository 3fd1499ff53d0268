/*
 * Images: a context's FPU state in memory (fpu/xsave_area.h), written and read by the method that
 * fpu/detect.c chose. Root mode, interrupts off.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct fpu_image;

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
 * The registers to an image that is nobody's: by a method that leaves out nothing for having been
 * unmodified since a load, and of which the CPU remembers nothing. In the standard format.
 */
void fpu_image_save_elsewhere(struct fpu_image *image, bool *is32);

/*
 * Brings every component of the save mask into its initial state (SDM Vol. 1 13.6). Returns the
 * bytes that it reads. CR0.TS clear and XCR0 = superset, as for the two above.
 */
uint32_t fpu_load_initial(void);
