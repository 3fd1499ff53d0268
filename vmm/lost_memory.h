/*
 * Host memory that a machine check reported as lost: it is not touched again, and not given back.
 * Root mode of the only CPU that runs.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Notes the pages that the bytes are in. False if there is no room for more. */
bool lost_memory_note(uint64_t start, uint64_t size);

/*
 * How many of the bytes from start on are alike, at least 1 and at most size, and in *lost whether
 * they are lost.
 */
uint64_t lost_memory_run(uint64_t start, uint64_t size, bool *lost);
