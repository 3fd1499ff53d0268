/*
 * The smaller of two numbers: of deadlines, the earlier one.
 */
#pragma once

#include <stdint.h>

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}
