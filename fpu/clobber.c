#include <stddef.h>

#include "fpu/clobber.h"
#include "fpu/features.h"
#include "fpu/image.h"
#include "fpu/owner.h"
#include "fpu/xsave_area.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "lib/x86.h"

#define PATTERN 0x48 /* 'H' */

/* Written at boot. */
static struct fpu_image *image;

int fpu_clobber_init(void)
{
	const struct fpu_features *f = fpu_features();

	image = fpu_image_create();
	if (!image)
		return -ENOMEM;
	/* what lies beyond the header is data of components that may hold anything */
	if (f->image_size > sizeof(*image))
		memset(image->extended, PATTERN, f->image_size - sizeof(*image));
	memset(image->xmm, PATTERN, sizeof(image->xmm));
	for (unsigned int i = 0; i < 8; i++)
		memset(image->st[i], PATTERN, 10);
	image->ftw = 0xff;
	image->xstate_bv = f->save_mask;
	return 0;
}

void fpu_clobber(struct fpu_cpu *cpu)
{
	fpu_host_begin(cpu);
	fpu_image_load(image, false);
	fpu_host_end(cpu);
}
