/*
 * What the unit tests share: cmocka, exact copies that let AddressSanitizer see an overread, and
 * random numbers that are the same in every run.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/array.h"
#include "lib/errno.h"

/* A heap copy of exactly this size: the byte after it is poisoned. The caller frees it. */
static inline void *exact_copy(const void *from, size_t size)
{
	void *copy = malloc(size);

	assert_non_null(copy);
	return size ? memcpy(copy, from, size) : copy;
}

/* Marsaglia's xorshift64*; *state is the seed and must not be 0. */
static inline uint64_t random_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545F4914F6CDD1Dull;
}

/* Little-endian stores into a test image. */
static inline void put16(uint8_t *at, uint16_t value)
{
	memcpy(at, &value, sizeof(value));
}

static inline void put32(uint8_t *at, uint32_t value)
{
	memcpy(at, &value, sizeof(value));
}

static inline void put64(uint8_t *at, uint64_t value)
{
	memcpy(at, &value, sizeof(value));
}

static inline uint16_t get16(const uint8_t *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static inline uint32_t get32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

/* Of a table that firmware leaves: 0 where it is whole. */
static inline uint8_t byte_sum(const uint8_t *bytes, uint32_t length)
{
	uint8_t result = 0;

	while (length--)
		result += *bytes++;
	return result;
}

static inline uint64_t get64(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}
