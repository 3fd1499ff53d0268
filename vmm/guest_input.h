/*
 * What is typed for a guest, until its UART has room: a ring with one writer, the first CPU, and
 * one reader, the CPU that has the VM's turn. No lock. No hardware in it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define GUEST_INPUT_SIZE 256u /* a power of 2 */

/* All zeros is an empty ring. */
struct guest_input {
	uint32_t written, read; /* characters, modulo 2^32; each is written by one side */
	char ring[GUEST_INPUT_SIZE];
};

static inline bool guest_input_any(const struct guest_input *input)
{
	return __atomic_load_n(&input->written, __ATOMIC_ACQUIRE) != input->read;
}

/* The writer: false, and nothing is changed, if there is no room. */
static inline bool guest_input_write(struct guest_input *input, char c)
{
	uint32_t written = input->written;

	if (written - __atomic_load_n(&input->read, __ATOMIC_ACQUIRE) == GUEST_INPUT_SIZE)
		return false;
	input->ring[written % GUEST_INPUT_SIZE] = c;
	__atomic_store_n(&input->written, written + 1, __ATOMIC_RELEASE);
	return true;
}

/* The reader: one of those that guest_input_any() has told of. */
static inline char guest_input_read(struct guest_input *input)
{
	uint32_t read = input->read;
	char c = input->ring[read % GUEST_INPUT_SIZE];

	__atomic_store_n(&input->read, read + 1, __ATOMIC_RELEASE);
	return c;
}

/* The reader: what has been typed so far is lost, as by a reset. */
static inline void guest_input_drop(struct guest_input *input)
{
	__atomic_store_n(&input->read, __atomic_load_n(&input->written, __ATOMIC_ACQUIRE),
			 __ATOMIC_RELEASE);
}
