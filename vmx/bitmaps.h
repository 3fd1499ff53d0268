/*
 * The MSR and I/O bitmaps, the same for all guests: everything exits but the MSRs of a list that
 * gives each its reason. SDM Vol. 3C 24.6.4, 24.6.9.
 *
 * A guest whose x2APIC mode is virtualized has another MSR bitmap, for as long: without that
 * control its accesses would reach the machine's own APIC. So has one that has written
 * IA32_SPEC_CTRL, which is switched from then on.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum msr_bitmap {
	MSR_BITMAP,
	MSR_BITMAP_X2APIC,     /* and TPR does not exit */
	MSR_BITMAP_X2APIC_EOI, /* nor a write of EOI: with virtual-interrupt delivery */
	MSR_BITMAPS,
};

/* Fills the bitmaps. First CPU, before the first VMCS. */
void bitmaps_init(void);

/* Physical addresses for the VMCS. */
uint64_t msr_bitmap_address(enum msr_bitmap which, bool passes_spec_ctrl);
uint64_t io_bitmap_a_address(void);
uint64_t io_bitmap_b_address(void);
