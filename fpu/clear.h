/*
 * Memory cleared by vector stores.
 */
#pragma once

#include <stdint.h>

/* Fills memory with zeros by vector stores. Host sections only; multiples of 128. */
void fpu_clear_memory(void *address, uint64_t size);
