#include "lib/errno.h"
#include "lib/x86.h"
#include "vmm/cpuid.h"
#include "vmm/guest_paging.h"
#include "vmm/vm.h"
#include "vmx/vmcs.h"

#define PTE_PRESENT  BIT(0)
#define PTE_WRITE    BIT(1)
#define PTE_USER     BIT(2)
#define PTE_ACCESSED BIT(5)
#define PTE_DIRTY    BIT(6)
#define PTE_LARGE    BIT(7)
#define PTE_KEY(e)   ((e) >> 59 & 0xf)
#define PTE_ADDRESS  0x000ffffffffff000ull

#define FAULT_PRESENT BIT(0)
#define FAULT_WRITE   BIT(1)
#define FAULT_USER    BIT(2)
#define FAULT_KEY     BIT(5)

#define PKRU_ACCESS_DISABLE(key) BIT(2 * (key))
#define PKRU_WRITE_DISABLE(key)	 BIT(2 * (key) + 1)

#define PDPTE_RESERVED 0x1e6ull /* PAE paging; and address bits that there are not */

/* How one paging mode walks. */
struct walk {
	unsigned int levels;
	unsigned int entry_size;
	unsigned int index_bits;
	bool pae_pdptes; /* the top level is in registers and has no permissions */
};

static struct walk walk_mode(uint64_t cr4, uint64_t efer)
{
	if (efer & EFER_LMA)
		return (struct walk){4, 8, 9, false};
	if (cr4 & CR4_PAE)
		return (struct walk){3, 8, 9, true};
	return (struct walk){2, 4, 10, false};
}

static int fault(uint32_t *error_code, bool present, bool write)
{
	*error_code = (present ? FAULT_PRESENT : 0) | (write ? FAULT_WRITE : 0) |
		      (vcpu_cpl() == 3 ? FAULT_USER : 0);
	return -EFAULT;
}

static bool may_be_large(const struct walk *walk, unsigned int level, uint64_t cr4)
{
	if (walk->entry_size == 4)
		return level == 1 && (cr4 & CR4_PSE);
	return level == 1 || (level == 2 && !walk->pae_pdptes);
}

/* The frame of a large page; a 4-MiB page has 8 more address bits in its entry (PSE-36). */
static uint64_t large_frame(const struct walk *walk, uint64_t entry, uint64_t page_size)
{
	if (walk->entry_size == 4)
		return (entry & 0xffc00000) | (entry >> 13 & 0xff) << 32;
	return entry & PTE_ADDRESS & ~(page_size - 1);
}

static bool permitted(uint64_t rights, bool write, uint64_t cr4)
{
	bool user = vcpu_cpl() == 3;

	if (user && !(rights & PTE_USER))
		return false;
	if (!user && (rights & PTE_USER) && (cr4 & CR4_SMAP) &&
	    !(vmcs_read(VMCS_GUEST_RFLAGS) & BIT(18)))
		return false;
	if (write && !(rights & PTE_WRITE))
		return !user && !(vmcs_read(VMCS_GUEST_CR0) & CR0_WP);
	return true;
}

/* Whether the protection key of a page allows the access (SDM Vol. 3A 4.6.2). */
static bool key_permits(const struct vcpu *vcpu, uint64_t leaf, uint64_t rights, bool write,
			uint64_t cr4)
{
	bool obeys_write_disable = vcpu_cpl() == 3 || (vmcs_read(VMCS_GUEST_CR0) & CR0_WP);
	uint64_t key = PTE_KEY(leaf), pkru;

	if (!(cr4 & CR4_PKE) || !vcpu->long_mode || !(rights & PTE_USER))
		return true;
	pkru = vcpu_read_pkru(vcpu);
	return !(pkru & PKRU_ACCESS_DISABLE(key)) &&
	       !(write && obeys_write_disable && (pkru & PKRU_WRITE_DISABLE(key)));
}

