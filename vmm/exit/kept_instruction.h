/*
 * An instruction that was decoded, with all that it was found by: vmm/exit/fetch.h.
 */
#pragma once

#include <stdint.h>

#include "vmm/exit/mmio_instruction.h"

#define KEPT_BITS	  4
#define KEPT_INSTRUCTIONS (1 << KEPT_BITS) /* of a vCPU */
#define KEPT_ENTRIES	  4		   /* of paging structures */

/* MOVs of 32 bits, but of a register whose guest's value is elsewhere. */
enum kept_kind {
	KEPT_OTHER,
	KEPT_STORE, /* of a register */
	KEPT_STORE_IMMEDIATE,
	KEPT_LOAD,
};

#define KEPT_NOT_64 (1ull << 63) /* in `cs`: of another mode than that of 64 bits */

/*
 * All zeros is none: no code segment has such access rights. CR0, CR4 and EFER are looked at in
 * other modes than 64-bit mode only. Of a size that is quick to count by.
 */
struct __attribute__((aligned(256))) kept_instruction {
	uint64_t linear, cs, cr3, cr0, cr4, efer;
	/* in the guest's memory: the aligned 8 bytes that hold an entry; else a 0 */
	const uint64_t *entry[KEPT_ENTRIES];
	uint64_t value[KEPT_ENTRIES];
	const uint8_t *code; /* in the guest's memory */
	uint64_t bytes[2];
	struct mmio_instruction instruction;
	enum kept_kind kind;
};
