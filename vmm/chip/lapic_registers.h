/*
 * The registers of a local APIC, as the guest has them: a page in xAPIC mode (SDM Vol. 3A 10.4.1),
 * MSRs in x2APIC mode (10.12.1). Contract: lapic.h. The others are asked of what was sent after
 * each write (lapic_send.h).
 */
#pragma once

#include <stdint.h>

#include "vmm/chip/lapic.h"

#define LAPIC_FIRST_MSR 0x800
#define LAPIC_LAST_MSR	0x8ff

/* A write to these offsets of the page is the same as the function. */
#define LAPIC_OFFSET_TPR 0x80 /* lapic_set_tpr() */
#define LAPIC_OFFSET_EOI 0xb0 /* lapic_eoi() */

/* Those of them that change what is served next, and no more: EOI, TPR, SELF IPI. */
#define LAPIC_MSR_TPR	   0x808
#define LAPIC_MSR_EOI	   0x80b
#define LAPIC_MSR_SELF_IPI 0x83f

/*
 * The page: in xAPIC mode, 32 bits at an offset below 4096 that is a multiple of 4. What is not a
 * multiple of 16 reads as 0. Of a narrower read the caller takes its part; a narrower write is
 * lost.
 */
uint32_t lapic_read(struct lapic *lapic, const struct rate *rate, uint32_t offset, uint64_t now);
void lapic_write(struct lapic *lapic, const struct rate *rate, uint32_t offset, uint32_t value,
		 uint64_t now);

/* The MSRs of x2APIC mode. -EINVAL: #GP. */
int lapic_read_msr(struct lapic *lapic, const struct rate *rate, uint32_t msr, uint64_t *value,
		   uint64_t now);
int lapic_write_msr(struct lapic *lapic, const struct rate *rate, uint32_t msr, uint64_t value,
		    uint64_t now);
