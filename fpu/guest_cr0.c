#include "fpu/guest_cr0.h"
#include "lib/x86.h"
#include "vmx/capabilities.h"
#include "vmx/vmcs.h"

/* What a guest may change without an exit; TS and MP too, but only while its FPU state is OPEN. */
#define GUEST_OWNED	 (CR0_EM | CR0_WP | CR0_AM)
#define GUEST_OWNED_OPEN (CR0_TS | CR0_MP)

/* Unrestricted guest: the fixed bits do not hold PE and PG (SDM Vol. 3D A.7). */
static uint64_t hardware_value(uint64_t value, enum fpu_state state)
{
	const struct vmx_capabilities *c = vmx_capabilities();
	uint64_t fixed = c->cr0_fixed0 & ~(CR0_PE | CR0_PG);

	value = (value | fixed | CR0_ET | CR0_NE) & ~(CR0_CD | CR0_NW) & c->cr0_fixed1;
	if (state != FPU_OPEN)
		value |= CR0_TS | CR0_MP;
	return value;
}

static uint64_t mask_value(enum fpu_state state)
{
	return ~(uint64_t)(GUEST_OWNED | (state == FPU_OPEN ? GUEST_OWNED_OPEN : 0));
}

/* GUARDED leaves the guest's #NM alone, but WAIT must not raise one if the guest's MP is 0. */
static uint32_t exceptions(uint32_t bitmap, uint64_t value, enum fpu_state state)
{
	bool intercept = state == FPU_ARMED || (state == FPU_GUARDED && !(value & CR0_MP));

	return intercept ? bitmap | BIT(VECTOR_NM) : bitmap & ~BIT(VECTOR_NM);
}

void guest_cr0_init(struct guest_cr0 *cr0, uint64_t value, uint32_t exception_bitmap)
{
	cr0->mask = mask_value(FPU_OPEN);
	cr0->shadow = value;
	cr0->exception_bitmap = exception_bitmap;
	vmcs_write(VMCS_CR0_MASK, cr0->mask);
	vmcs_write(VMCS_CR0_READ_SHADOW, cr0->shadow);
	vmcs_write(VMCS_GUEST_CR0, hardware_value(value, FPU_OPEN));
	vmcs_write(VMCS_EXCEPTION_BITMAP, exception_bitmap);
}

unsigned int guest_cr0_intercept(struct guest_cr0 *cr0, enum fpu_state state)
{
	uint32_t bitmap = exceptions(cr0->exception_bitmap, cr0->shadow, state);

	if (cr0->exception_bitmap == bitmap)
		return 0;
	vmcs_write(VMCS_EXCEPTION_BITMAP, bitmap);
	cr0->exception_bitmap = bitmap;
	return 1;
}

unsigned int guest_cr0_write(struct guest_cr0 *cr0, uint64_t value, enum fpu_state state)
{
	uint64_t hardware = hardware_value(value, state);
	uint64_t mask = mask_value(state);
	uint32_t bitmap = exceptions(cr0->exception_bitmap, value, state);
	unsigned int writes = 0;

	if (vmcs_read(VMCS_GUEST_CR0) != hardware) {
		vmcs_write(VMCS_GUEST_CR0, hardware);
		writes++;
	}
	if (cr0->mask != mask) {
		vmcs_write(VMCS_CR0_MASK, mask);
		cr0->mask = mask;
		writes++;
	}
	/* only masked bits of the shadow are ever read */
	if ((cr0->shadow ^ value) & mask) {
		vmcs_write(VMCS_CR0_READ_SHADOW, value);
		cr0->shadow = value;
		writes++;
	}
	if (cr0->exception_bitmap != bitmap) {
		vmcs_write(VMCS_EXCEPTION_BITMAP, bitmap);
		cr0->exception_bitmap = bitmap;
		writes++;
	}
	return writes;
}
