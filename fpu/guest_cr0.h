/*
 * A guest's CR0 as the hardware sees it: the guest's own value, what the hypervisor keeps (NE, CD,
 * NW), and TS and MP as the FPU state demands. SDM Vol. 3C 24.6.6, 25.3.
 * All of it on the CPU where the vCPU's VMCS is current.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fpu/context.h"
#include "vmx/vmcs.h"

struct guest_cr0 {
	uint64_t mask;		   /* VMCS CR0_MASK */
	uint64_t shadow;	   /* VMCS CR0_READ_SHADOW: the guest's own value of masked bits */
	uint32_t exception_bitmap; /* VMCS EXCEPTION_BITMAP, the #NM bit included */
};

/* Writes the VMCS fields for a guest that starts with a CR0 value, OPEN. */
void guest_cr0_init(struct guest_cr0 *cr0, uint64_t value, uint32_t exception_bitmap);

/* The value that the guest itself reads. */
static inline uint64_t guest_cr0_read(const struct guest_cr0 *cr0)
{
	return (vmcs_read(VMCS_GUEST_CR0) & ~cr0->mask) | (cr0->shadow & cr0->mask);
}

/* Of a value only bits differ that the hardware has not from the guest: it reads the shadow. */
static inline void guest_cr0_write_shadow(struct guest_cr0 *cr0, uint64_t value)
{
	vmcs_write(VMCS_CR0_READ_SHADOW, value);
	cr0->shadow = value;
}

/* The #NM intercept for another state, where neither it nor the one before is OPEN. Returns the
 * VMWRITEs.
 */
unsigned int guest_cr0_intercept(struct guest_cr0 *cr0, enum fpu_state state);

/* Writes it, whatever differs, in the given FPU state; no field that holds its value already.
 * Returns the VMWRITEs.
 */
unsigned int guest_cr0_write(struct guest_cr0 *cr0, uint64_t value, enum fpu_state state);
