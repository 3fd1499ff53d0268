/*
 * The memory types that firmware gave to physical addresses: where they change. A page that spans
 * such a change has no defined type (SDM Vol. 3A 11.11.9, "Large Page Size Considerations").
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define MTRR_RANGES_MAX 255 /* IA32_MTRRCAP.VCNT has 8 bits */

/* The variable ranges that are valid: an address A is in one if A & mask == base & mask. */
struct mtrrs {
	bool on; /* else all memory is of one type */
	uint32_t count;
	struct {
		uint64_t base;
		uint64_t mask;
	} range[MTRR_RANGES_MAX];
};

/* Reads this CPU's. */
void mtrrs_read(struct mtrrs *mtrrs);

/*
 * Whether all of the page has one type: `size` is a power of two, `address` a multiple of it. Says
 * no too where ranges of the same type meet in a page, and for large pages in the first MiB.
 */
bool mtrrs_same_type(const struct mtrrs *mtrrs, uint64_t address, uint64_t size);
