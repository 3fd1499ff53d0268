#include "vmm/device/pages.h"

#include "lib/console.h"
#include "lib/x86.h"
#include "vmm/chip/lapic_registers.h"
#include "vmm/device/pit.h"
#include "vmm/interrupts.h"
#include "vmm/vm.h"

#define PAGE_OFFSET 0xfffull

static uint64_t ones(unsigned int size)
{
	return size == 8 ? ~0ull : BIT(8 * size) - 1;
}

/* Of a register of 32 bits the part that is asked for; two of them in one access are not offered.
 */
static uint64_t part_of(uint32_t value, uint64_t gpa, unsigned int size)
{
	return value >> 8 * (gpa & 3) & ones(size);
}

/* False: it is named already, as more than are remembered are. */
static bool is_first(struct vm *vm, uint64_t page)
{
	for (uint32_t i = 0; i < vm->holes.count; i++)
		if (vm->holes.page[i] == page)
			return false;
	if (vm->holes.count == VM_HOLES_NAMED)
		return false;
	vm->holes.page[vm->holes.count++] = page;
	return true;
}

/* False: its module line has it ended for that. */
static bool hole(struct vcpu *vcpu, uint64_t gpa, bool write)
{
	struct vm *vm = vcpu->vm;

	vm->holes.accesses++;
	if (vm->config.holes_end) {
		vm_fail(vcpu, "ept-violation",
			"%s at guest-physical 0x%lx, where nothing is (holes=end) [SDM Vol. 3C "
			"28.3.3.2]",
			write ? "write" : "read", gpa);
		return false;
	}
	if (is_first(vm, gpa & ~PAGE_OFFSET))
		log_info("%s: %s at guest-physical 0x%lx, where nothing is%s", vm->config.name,
			 write ? "write" : "read", gpa,
			 vm->holes.count == VM_HOLES_NAMED ? ": more such pages are not named"
							   : "");
	return true;
}

static bool is_ioapic(uint64_t gpa)
{
	return (gpa & ~PAGE_OFFSET) == PC_IOAPIC;
}

static bool is_hpet(uint64_t gpa)
{
	return (gpa & ~PAGE_OFFSET) == PC_HPET;
}

bool pages_is_hole(const struct vcpu *vcpu, uint64_t gpa)
{
	return !lapic_is_at(&vcpu->lapic, gpa) && !is_ioapic(gpa) && !is_hpet(gpa);
}

/* What is narrower than its registers' halves is a part of one. */
static uint64_t hpet_part(struct vcpu *vcpu, uint64_t gpa, unsigned int size)
{
	unsigned int whole = size == 8 ? 8 : 4;
	uint64_t value =
		hpet_block_read(&vcpu->vm->pc.hpet, &pc_rates.hpet,
				gpa & PAGE_OFFSET & ~(uint64_t)(whole - 1), whole, rdtsc());

	return whole == 8 ? value : part_of(value, gpa, size);
}

bool pages_read(struct vcpu *vcpu, uint64_t gpa, unsigned int size, uint64_t *value)
{
	uint32_t offset = gpa & PAGE_OFFSET & ~3ull;

	if (lapic_is_at(&vcpu->lapic, gpa)) {
		struct lapic *lapic = vcpu_lapic_for(vcpu, offset >> 4);

		*value = part_of(lapic_read(lapic, &pc_rates.lapic, offset, rdtsc()), gpa, size);
		interrupts_changed_at_length(vcpu); /* its timer is looked at */
		return true;
	}
	if (is_ioapic(gpa)) {
		*value = part_of(i82093_read(&vcpu->vm->pc.ioapic, offset), gpa, size);
		return true;
	}
	if (is_hpet(gpa)) {
		*value = hpet_part(vcpu, gpa, size);
		return true;
	}
	*value = ones(size);
	return hole(vcpu, gpa, false);
}

bool pages_write(struct vcpu *vcpu, uint64_t gpa, unsigned int size, uint64_t value)
{
	uint32_t offset = gpa & PAGE_OFFSET;

	if (lapic_is_at(&vcpu->lapic, gpa)) {
		if (size == 4 && !(offset & 3))
			lapic_write(vcpu_lapic_for(vcpu, offset >> 4), &pc_rates.lapic, offset,
				    value, rdtsc());
		interrupts_changed_at_length(vcpu);
		return true;
	}
	if (is_ioapic(gpa)) {
		pit_catch_up(vcpu->vm);
		i82093_write(&vcpu->vm->pc.ioapic, offset, value);
		pc_update_deadline(&vcpu->vm->pc);
		interrupts_changed_at_length(vcpu);
		return true;
	}
	if (is_hpet(gpa)) {
		hpet_block_write(&vcpu->vm->pc.hpet, &pc_rates.hpet, offset, size, value, rdtsc());
		pc_update(&vcpu->vm->pc);
		interrupts_changed_at_length(vcpu);
		return true;
	}
	return hole(vcpu, gpa, true);
}
