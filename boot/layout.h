/*
 * Selectors, stack sizes and the addresses that linker.ld and boot/start.S define.
 */
#pragma once

#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10
#define SELECTOR_TSS  0x18

#define BOOT_STACK_SIZE 0x8000
#define IST_STACK_SIZE	0x2000

#define PAGE_SIZE 4096

#ifndef __ASSEMBLER__
extern char image_start[], image_end[];
extern char text_start[], text_end[];
extern char rodata_start[], rodata_end[];
extern char data_start[], data_end[];
extern char boot_stack_guard[], boot_stack_top[];
extern char nmi_stack_guard[], nmi_stack_top[];
extern char double_fault_stack_guard[], double_fault_stack_top[];
extern char machine_check_stack_guard[], machine_check_stack_top[];
extern char fault_stack_guard[], fault_stack_top[];
#endif
