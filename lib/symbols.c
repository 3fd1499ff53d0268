#include <stddef.h>

#include "lib/symbols.h"

struct symbol {
	uint32_t address;
	uint32_t name; /* offset into symbol_names */
};

/* Sorted by address; empty in the first link. */
extern const struct symbol symbol_table[];
extern const uint32_t symbol_count;
extern const char symbol_names[];
extern char text_end[];

const char *symbol_find(uint64_t address, uint64_t *offset)
{
	uint32_t low = 0, high = symbol_count;

	if (address >= (uint64_t)text_end)
		return NULL;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (symbol_table[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return NULL;
	*offset = address - symbol_table[low - 1].address;
	return symbol_names + symbol_table[low - 1].name;
}
