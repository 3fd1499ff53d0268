/*
 * The machine's free memory: what the boot loader's map calls usable, less the image, the modules
 * and everything below 1 MiB (left for the start of other CPUs).
 * Addresses are physical, and the same in the hypervisor's own page tables.
 */
#pragma once

#include <stdint.h>

struct boot_info;

void memory_init(struct boot_info *info);

/* Contiguous memory, contents undefined. Both in bytes, align a power of two. 0: there is none. */
uint64_t memory_alloc(uint64_t size, uint64_t align);
void memory_free(uint64_t address, uint64_t size);

/* One page of zeros; NULL: there is none. */
void *memory_alloc_page(void);
void memory_free_page(void *page);

uint64_t memory_free_bytes(void);

/* The end of the highest usable range: what the page tables must reach. */
uint64_t memory_top(void);