int guest_translate(struct vcpu *vcpu, uint64_t linear, bool write, uint64_t *gpa,
		    uint32_t *error_code)
{
	const struct guest_ram *ram = &vcpu->vm->ram;
	uint64_t cr4 = vmcs_read(VMCS_GUEST_CR4);
	struct walk walk = walk_mode(cr4, vmcs_read(VMCS_GUEST_IA32_EFER));
	uint64_t table = vmcs_read(VMCS_GUEST_CR3) & PTE_ADDRESS;
	uint64_t rights = PTE_WRITE | PTE_USER;

	if (!(vmcs_read(VMCS_GUEST_CR0) & CR0_PG)) {
		*gpa = linear & 0xffffffff;
		return 0;
	}
	for (unsigned int level = walk.levels - 1;; level--) {
		uint64_t page_size = BIT(12 + walk.index_bits * level);
		uint64_t index = linear / page_size & (BIT(walk.index_bits) - 1);
		bool top_pdpte = walk.pae_pdptes && level == 2;
		uint64_t at = table + index * walk.entry_size, entry = 0, marked;
		bool leaf;

		if (top_pdpte)
			entry = vmcs_read(VMCS_GUEST_PDPTE0 + 2 * (index & 3));
		else if (guest_ram_read(ram, at, &entry, walk.entry_size))
			return fault(error_code, false, write);
		if (!(entry & PTE_PRESENT))
			return fault(error_code, false, write);
		leaf = level == 0 || ((entry & PTE_LARGE) && may_be_large(&walk, level, cr4));
		if (!top_pdpte)
			rights &= entry;
		if (leaf && !key_permits(vcpu, entry, rights, write, cr4)) {
			fault(error_code, true, write);
			*error_code |= FAULT_KEY;
			return -EFAULT;
		}
		if (leaf && !permitted(rights, write, cr4))
			return fault(error_code, true, write);
		marked = entry | PTE_ACCESSED | (leaf && write ? PTE_DIRTY : 0);
		if (!top_pdpte && marked != entry)
			guest_ram_write(ram, at, &marked, walk.entry_size);
		if (leaf) {
			uint64_t frame =
				level ? large_frame(&walk, entry, page_size) : entry & PTE_ADDRESS;

			*gpa = frame + (linear & (page_size - 1));
			return 0;
		}
		table = entry & PTE_ADDRESS;
	}
}

/* One stretch within a page: where it is, or the #PF or end of the VM that it deserves. */
static int access_page(struct vcpu *vcpu, uint64_t linear, uint32_t length, bool write,
		       uint64_t *gpa)
{
	uint32_t error_code = 0;

	if (guest_translate(vcpu, linear, write, gpa, &error_code)) {
		write_cr2(linear);
		vcpu_raise(vcpu, VECTOR_PF, error_code);
		return -EFAULT;
	}
	if (guest_ram_contains(&vcpu->vm->ram, *gpa, length))
		return 0;
	vm_fail(vcpu, "ept-violation",
		"%s at guest-physical 0x%llx, which is not its memory [SDM Vol. 3C 28.3.3.2]",
		write ? "write" : "read", (unsigned long long)*gpa);
	return -EFAULT;
}

/* With a NULL buffer it only checks. */
static int access_pages(struct vcpu *vcpu, uint64_t linear, uint8_t *buffer, uint32_t length,
			bool write)
{
	for (uint32_t done = 0, part; done < length; done += part) {
		uint64_t address = linear + done, gpa = 0;

		part = 0x1000 - (address & 0xfff);
		if (part > length - done)
			part = length - done;
		if (access_page(vcpu, address, part, write, &gpa))
			return -EFAULT;
		if (buffer && write)
			guest_ram_write(&vcpu->vm->ram, gpa, buffer + done, part);
		else if (buffer)
			guest_ram_read(&vcpu->vm->ram, gpa, buffer + done, part);
	}
	return 0;
}

int guest_check_access(struct vcpu *vcpu, uint64_t linear, uint32_t length, bool write)
{
	return access_pages(vcpu, linear, NULL, length, write);
}

int guest_access(struct vcpu *vcpu, uint64_t linear, void *buffer, uint32_t length, bool write)
{
	return access_pages(vcpu, linear, buffer, length, write);
}

int guest_load_pdptes(struct vcpu *vcpu, uint64_t cr3)
{
	uint64_t reserved = PDPTE_RESERVED | ~(BIT(guest_physical_bits()) - 1);
	uint64_t pdpte[4] = {};

	if (guest_ram_read(&vcpu->vm->ram, cr3 & 0xffffffe0, pdpte, sizeof(pdpte)))
		return -EINVAL;
	for (unsigned int i = 0; i < 4; i++)
		if ((pdpte[i] & PTE_PRESENT) && (pdpte[i] & reserved))
			return -EINVAL;
	for (unsigned int i = 0; i < 4; i++)
		vmcs_write(VMCS_GUEST_PDPTE0 + 2 * i, pdpte[i]);
	return 0;
}
