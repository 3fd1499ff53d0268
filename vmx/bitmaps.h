/*
 * The MSR and I/O bitmaps, the same for all guests: everything exits but the MSRs of a list that
 * gives each its reason. SDM Vol. 3C 24.6.4, 24.6.9.
 */
#pragma once

#include <stdint.h>

/* Fills the bitmaps. First CPU, before the first VMCS. */
void bitmaps_init(void);

/* Physical addresses for the VMCS. */
uint64_t msr_bitmap_address(void);
uint64_t io_bitmap_a_address(void);
uint64_t io_bitmap_b_address(void);
