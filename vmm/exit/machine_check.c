#include "vmm/exit/machine_check.h"

#include <stddef.h>

#include "boot/machine_check.h"
#include "lib/console.h"
#include "lib/format.h"
#include "vmm/lost_memory.h"
#include "vmm/vm.h"

/* Memory that is lost, and the running VM that has all of these bytes in one piece, or NULL. */
struct loss {
	uint64_t start, size;
	const struct vm *interrupted;
	bool restartable; /* another VM than that one may be their owner */
	struct vm *owner;
	uint64_t gpa;
};

/* Noted while it cannot end: later the memory would be another's already. */
static bool look_for_owner(struct vm *vm, void *arg)
{
	struct loss *loss = arg;

	if (!guest_ram_gpa(&vm->ram, (const uint8_t *)loss->start, loss->size, &loss->gpa))
		return true;
	if ((vm == loss->interrupted || loss->restartable) &&
	    lost_memory_note(loss->start, loss->size))
		loss->owner = vm;
	return false;
}

static bool end_owner(void *arg, uint64_t start, uint64_t size, bool restartable)
{
	struct vcpu *vcpu = arg;
	struct loss loss = {start, size, vcpu->vm, restartable, NULL, 0};
	char text[256];
	struct vm *vm;

	vms_visit_running(look_for_owner, &loss);
	vm = loss.owner;
	if (!vm)
		return false;
	format(text, sizeof(text),
	       "machine check: %lu bytes of its memory at guest-physical 0x%lx (physical "
	       "0x%lx) are lost, and their pages are used no more [SDM Vol. 3B 16.9.3.2]",
	       size, loss.gpa, start);
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
