#include "lib/errno.h"
#include "lib/string.h"
#include "lib/x86.h"
#include "vmm/cpuid.h"
#include "vmm/device/pages.h"
#include "vmm/exit/guest_paging.h"
#include "vmm/exit/instruction.h"
#include "vmm/exit/page_walk.h"
#include "vmm/vm.h"
#include "vmx/vmcs.h"

#define PDPTE_PRESENT BIT(0)
#define PDPT_ADDRESS  0xffffffe0ull

/* Of one address, as often as another vCPU has written an entry between its look and its mark. */
#define WALKS_MAX 16

static uint64_t pdpte_field(unsigned int index)
{
	return vmcs_read(VMCS_GUEST_PDPTE0 + 2 * index);
}

/* Whose access it is: the running guest's code, or its CPU's own. */
enum accessor {
	BY_CODE,
	BY_CPU,
};

static struct paging_state running_state(const struct vcpu *vcpu, uint64_t linear,
					 enum accessor accessor)
{
	struct paging_state state = {
		.cr0 = vmcs_read(VMCS_GUEST_CR0),
		.cr3 = vmcs_read(VMCS_GUEST_CR3),
		.cr4 = vmcs_read(VMCS_GUEST_CR4),
		.efer = vcpu->efer,
		.rflags = vmcs_read(VMCS_GUEST_RFLAGS),
		.cpl = vcpu_cpl(),
		.physical_bits = guest_physical_bits(),
		.pages_1g = guest_has_1g_pages(),
	};

	if (!vcpu->long_mode && (state.cr4 & CR4_PAE))
		state.pdpte = pdpte_field(linear >> 30 & 3);
	if (vcpu->long_mode && (state.cr4 & CR4_PKE))
		state.pkru = vcpu_read_pkru(vcpu);
	if (accessor == BY_CPU) { /* and EFLAGS.AC opens no user page to it */
		state.cpl = 0;
		state.rflags &= ~RFLAGS_AC;
	}
	return state;
}

/* An entry of a table where no RAM is: all ones, with reserved bits (SDM Vol. 3A 4.7). */
static uint32_t error_without_table(struct vcpu *vcpu, uint64_t gpa, bool write)
{
	uint64_t value;

	pages_read(vcpu, gpa & ~7ull, 8, &value);
	return BIT(0) | (write ? BIT(1) : 0) | (vcpu_cpl() == 3 ? BIT(2) : 0) | BIT(3);
}

static int translate(struct vcpu *vcpu, enum accessor accessor, uint64_t linear, bool write,
		     uint64_t *gpa)
{
	const struct guest_ram *ram = &vcpu->vm->ram;
	struct page_walk walk = {.gpa = linear & 0xffffffff};
	enum page_walk_result result = PAGE_WALK_DONE;
	unsigned int walks = 0;

	if (vmcs_read(VMCS_GUEST_CR0) & CR0_PG) {
		struct paging_state state = running_state(vcpu, linear, accessor);

		do {
			if (walks++ == WALKS_MAX)
				return -EFAULT;
			result = page_walk(ram, &state, linear, write, &walk);
		} while (result == PAGE_WALK_DONE && !page_walk_mark(ram, &walk));
	}
	if (result == PAGE_WALK_NO_TABLE)
		walk.error_code = error_without_table(vcpu, walk.gpa, write);
	if (result != PAGE_WALK_DONE) {
		write_cr2(linear);
		vcpu_raise(vcpu, VECTOR_PF, walk.error_code);
		return -EFAULT;
	}
	*gpa = walk.gpa;
	return 0;
}

/* Where no RAM is, by accesses of 8 bytes and less. */
static int access_pages_of_devices(struct vcpu *vcpu, uint64_t gpa, uint8_t *buffer,
				   uint32_t length, bool write)
{
	for (uint32_t done = 0, part; done < length; done += part) {
		uint64_t value = 0;

		part = 8;
		while (part > length - done || (gpa + done) % part)
			part /= 2;
		memcpy(&value, buffer + done, part);
		if (!(write ? pages_write(vcpu, gpa + done, part, value)
			    : pages_read(vcpu, gpa + done, part, &value)))
			return -EFAULT;
		memcpy(buffer + done, &value, part);
	}
	return 0;
}

/* RAM, or what is there instead. */
static int access_physical(struct vcpu *vcpu, uint64_t gpa, uint8_t *buffer, uint32_t length,
			   bool write)
{
	const struct guest_ram *ram = &vcpu->vm->ram;
	int error = write ? guest_ram_write(ram, gpa, buffer, length)
			  : guest_ram_read(ram, gpa, buffer, length);

	return error ? access_pages_of_devices(vcpu, gpa, buffer, length, write) : 0;
}

