/*
 * A guest's CR0 as the hardware sees it: the guest's own value, what the hypervisor keeps (NE, CD,
 * NW), and TS and MP as the FPU state demands. SDM Vol. 3C 24.6.6, 25.3.
 * All of it on the CPU where the vCPU's VMCS is current.
 */
#pragma once

#include <stdint.h>

#include "fpu/context.h"

struct guest_cr0 {
	uint64_t mask;		   /* VMCS CR0_MASK */
	uint64_t shadow;	   /* VMCS CR0_READ_SHADOW: the guest's own value of masked bits */
	uint32_t exception_bitmap; /* VMCS EXCEPTION_BITMAP, the #NM bit included */
};

/* Writes the VMCS fields for a guest that starts with a CR0 value, OPEN. */
void guest_cr0_init(struct guest_cr0 *cr0, uint64_t value, uint32_t exception_bitmap);

/* The value that the guest itself reads. */
uint64_t guest_cr0_read(const struct guest_cr0 *cr0);

/* Writes it, in the given FPU state; no field that holds its value already. Returns the VMWRITEs.
 */
unsigned int guest_cr0_write(struct guest_cr0 *cr0, uint64_t value, enum fpu_state state);
