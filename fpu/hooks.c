/*
 * What the ownership core has done to the hardware: the functions at the end of fpu/owner.h.
 */
#include <stddef.h>

#include "fpu/features.h"
#include "fpu/guest.h"
#include "fpu/image.h"
#include "fpu/instructions.h"
#include "fpu/owner.h"
#include "fpu/registers.h"
#include "lib/x86.h"
#include "vmx/entry.h"

/* Of a vCPU: the core never saves or loads a CPU's own context, nor is that ever ready. */
static struct fpu_guest *guest_of(struct fpu_context *context)
{
	return (struct fpu_guest *)((char *)context - offsetof(struct fpu_guest, context));
}

uint64_t fpu_hw_save(struct fpu_context *context)
{
	struct fpu_guest *guest = guest_of(context);

	registers_open();
	fpu_image_save(guest->image, &guest->is32);
	registers_close();
	return fpu_features()->image_size;
}

uint64_t fpu_hw_load(struct fpu_context *context)
{
	struct fpu_guest *guest = guest_of(context);

	registers_open();
	fpu_image_load(guest->image, guest->is32);
	registers_close();
	return fpu_features()->image_size;
}

uint64_t fpu_hw_scrub(void)
{
	uint64_t bytes;

	registers_open();
	bytes = fpu_load_initial();
	registers_close();
	return bytes;
}

void fpu_hw_write_xcr0(uint64_t value)
{
	fpu_xsetbv(value);
}

void fpu_hw_host_section(bool begin)
{
	if (begin)
		registers_open();
	else
		registers_close();
}

bool fpu_hw_guest_ts(struct fpu_context *context)
{
	struct fpu_guest *guest = guest_of(context);

	if (context->state != FPU_OPEN)
		return guest->cr0.shadow & CR0_TS;
	return guest_cr0_read(&guest->cr0) & CR0_TS;
}

unsigned int fpu_hw_set_state(struct fpu_context *context, enum fpu_state state)
{
	struct fpu_guest *guest = guest_of(context);

	if (context->state != FPU_OPEN && state != FPU_OPEN)
		return guest_cr0_intercept(&guest->cr0, state);
	return guest_cr0_write(&guest->cr0, guest_cr0_read(&guest->cr0), state);
}

void fpu_hw_stale(struct fpu_context *context)
{
	int32_t *entries_left = guest_of(context)->entries_left;

	if (entries_left)
		vmx_ask_to_return(entries_left);
}
