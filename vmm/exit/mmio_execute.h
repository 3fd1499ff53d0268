/*
 * What the instructions of vmm/exit/mmio_instruction.h compute. A pure function, any context.
 */
#pragma once

#include <stdint.h>

struct mmio_instruction;

struct mmio_operands {
	/*
	 * As the device gave it, if the instruction reads memory; then, as the device is to get it,
	 * if it writes memory: `size` bytes, with zeros above. Of MMIO_PUSH, the value to be
	 * pushed.
	 */
	uint64_t memory;
	uint64_t register_value; /* all of it, before and after */
	uint64_t rflags;
};

/*
 * Makes of the operands before an instruction those after it. A register changes as the width of
 * the write has it: 8 and 16 bits leave the others alone, 32 bits clear the upper half (SDM Vol. 1
 * 3.4.1.1). Flags that the SDM calls undefined are left alone after BT and its like, and AF is
 * cleared after AND and its like, as CPUs do.
 */
void mmio_execute(const struct mmio_instruction *instruction, struct mmio_operands *operands);
