/*
 * The ways to save FPU state and load it again: an instruction that saves and its partner.
 * SDM Vol. 1 13.7 to 13.12, 10.5.1. CR0.TS clear, images 64-byte aligned.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct fpu_image;

/*
 * In the order of preference; each that fails is followed by the next lower one.
 *
 * XSAVES and XSAVEOPT leave out what was not modified since the last load (the modified
 * optimization) and what is in its initial state (the init optimization), XSAVEC only the latter.
 * Compaction, which XSAVES and XSAVEC add, leaves out the room of components that are not in the
 * mask, and ours holds nearly all that there are. So XSAVEOPT comes before XSAVEC. XSAVEC is for
 * where the modified optimization must not be used: see fpu_method_obstacle().
 */
enum fpu_save_method {
	FPU_FXSAVE,
	FPU_XSAVE,
	FPU_XSAVEC,
	FPU_XSAVEOPT,
	FPU_XSAVES,
};

/* Only wanted (`xsave=auto`): the best that is safe. */
#define FPU_METHOD_AUTO (FPU_XSAVES + 1)

/* "fxsave" and so on: xsave= on the command line and in the @boot record. */
const char *fpu_method_name(enum fpu_save_method method);

/* Whether its images have the compacted format (SDM Vol. 1 13.4.3). */
static inline bool fpu_method_compacts(enum fpu_save_method method)
{
	return method == FPU_XSAVEC || method == FPU_XSAVES;
}

/* Whether it leaves out what it takes for unmodified since the load from the same address. */
static inline bool fpu_method_skips_unmodified(enum fpu_save_method method)
{
	return method == FPU_XSAVES || method == FPU_XSAVEOPT;
}

/* What decides which method a CPU can be used with. */
struct fpu_method_facts {
	uint32_t methods; /* bit m: it has method m */
	bool selectors;	  /* it saves FCS and FDS */
	bool nested;	  /* there is another hypervisor below us */
	bool forced;	  /* the user asks for a method, and may know better */
};

/* Why a method is not to be used, in words; NULL: nothing is known against it. */
const char *fpu_method_obstacle(enum fpu_save_method method, const struct fpu_method_facts *facts);

/* The 64-bit forms, on these components. False: #GP or #UD, and nothing is known of the result. */
bool fpu_method_save(enum fpu_save_method method, struct fpu_image *image, uint64_t components);
bool fpu_method_load(enum fpu_save_method method, struct fpu_image *image, uint64_t components);
