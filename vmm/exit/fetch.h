/*
 * The instruction by which a guest accesses a device's page: fetched through the guest's page
 * tables, and decoded.
 *
 * Some of each vCPU are kept. One is used again only if all that it was found by is what it was:
 * the registers that its translation depends on, each paging-structure entry, in the guest's
 * memory, and its own bytes there. So nobody has to tell of what a guest changes, or of its TLB.
 * Whether it may be fetched, the CPU has found out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/x86.h"
#include "vmm/exit/instruction.h"
#include "vmm/exit/kept_instruction.h"
#include "vmm/vcpu.h"
#include "vmx/vmcs.h"

#define KEPT_SPREAD 0x94d049bb133111ebull /* of SplitMix64 */

/* Of the two that may have it the one that was kept last. */
static inline struct kept_instruction *fetch_place(const struct vcpu *vcpu, uint64_t linear)
{
	return &vcpu->kept[linear * KEPT_SPREAD >> (64 - KEPT_BITS) & ~1ull];
}

/* Of an entry: 0 if it is as it was. Read once, as a walk would. */
static inline uint64_t fetch_entry_differs(const struct kept_instruction *kept, unsigned int i)
{
	return __atomic_load_n(kept->entry[i], __ATOMIC_RELAXED) ^ kept->value[i];
}

/* The entries and the bytes. */
static inline bool fetch_memory_is(const struct kept_instruction *kept)
{
	uint64_t first, second;

	_Static_assert(KEPT_ENTRIES == 4, "each is looked at");
	__builtin_memcpy(&first, kept->code, sizeof(first));
	__builtin_memcpy(&second, kept->code + 8, sizeof(second));
	return !((first ^ kept->bytes[0]) | (second ^ kept->bytes[1]) |
		 fetch_entry_differs(kept, 0) | fetch_entry_differs(kept, 1) |
		 fetch_entry_differs(kept, 2) | fetch_entry_differs(kept, 3));
}

/*
 * The instruction at `rip`, if it is one of those that are kept; else NULL. In 64-bit mode paging
 * is that of four levels, whatever CR0, CR4 and EFER say.
 */
static inline const struct kept_instruction *fetch_kept_64(const struct vcpu *vcpu, uint64_t rip,
							   uint64_t cs)
{
	const struct kept_instruction *kept = fetch_place(vcpu, rip);
	uint64_t differs;

	if (kept->linear != rip)
		kept++;
	differs = (rip ^ kept->linear) | (cs ^ kept->cs);
	differs |= vmcs_read_known(VMCS_GUEST_CR3) ^ kept->cr3;
	return !differs && fetch_memory_is(kept) ? kept : NULL;
}

/* The same in other modes. */
const struct kept_instruction *fetch_kept_32(const struct vcpu *vcpu, uint64_t rip, uint64_t cs);

/*
 * The instruction at RIP, and its bytes, as many as were looked at. 0, -EINVAL: it is none of those
 * that can be emulated, or -EFAULT: a fault has been raised instead.
 */
int fetch(struct vcpu *vcpu, struct mmio_instruction *instruction, uint8_t *bytes,
	  unsigned int *count);
