/*
 * Selectors, sizes of pages and stacks, and the addresses that linker.ld defines.
 */
#pragma once

#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10
#define SELECTOR_TSS  0x18

#define PAGE_SIZE      4096
#define LOW_MEMORY_END 0x100000 /* what real mode reaches, and BIOSes use */
#define CPU_STACK_SIZE 0x8000
#define IST_STACK_SIZE 0x2000

#ifndef __ASSEMBLER__
extern char image_start[], image_end[];
extern char text_start[], text_end[];
extern char rodata_start[], rodata_end[];
extern char data_start[], data_end[];
#endif
