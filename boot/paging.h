/*
 * The hypervisor's own page tables, in which an address is its physical address. Mapped are the
 * memory that memory_init() found to be free, the modules and what is set aside (writable), the
 * image by its sections (text RX, rodata R, data RW), the registers of devices that are named here
 * and the page in which other CPUs start (uncached), the screen (write-combining), and what
 * firmware's tables take (read only). Nothing but text is executable. Not mapped are page 0, the
 * page below each stack, and everything else: the map's other ranges, its holes, devices. SDM Vol.
 * 3A chapter 4.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct boot_info;
struct cpu_stacks;

/* Where the addresses that can be mapped on this CPU end. */
uint64_t paging_limit(void);

/*
 * Builds and loads the page tables: until then those of boot/start.S map the first 4 GiB. First
 * CPU, after memory_init() and apic_init().
 */
void paging_init(const struct boot_info *info);

/*
 * Loads the same page tables on another CPU. Its memory types may not be the first CPU's, which
 * they are made for: paging_same_types().
 */
void paging_init_cpu(void);
bool paging_same_types(void);

/* Leaves out the page below each of these stacks. First CPU, before another one has them. */
void paging_guard(const struct cpu_stacks *stacks);

/*
 * Maps the pages of a device's registers, uncached, and returns where they are: at their address.
 * NULL if they cannot be: above paging_limit(), or in a page that must stay out. What is mapped
 * already stays as it is. First CPU, at boot.
 */
volatile void *paging_map_device(uint64_t address, uint64_t size);

/*
 * Maps a framebuffer's pages, write-combining: what is written is collected, and reads are slow.
 * False if it cannot be. The same rules.
 */
bool paging_map_screen(uint64_t address, uint64_t size);

/* Makes firmware's data readable; false if it cannot be. The same rules. */
bool paging_map_firmware(uint64_t address, uint64_t size);