/* With a NULL buffer it only checks. */
static int access_pages(struct vcpu *vcpu, enum accessor accessor, uint64_t linear, uint8_t *buffer,
			uint32_t length, bool write)
{
	for (uint32_t done = 0, part; done < length; done += part) {
		uint64_t address = linear + done, gpa = 0;

		if (!vcpu->long_mode)
			address &= 0xffffffff;
		part = 0x1000 - (address & 0xfff);
		if (part > length - done)
			part = length - done;
		if (translate(vcpu, accessor, address, write, &gpa))
			return -EFAULT;
		if (buffer && access_physical(vcpu, gpa, buffer + done, part, write))
			return -EFAULT;
	}
	return 0;
}

bool guest_walk(const struct vcpu *vcpu, uint64_t linear, struct page_walk *walk)
{
	struct paging_state state;

	if (!(vmcs_read(VMCS_GUEST_CR0) & CR0_PG)) {
		*walk = (struct page_walk){.gpa = linear & 0xffffffff};
		return true;
	}
	state = running_state(vcpu, linear, BY_CODE);
	return page_walk(&vcpu->vm->ram, &state, linear, false, walk) == PAGE_WALK_DONE &&
	       !walk->count;
}

bool guest_fetched_gpa(const struct vcpu *vcpu, uint64_t linear, uint64_t *gpa)
{
	struct paging_state state;
	struct page_walk walk;

	*gpa = linear & 0xffffffff;
	if (!(vmcs_read(VMCS_GUEST_CR0) & CR0_PG))
		return true;
	state = running_state(vcpu, linear, BY_CODE);
	state.cpl = 0;
	state.cr4 &= ~(uint64_t)(CR4_SMAP | CR4_PKE);
	if (page_walk(&vcpu->vm->ram, &state, linear, false, &walk) != PAGE_WALK_DONE)
		return false;
	*gpa = walk.gpa;
	return true;
}

int guest_check_access(struct vcpu *vcpu, uint64_t linear, uint32_t length, bool write)
{
	return access_pages(vcpu, BY_CODE, linear, NULL, length, write);
}

int guest_access(struct vcpu *vcpu, uint64_t linear, void *buffer, uint32_t length, bool write)
{
	return access_pages(vcpu, BY_CODE, linear, buffer, length, write);
}

int guest_check_system_access(struct vcpu *vcpu, uint64_t linear, uint32_t length, bool write)
{
	return access_pages(vcpu, BY_CPU, linear, NULL, length, write);
}

int guest_system_access(struct vcpu *vcpu, uint64_t linear, void *buffer, uint32_t length,
			bool write)
{
	return access_pages(vcpu, BY_CPU, linear, buffer, length, write);
}

int guest_system_change(struct vcpu *vcpu, uint64_t linear, uint8_t set, uint8_t clear)
{
	uint64_t gpa = 0;
	uint8_t *at;

	if (!vcpu->long_mode)
		linear &= 0xffffffff;
	if (translate(vcpu, BY_CPU, linear, true, &gpa))
		return -EFAULT;
	at = guest_ram_at(&vcpu->vm->ram, gpa, 1);
	if (!at) { /* nothing keeps it there */
		uint64_t value;

		return pages_read(vcpu, gpa, 1, &value) ? 0 : -EFAULT;
	}
	if (set)
		__atomic_fetch_or(at, set, __ATOMIC_SEQ_CST);
	if (clear)
		__atomic_fetch_and(at, (uint8_t)~clear, __ATOMIC_SEQ_CST);
	return 0;
}

int guest_load_pdptes(struct vcpu *vcpu, uint64_t cr3)
{
	uint64_t reserved = pdpte_reserved_bits(guest_physical_bits());
	uint64_t pdpte[4] = {};

	if (access_physical(vcpu, cr3 & PDPT_ADDRESS, (uint8_t *)pdpte, sizeof(pdpte), false))
		return -EFAULT;
	for (unsigned int i = 0; i < 4; i++)
		if ((pdpte[i] & PDPTE_PRESENT) && (pdpte[i] & reserved))
			return -EINVAL;
	for (unsigned int i = 0; i < 4; i++)
		vmcs_write(VMCS_GUEST_PDPTE0 + 2 * i, pdpte[i]);
	return 0;
}
