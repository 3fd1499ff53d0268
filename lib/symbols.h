/*
 * Function names for backtraces: a table that tools/symbols makes from the first link of the
 * image and the second link puts at the end of .rodata.
 */
#pragma once

#include <stdint.h>

/*
 * The name of the function that an address of the image is in, and the offset into it; NULL
 * where the address is in none.
 */
const char *symbol_find(uint64_t address, uint64_t *offset);
