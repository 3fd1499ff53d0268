/*
 * The names in an ELF file's symbol table (System V ABI, chapter 4): which function an address is
 * in. The file is host memory that is not trusted: whatever is wrong in it, there are only fewer
 * names. libelf reads such tables too, and takes a libc.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_symbols {
	const uint8_t *file;
	uint64_t size;
	bool is64;
	uint64_t sections, section_size, section_count; /* section headers; sizes in bytes */
	uint64_t table, entry_size, count;		/* .symtab; without one, count is 0 */
	uint64_t names, names_size;
};

/* The table is one of the first hundred sections or so. Any context. */
void elf_symbols_init(struct elf_symbols *symbols, const void *file, uint64_t size);

/* A search that is under way. */
struct elf_search {
	uint64_t address;
	uint64_t next; /* the symbol to be looked at next */
	bool sized;    /* `best` is one whose size says that the address is in it */
	bool found;
	uint64_t best;	   /* value */
	uint64_t best_end; /* of one without a size: its section's; 0: it reaches no address */
	uint32_t best_name;
};

void elf_search_begin(struct elf_search *search, uint64_t address);

/*
 * Looks at some symbols more; true when it has seen all. A function or label is in its
 * size; one without a size, as assemblers make them, goes on to the next one or its section's end.
 */
bool elf_search_step(const struct elf_symbols *symbols, struct elf_search *search);

/*
 * The name of what was found, and how far into it the address is. What is not printable ASCII, or
 * a space, is '?'; a long name is cut. False: the address is in nothing that has a name.
 */
bool elf_search_name(const struct elf_symbols *symbols, const struct elf_search *search, char *name,
		     size_t size, uint64_t *offset);
