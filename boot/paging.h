/*
 * The hypervisor's own page tables: all memory one to one, writable and not executable, but the
 * image by its sections (text RX, rodata R, data RW), and nothing at page 0 and below each stack.
 * SDM Vol. 3A chapter 4.
 */
#pragma once

#include <stdint.h>

#define PAGING_LIMIT (512ull << 30) /* one PML4 entry: memory above is not used */

/* Builds and loads the page tables. First CPU, after memory_init(). */
void paging_init(void);

/* Loads the same page tables on another CPU. */
void paging_init_cpu(void);

/* The end of what is mapped. */
uint64_t paging_limit(void);
