/*
 * The machine's free memory: what the boot loader's map calls usable, less the image, the modules,
 * what the boot information sets aside, and everything below 1 MiB (left for the start of other
 * CPUs). Addresses are physical, and the same in the hypervisor's own page tables.
 */
#pragma once

#include <stdint.h>

struct boot_info;

/*
 * Leaves the map with what is free, and below `end`, where what can be mapped ends. First CPU,
 * before any of the others here.
 */
void memory_init(struct boot_info *info, uint64_t end);

/* From now on memory below `end` is mapped and given out; until then, the first 4 GiB. */
void memory_set_limit(uint64_t end);

/* Contiguous memory, contents undefined. Both in bytes, align a power of two. 0: there is none. */
uint64_t memory_alloc(uint64_t size, uint64_t align);

/* The same below 4 GiB: what a CPU needs before it has the hypervisor's own page tables. */
uint64_t memory_alloc_low(uint64_t size, uint64_t align);
void memory_free(uint64_t address, uint64_t size);

/* One page of zeros; NULL: there is none. */
void *memory_alloc_page(void);
void memory_free_page(void *page);

uint64_t memory_free_bytes(void);

/*
 * A page of RAM below 640 KiB, where code can begin in real mode; 0: there is none. Something may
 * be in it.
 */
uint64_t memory_real_mode_page(void);
