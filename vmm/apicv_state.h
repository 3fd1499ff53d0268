/*
 * What a vCPU has for APIC virtualization: vmm/apicv.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/x86.h"
#include "vmm/chip/lapic.h"
#include "vmx/vmcs_bits.h"

/* Whether the APIC's page is out of the EPT, for one entry. */
enum apicv_aside {
	APICV_THERE,
	APICV_TO_GO_ASIDE,
	APICV_ASIDE,
};

struct apicv {
	uint32_t *page; /* the virtual-APIC page; NULL: none of this */
	bool given;	/* what the page holds is there */
	enum apicv_aside aside;
	/* as the VMCS has them */
	uint32_t own_secondary, secondary; /* without what is set here, and with it */
	uint8_t bitmap;			   /* enum msr_bitmap */
	uint8_t threshold;
};

/* While all is given: the APIC has nothing in service and nothing waits, whatever TPR is. */
static inline bool apicv_is_idle(const struct apicv *apicv, const struct lapic *lapic)
{
	return !(apicv->secondary & SECONDARY_VIRTUAL_INTERRUPT_DELIVERY) && !lapic->irr.words &&
	       !lapic->isr.top && !apicv->aside;
}

/* While it is there. */
static inline uint8_t apicv_tpr(const struct apicv *apicv)
{
	return apicv->page[0x80 / 4];
}

/* What is given has to do with that register: its offset / 16, or its MSR - 800H. */
static inline bool apicv_concerns(uint32_t number)
{
	const uint64_t registers = BIT(0x08) | BIT(0x0a) | BIT(0x0b) | /* TPR, PPR, EOI */
				   BIT(0x0f) |			       /* SVR: see apicv_give() */
				   0xffull << 0x10 | 0xffull << 0x20 | /* ISR, IRR */
				   BIT(0x30);			       /* ICR */

	return number < 64 && (registers >> number & 1);
}
