#include <stddef.h>

#include "fpu/features.h"
#include "fpu/guest.h"
#include "fpu/image.h"
#include "fpu/owner.h"
#include "lib/errno.h"
#include "lib/x86.h"

static uint64_t reset_xcr0(void)
{
	return fpu_features()->superset ? XCR0_X87 : 0;
}

int fpu_guest_create(struct fpu_guest *guest, uint32_t id, uint32_t domain, int32_t *entries_left)
{
	*guest = (struct fpu_guest){
		.image = fpu_image_create(),
		.entries_left = entries_left,
	};
	if (!guest->image)
		return -ENOMEM;
	fpu_context_init(&guest->context, id, domain, reset_xcr0());
	return 0;
}

void fpu_guest_destroy(struct fpu_guest *guest)
{
	if (guest->image)
		fpu_image_destroy(guest->image);
	guest->image = NULL;
}

void fpu_guest_reset(struct fpu_cpu *cpu, struct fpu_guest *guest)
{
	fpu_reset(cpu, &guest->context, reset_xcr0());
	fpu_image_reset(guest->image);
	guest->is32 = false;
}
