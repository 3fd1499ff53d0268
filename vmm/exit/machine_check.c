#include "vmm/exit/machine_check.h"

#include "boot/machine_check.h"
#include "lib/console.h"
#include "lib/format.h"
#include "vmm/lost_memory.h"
#include "vmm/vm.h"

/* The running VM that has all of these bytes in one piece; NULL: there is none. */
static struct vm *owner_of(uint64_t start, uint64_t size, uint64_t *gpa)
{
	for (uint32_t i = 0; i < vms_count(); i++) {
		struct vm *vm = vm_at(i);

		if (vm->state != VM_RUNNING)
			continue;
		if (guest_ram_gpa(&vm->ram, (const uint8_t *)start, size, gpa))
			return vm;
	}
	return NULL;
}

static bool end_owner(void *arg, uint64_t start, uint64_t size, bool restartable)
{
	struct vcpu *vcpu = arg;
	char text[256];
	uint64_t gpa = 0;
	struct vm *vm = owner_of(start, size, &gpa);

	if (!vm || (vm != vcpu->vm && !restartable) || !lost_memory_note(start, size))
		return false;
	format(text, sizeof(text),
	       "machine check: %lu bytes of its memory at guest-physical 0x%lx (physical "
	       "0x%lx) are lost, and their pages are used no more [SDM Vol. 3B 16.9.3.2]",
	       size, gpa, start);
	if (vm == vcpu->vm) {
		vm_fail(vcpu, "machine-check", "%s", text);
	} else {
		log_error("%s: ended: %s", vm->config.name, text);
		vm_end(vm, VM_STATUS_FAILED, "machine-check");
	}
	return true;
}

void exit_machine_check(struct vcpu *vcpu)
{
	machine_check_exit(end_owner, vcpu);
}
