#include "vmm/exit/fetch.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "vmm/exit/guest_paging.h"
#include "vmm/exit/mmio_decode.h"
#include "vmm/exit/page_walk.h"
#include "vmm/vm.h"

#define PAGE_SIZE_4K 0x1000u

/* Of entries that there are not. */
static const uint64_t nothing;

_Static_assert(sizeof(struct kept_instruction) * KEPT_INSTRUCTIONS <= PAGE_SIZE_4K, "a page");

static bool is_64(const struct vcpu *vcpu, uint64_t cs)
{
	return vcpu->long_mode && (cs & ACCESS_RIGHTS_L);
}

/* Of code, outside of 64-bit mode. */
static uint64_t linear_32(uint64_t rip)
{
	return (uint32_t)(rip + vmcs_read(VMCS_GUEST_CS_BASE));
}

static enum mmio_code code_size(const struct vcpu *vcpu, uint64_t cs)
{
	if (is_64(vcpu, cs))
		return MMIO_CODE_64;
	return cs & ACCESS_RIGHTS_DB ? MMIO_CODE_32 : MMIO_CODE_16;
}

const struct kept_instruction *fetch_kept_32(const struct vcpu *vcpu, uint64_t rip, uint64_t cs)
{
	uint64_t linear = linear_32(rip), differs;
	const struct kept_instruction *kept = fetch_place(vcpu, linear);

	if (kept->linear != linear)
		kept++;
	differs = (linear ^ kept->linear) | ((cs | KEPT_NOT_64) ^ kept->cs);
	differs |= vmcs_read(VMCS_GUEST_CR3) ^ kept->cr3;
	differs |= vmcs_read(VMCS_GUEST_CR0) ^ kept->cr0;
	differs |= vmcs_read(VMCS_GUEST_CR4) ^ kept->cr4;
	differs |= vcpu->efer ^ kept->efer;
	return !differs && fetch_memory_is(kept) ? kept : NULL;
}

static enum kept_kind kind_of(const struct mmio_instruction *ins)
{
	if (ins->operation != MMIO_MOV || ins->size != 4 || ins->number == REGISTER_RSP)
		return KEPT_OTHER;
	if (!(ins->flags & MMIO_WRITES))
		return KEPT_LOAD;
	return ins->flags & MMIO_REGISTER ? KEPT_STORE : KEPT_STORE_IMMEDIATE;
}

/* The entries that a walk has read. False: one is another by now. */
static bool keep_entries(struct kept_instruction *kept, const struct guest_ram *ram,
			 const struct page_walk *walk)
{
	for (unsigned int i = 0; i < KEPT_ENTRIES; i++) {
		uint64_t gpa = walk->path[i].gpa, word, entry;
		const uint64_t *at = NULL;

		kept->entry[i] = &nothing;
		kept->value[i] = nothing;
		if (i >= walk->levels)
			continue;
		at = guest_ram_at(ram, gpa & ~7ull, 8);
		if (!at)
			return false;
		word = __atomic_load_n(at, __ATOMIC_RELAXED);
		entry = walk->entry_size == 8 ? word : (uint32_t)(word >> 8 * (gpa & 4));
		if (entry != walk->path[i].value)
			return false;
		kept->entry[i] = at;
		kept->value[i] = word;
	}
	return true;
}

/*
 * By a walk that changes nothing, so that what is kept is of one look. Of PAE paging, whose PDPTEs
 * are registers, nothing is kept. The one before becomes the second of its place.
 */
static bool keep(struct vcpu *vcpu, struct kept_instruction *kept, uint64_t linear, uint64_t cs)
{
	const struct guest_ram *ram = &vcpu->vm->ram;
	struct page_walk walk;

	if ((linear & (PAGE_SIZE_4K - 1)) > PAGE_SIZE_4K - sizeof(kept->bytes))
		return false;
	if (kept->cs && kept->linear != linear)
		kept[1] = kept[0];
	kept->cs = 0; /* none, until all of it is there */
	kept->cr0 = vmcs_read(VMCS_GUEST_CR0);
	kept->cr3 = vmcs_read(VMCS_GUEST_CR3);
	kept->cr4 = vmcs_read(VMCS_GUEST_CR4);
	kept->efer = vcpu->efer;
	if ((kept->cr0 & CR0_PG) && !vcpu->long_mode && (kept->cr4 & CR4_PAE))
		return false;
	if (!guest_walk(vcpu, linear, &walk) || !keep_entries(kept, ram, &walk))
		return false;
	kept->code = guest_ram_at(ram, walk.gpa, sizeof(kept->bytes));
	if (!kept->code)
		return false;
	memcpy(kept->bytes, kept->code, sizeof(kept->bytes));
	if (mmio_decode((const uint8_t *)kept->bytes, MMIO_INSTRUCTION_MAX, code_size(vcpu, cs),
			&kept->instruction))
		return false;
	kept->kind = kind_of(&kept->instruction);
	kept->linear = linear;
	kept->cs = cs | (is_64(vcpu, cs) ? 0 : KEPT_NOT_64);
	return true;
}

/* From one page, and only if that does not hold all of it from the next. */
static int fetch_and_decode(struct vcpu *vcpu, uint64_t linear, enum mmio_code code,
			    struct mmio_instruction *instruction, uint8_t *bytes,
			    unsigned int *count)
{
	unsigned int left = PAGE_SIZE_4K - (linear & (PAGE_SIZE_4K - 1));
	int error;

	*count = left < MMIO_INSTRUCTION_MAX ? left : MMIO_INSTRUCTION_MAX;
	if (guest_access(vcpu, linear, bytes, *count, false))
		return -EFAULT;
	error = mmio_decode(bytes, *count, code, instruction);
	if (error != -EAGAIN)
		return error;
	left = MMIO_INSTRUCTION_MAX - *count;
	if (guest_access(vcpu, linear + *count, bytes + *count, left, false))
		return -EFAULT;
	*count = MMIO_INSTRUCTION_MAX;
	return mmio_decode(bytes, *count, code, instruction);
}

int fetch(struct vcpu *vcpu, struct mmio_instruction *instruction, uint8_t *bytes,
	  unsigned int *count)
{
	uint64_t cs = vmcs_read(VMCS_GUEST_CS_ACCESS_RIGHTS), rip = vmcs_read(VMCS_GUEST_RIP);
	uint64_t linear = is_64(vcpu, cs) ? rip : linear_32(rip);
	struct kept_instruction *kept = fetch_place(vcpu, linear);

	if (!keep(vcpu, kept, linear, cs))
		return fetch_and_decode(vcpu, linear, code_size(vcpu, cs), instruction, bytes,
					count);
	*count = MMIO_INSTRUCTION_MAX;
	memcpy(bytes, kept->bytes, *count);
	*instruction = kept->instruction;
	return 0;
}
